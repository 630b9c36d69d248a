#!/usr/bin/env python3
"""ncnn on Vulkan, the generator's forward pass: checked against cyclegan's picture, then timed. Prints JSON, one object a line.

    peer_ncnn.py --size 64 --netG resnet_6blocks --ngf 32 --against translated.png

The network is written as ncnn's .param and .bin from the layers of model.py, and runs on the first Vulkan device, or on
the one whose name has --device in it. Mode fp32 turns all of ncnn's 16-bit options off; mode fp16 is its default. Winograd stays
as ncnn chooses. A pass takes the picture to the device and the result back, as `cyclegan bench` brings its pictures there.
"""

import argparse
import json
import os
import statistics
import struct
import sys
import tempfile
import time

import numpy as np

import model

MODES = ("fp32", "fp16")
WARM_UP, FORWARDS = 3, 3  # the first compiles; so many passes are timed for each step that `cyclegan bench` times


def write(layers, weights, param, binary):
    """The .param and .bin of ncnn. A blob that two layers read needs a Split in front of them."""
    lines, data, blobs, kept = ["Input input 0 1 b0"], [], 1, None
    last = "b0"

    def layer(kind, inputs, outputs=1, **settings):
        nonlocal blobs, last
        names = [f"b{blobs + i}" for i in range(outputs)]
        blobs += outputs
        text = " ".join(f"{name[1:]}={value}" for name, value in settings.items())
        lines.append(f"{kind} l{len(lines)} {len(inputs)} {outputs} {' '.join([*inputs, *names])} {text}")
        last = names[0]
        return names

    for x in layers:
        if x.kind == "reflect":
            layer("Padding", [last], _0=x.pad, _1=x.pad, _2=x.pad, _3=x.pad, _4=2)
        elif x.kind in ("conv", "deconv"):
            weight, settings = weights[f"{x.key}.weight"], {}
            if x.kind == "deconv":
                weight, settings = weight.transpose(1, 0, 2, 3), {"_18": 1, "_19": 1}  # ncnn stores [out,in,ky,kx]; output padding
            layer("Convolution" if x.kind == "conv" else "Deconvolution", [last],
                  _0=x.cout, _1=x.kernel, _3=x.stride, _4=x.pad, _5=1, _6=weight.size, **settings)
            data += [struct.pack("<I", 0), weight.tobytes(), weights[f"{x.key}.bias"].tobytes()]  # 0: fp32 follows
        elif x.kind == "norm":
            layer("InstanceNorm", [last], _0=x.cout, _1=1e-5, _2=0)
        elif x.kind == "relu":
            layer("ReLU", [last])
        elif x.kind == "keep":
            kept = layer("Split", [last], outputs=2)[1]
        elif x.kind == "add":
            layer("BinaryOp", [last, kept], _0=0)
        elif x.kind == "tanh":
            layer("TanH", [last])
    with open(param, "w", encoding="ascii") as file:
        file.write(f"7767517\n{len(lines)} {blobs}\n" + "\n".join(lines) + "\n")
    with open(binary, "wb") as file:
        file.writelines(data)
    return last


def load(ncnn, device, mode, files):
    """The network on the device."""
    net = ncnn.Net()
    net.opt.use_vulkan_compute = True
    if mode == "fp32":
        for option in ("use_fp16_packed", "use_fp16_storage", "use_fp16_arithmetic", "use_bf16_packed", "use_bf16_storage"):
            if hasattr(net.opt, option):
                setattr(net.opt, option, False)
    net.set_vulkan_device(device)
    if net.load_param(files[0]) or net.load_model(files[1]):
        sys.exit("ncnn did not load the network that peer_ncnn.py wrote: this version wants other files")
    return net


def find_device(ncnn, wanted):
    if ncnn.get_gpu_count() == 0:
        sys.exit("ncnn finds no Vulkan device")
    names = [ncnn.get_gpu_info(i).device_name() for i in range(ncnn.get_gpu_count())]
    for i, name in enumerate(names):
        if wanted.lower() in name.lower():
            return i, name
    sys.exit(f"ncnn finds no Vulkan device {wanted!r}, only {', '.join(names)}")


def milliseconds(function, count):
    """As `cyclegan bench --json` writes them; cpu is the processor time of a run."""
    for _ in range(WARM_UP):
        function()
    times, cpu = [], time.process_time()
    for _ in range(count):
        begun = time.perf_counter()
        function()
        times.append(1000 * (time.perf_counter() - begun))
    return {"mean": statistics.mean(times), "median": statistics.median(times), "min": min(times), "max": max(times), "runs": count,
            "cpu": 1000 * (time.process_time() - cpu) / count}


def emit(**record):
    print(json.dumps(record), flush=True)


def read_options():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0], allow_abbrev=False)
    model.add_options(parser)
    add = parser.add_argument
    add("--modes", nargs="+", default=MODES, choices=MODES)
    add("--steps", type=int, default=10, help=f"{FORWARDS} times as many passes are timed, after {WARM_UP} that are not")
    add("--device", default="", help="part of the device's name")
    add("--against", nargs="+", metavar="PNG", help="what cyclegan made of the same weights and input")
    options = parser.parse_args()
    options.blocks = model.blocks_of(parser, options)
    return options


def main():
    options = read_options()
    import ncnn  # pylint: disable=import-outside-toplevel
    index, name = find_device(ncnn, options.device)
    emit(peer=f"ncnn {ncnn.__version__}", device=name)
    layers = model.generator(options.blocks, options.ngf)
    picture = model.to_network(model.noise(options.size))
    with tempfile.TemporaryDirectory() as folder:
        files = [os.path.join(folder, f"generator.{kind}") for kind in ("param", "bin")]
        output = write(layers, model.draw(layers), *files)
        for mode in options.modes:
            net = load(ncnn, index, mode, files)

            def forward():
                run = net.create_extractor()
                run.input("b0", ncnn.Mat(picture))
                return run.extract(output)[1]

            if options.against:
                emit(mode=mode, apart=model.difference(np.array(forward()), options.against))
            emit(mode=mode, measured="generator forward", ms=milliseconds(forward, FORWARDS * options.steps))
            del net, forward
    ncnn.destroy_gpu_instance()


if __name__ == "__main__":
    main()
