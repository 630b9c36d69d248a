"""CycleGAN's networks as lists of layers, with weights drawn from a seed: what every peer builds for itself, and cyclegan reads.

A list says all that a framework needs: peer_torch.py makes modules of it, peer_ncnn.py a .param file, so both compute the
same function. Keys, order and biases are those of the official state dict; the layers themselves are from the paper (arXiv
1703.10593, appendix 7.2). Needs numpy alone. Run, it writes what `cyclegan translate` needs to show its own output:

    model.py --out FOLDER --size 64 --netG resnet_6blocks --ngf 32
    model.py --apart translated.png reference.png
"""

import argparse
import json
import os
import re
import struct
import zlib
from collections import namedtuple

import numpy as np

# kind: reflect (pads by pad), conv, deconv (output padding 1), norm (instance norm of cout), relu, leaky (0.2), tanh,
# keep (the picture that a residual block starts from), add (adds it again). key: of a convolution, in the state dict.
Layer = namedtuple("Layer", "kind key cin cout kernel stride pad", defaults=("", 0, 0, 0, 1, 0))

SEED, GAIN = 0, 0.02


def generator(blocks, ngf):
    """resnet_Nblocks. [3,H,W] -> [3,H,W], H and W multiples of 4."""
    layers, index = [], 0

    def stage(layer, key, out, before=(), after=("relu",)):
        layers.extend(before)
        layers.append(layer._replace(key=key, cout=out))
        layers.append(Layer("norm", cout=out))
        layers.extend(Layer(kind) for kind in after)

    stage(Layer("conv", cin=3, kernel=7), "model.1", ngf, before=[Layer("reflect", pad=3)])
    stage(Layer("conv", cin=ngf, kernel=3, stride=2, pad=1), "model.4", 2 * ngf)
    stage(Layer("conv", cin=2 * ngf, kernel=3, stride=2, pad=1), "model.7", 4 * ngf)
    for block in range(blocks):
        convolution, edge = Layer("conv", cin=4 * ngf, kernel=3), [Layer("reflect", pad=1)]
        key = f"model.{10 + block}.conv_block"
        stage(convolution, f"{key}.1", 4 * ngf, before=[Layer("keep"), *edge])
        stage(convolution, f"{key}.5", 4 * ngf, before=edge, after=["add"])
    index = 10 + blocks
    for width in (4 * ngf, 2 * ngf):
        stage(Layer("deconv", cin=width, kernel=3, stride=2, pad=1), f"model.{index}", width // 2)
        index += 3
    return layers + [Layer("reflect", pad=3), Layer("conv", f"model.{index + 1}", ngf, 3, 7), Layer("tanh")]


def discriminator(ndf, stages=3):
    """The PatchGAN. [3,H,W] -> logits [1,h,w]."""
    width = [3] + [ndf * min(2**i, 8) for i in range(stages + 1)] + [1]
    layers = []
    for i in range(stages + 2):
        layers.append(Layer("conv", f"model.{max(0, 3 * i - 1)}", width[i], width[i + 1], 4, 2 if i < stages else 1, 1))
        if 0 < i <= stages:
            layers.append(Layer("norm", cout=width[i + 1]))
        if i <= stages:
            layers.append(Layer("leaky"))
    return layers


def draw(layers, seed=SEED):
    """The weights by their keys, normal with GAIN, biases too, so that one that is left out shows. A numpy RandomState's bits never change."""
    rng, weights = np.random.RandomState(seed), {}
    for layer in layers:
        if not layer.key:
            continue
        shape = (layer.cin, layer.cout) if layer.kind == "deconv" else (layer.cout, layer.cin)
        for name, dims in (("weight", (*shape, layer.kernel, layer.kernel)), ("bias", (layer.cout,))):
            weights[f"{layer.key}.{name}"] = (GAIN * rng.standard_normal(dims)).astype(np.float32)
    return weights


def noise(size):
    """A picture of independent values. -> uint16 [size,size,3]"""
    return np.random.RandomState(SEED).randint(0, 1 << 16, (size, size, 3)).astype(np.uint16)


def to_network(picture):
    """uint16 [H,W,3] -> float32 [3,H,W] in [-1,1]"""
    return np.ascontiguousarray((picture.transpose(2, 0, 1) / 32767.5 - 1).astype(np.float32))


def difference(output, paths):
    """A network's output [3,H,W] against pictures that cyclegan made of the same: the largest difference and the largest mean, in [-1,1]."""
    apart = {"max": 0.0, "mean": 0.0, "spread": 2.0}
    for path in paths:
        ours = (read_png(path).transpose(2, 0, 1) + 0.5) / 32767.5 - 1  # cyclegan truncates: half a step is the middle
        error = np.abs(np.asarray(output, np.float64) - ours)
        apart = {"max": max(apart["max"], float(error.max())), "mean": max(apart["mean"], float(error.mean())),
                 "spread": min(apart["spread"], float(ours.std()))}
    return apart


def save(path, weights):
    """Writes a safetensors file."""
    header, at = {}, 0
    for key, value in weights.items():
        header[key] = {"dtype": "F32", "shape": value.shape, "data_offsets": [at, at + value.nbytes]}
        at += value.nbytes
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text)
        file.writelines(value.tobytes() for value in weights.values())


def write_png(path, picture):
    """uint16 [H,W,3], unfiltered."""
    height, width = picture.shape[:2]
    rows = picture.astype(">u2").tobytes()
    step = 6 * width
    raw = b"".join(b"\0" + rows[y * step:(y + 1) * step] for y in range(height))
    chunks = ((b"IHDR", struct.pack(">IIBBBBB", width, height, 16, 2, 0, 0, 0)), (b"IDAT", zlib.compress(raw)), (b"IEND", b""))
    with open(path, "wb") as file:
        file.write(b"\x89PNG\r\n\x1a\n")
        file.writelines(struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data)) for kind, data in chunks)


def read_png(path):
    """16-bit RGB, as cyclegan writes where the input had 16 bits. -> uint16 [H,W,3]"""
    with open(path, "rb") as file:
        data = file.read()
    width, height, depth, colour = struct.unpack(">IIBB", data[16:26])
    if (depth, colour) != (16, 2):
        raise ValueError(f"{path}: {depth} bits, colour type {colour}: a PNG of 16 bits and three channels was expected")
    at, packed = 8, b""
    while at < len(data):
        length, kind = struct.unpack(">I4s", data[at:at + 8])
        packed += data[at + 8:at + 8 + length] if kind == b"IDAT" else b""
        at += 12 + length
    rows = np.frombuffer(zlib.decompress(packed), np.uint8).reshape(height, 1 + 6 * width)
    above, out = np.zeros(6 * width, np.uint8), []
    for row in rows:
        above = unfilter(row[0], row[1:], above)
        out.append(above)
    return np.stack(out).view(">u2").reshape(height, width, 3).astype(np.uint16)


def unfilter(kind, row, above, pixel=6):
    """One row of a PNG: what its filter took away (PNG specification, section 9) is added again."""
    if kind == 0:
        return row
    if kind == 1:
        return np.cumsum(row.reshape(-1, pixel), axis=0, dtype=np.uint8).reshape(-1)
    if kind == 2:
        return row + above
    out = [0] * pixel + [0] * len(row)
    corner = [0] * pixel + above.tolist()
    for i, value in enumerate(row.tolist()):
        left, up, diagonal = out[i], corner[i + pixel], corner[i]
        if kind == 3:
            guess = (left + up) // 2
        else:
            guess = min((left, up, diagonal), key=lambda v: abs(left + up - diagonal - v))
        out[i + pixel] = (value + guess) & 255
    return np.array(out[pixel:], np.uint8)


def add_options(parser):
    """The options that say which networks."""
    add = parser.add_argument
    add("--size", type=int, default=256, help="side of the pictures")
    add("--netG", default="resnet_9blocks", help="resnet_Nblocks for any N")
    add("--ngf", type=int, default=64)
    add("--ndf", type=int, default=64)


def blocks_of(parser, options):
    named = re.fullmatch(r"resnet_([1-9]\d?)blocks", options.netG)
    if not named:
        parser.error(f"--netG {options.netG}: use resnet_9blocks, resnet_6blocks or any resnet_Nblocks")
    if options.size % 4 or options.size < 32:
        parser.error(f"--size {options.size}: use a multiple of 4 from 32")
    return int(named[1])


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0], allow_abbrev=False)
    add_options(parser)
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--out", help="folder for latest_net_G_A.safetensors and picture.png")
    what.add_argument("--apart", nargs=2, metavar="PNG", help="print how two pictures differ, as JSON")
    options = parser.parse_args()
    if options.apart:
        print(json.dumps(difference(to_network(read_png(options.apart[0])), options.apart[1:])))
        return
    blocks = blocks_of(parser, options)
    os.makedirs(options.out, exist_ok=True)
    save(os.path.join(options.out, "latest_net_G_A.safetensors"), draw(generator(blocks, options.ngf)))
    write_png(os.path.join(options.out, "picture.png"), noise(options.size))


if __name__ == "__main__":
    main()
