#!/usr/bin/env python3
"""cyclevk's files against PyTorch: weights move both ways, and so does a training.

Runs a built cyclegan and prints one line a check; exit code 1 where one fails. The networks are tools/golden/nets.py's, whose keys are
the official ones. Build bin/cyclegan first; the Python that runs this needs torch, NumPy and Pillow.

    OMP_WAIT_POLICY=passive /usr/bin/python3 tools/interop/pytorch_check.py
    OMP_WAIT_POLICY=passive /usr/bin/python3 tools/interop/pytorch_check.py --only steps --seeds 8

round     a trained checkpoint -> export pth -> torch.load(weights_only=True) -> the official network, strict=True -> torch.save
          (zip and legacy) -> export safetensors: every bit of every tensor is that of the checkpoint
types     PyTorch's fp16, bf16, fp64 and channels_last files: the values that PyTorch itself converts to fp32
steps     three training steps from weights that PyTorch saved, pool off, no augmentation: how far the exported weights are from
          PyTorch's float64 run, over how far PyTorch's fp32 run is, a network at a time; at most 1.5 in the median of the seeds
pictures  a PNG through an imported generator: the largest difference from PyTorch's result, truncated to 8 bits; at most 1
"""

import argparse
import copy
import os
import statistics
import subprocess
import sys
import tempfile

import numpy as np
import torch
from PIL import Image

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "../golden"))
import nets  # noqa: E402
import safetensors  # noqa: E402
import trainer  # noqa: E402

safetensors.DTYPES["I64"] = "<i8"
NETWORKS = trainer.NETWORKS


class Checker:
    def __init__(self, program, folder):
        self.program, self.folder, self.failed = program, folder, False

    def run(self, *arguments):
        done = subprocess.run([self.program, *map(str, arguments)], cwd=self.folder, capture_output=True, text=True)
        if done.returncode != 0:
            sys.exit(f"cyclegan {' '.join(map(str, arguments))}: {done.stderr.strip()}")
        return done.stdout

    def path(self, *parts):
        path = os.path.join(self.folder, *parts)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        return path

    def report(self, name, text, good):
        self.failed |= not good
        print(f"{'ok  ' if good else 'FAIL'} {name}: {text}", flush=True)


def load(path):
    return torch.load(path, map_location="cpu", weights_only=True)


def same_bits(a, b):
    a, b = np.ascontiguousarray(a), np.ascontiguousarray(b)
    return a.dtype == b.dtype and a.shape == b.shape and a.tobytes() == b.tobytes()


def newest(folder):
    return os.path.join(folder, max(n for n in os.listdir(folder) if n.endswith(".cyclevk.safetensors")))


# --- round ---------------------------------------------------------------------------------------------------------------

def generator(kind, norm, ngf):
    if kind.startswith("unet_"):
        return nets.UnetGenerator(ngf, int(kind[5:]).bit_length() - 1, norm)
    return nets.ResnetGenerator(ngf, int(kind[len("resnet_"):-len("blocks")]), norm)


def discriminator(kind, norm, ndf):
    if kind == "pixel":
        return nets.PixelDiscriminator(ndf, norm)
    return nets.PatchDiscriminator(ndf, 3, norm)


ROUNDS = (("resnet_2blocks", "basic", "instance", 32), ("resnet_2blocks", "basic", "batch", 32), ("resnet_1blocks", "pixel", "none", 32),
          ("unet_32", "pixel", "batch", 32), ("unet_32", "basic", "instance", 32))


def check_round(check, options):
    del options
    check.run("synth", "--out", "scenes", "--size", 32, "--train", 4, "--test", 1)
    for netG, netD, norm, size in ROUNDS:
        name = f"{netG}_{netD}_{norm}"
        check.run("train", "--dataroot", "scenes", "--name", name, "--load_size", size, "--crop_size", size, "--netG", netG, "--netD", netD,
                  "--norm", norm, "--ngf", 8, "--ndf", 8, "--max_steps", 3)
        before, _ = safetensors.read(newest(check.path("checkpoints", name)))
        check.run("export", "--model", f"checkpoints/{name}", "--format", "pth", "--out", f"{name}/engine")
        for legacy in (False, True):
            for net in NETWORKS:
                state = load(check.path(name, "engine", f"latest_net_{net}.pth"))
                module = generator(netG, norm, 8) if net[0] == "G" else discriminator(netD, norm, 8)
                module.load_state_dict(state, strict=True)
                torch.save(module.state_dict(), check.path(name, "torch", f"latest_net_{net}.pth"), _use_new_zipfile_serialization=not legacy)
            check.run("export", "--model", f"{name}/torch", "--format", "safetensors", "--out", f"{name}/back")
            tensors, values, different = 0, 0, []
            for net in NETWORKS:
                after, _ = safetensors.read(check.path(name, "back", f"latest_net_{net}.safetensors"))
                expected = {k[len(net) + 1:]: v for k, v in before.items() if k.startswith(net + ".") and ".exp_avg" not in k}
                after = {k: v for k, v in after.items() if not k.endswith("num_batches_tracked")}
                different += [k for k in expected.keys() | after.keys() if k not in expected or k not in after or not same_bits(expected[k], after[k])]
                tensors, values = tensors + len(expected), values + sum(v.size for v in expected.values())
            check.report(f"round {name} {'legacy' if legacy else 'zip'}", f"{tensors} tensors, {values} values, {len(different)} differ", not different)


# --- types ---------------------------------------------------------------------------------------------------------------

def check_types(check, options):
    del options
    module = nets.ResnetGenerator(6, 2, "batch")
    nets.init_weights(module, np.random.RandomState(3), bias_gain=0.02)
    variants = {"fp16": module.state_dict(), "bf16": module.state_dict(), "fp64": module.state_dict(), "channels_last": module.state_dict()}
    kinds = {"fp16": torch.float16, "bf16": torch.bfloat16, "fp64": torch.float64}
    for name, state in variants.items():
        state = {k: v.clone() for k, v in state.items()}
        for k, v in state.items():
            if v.is_floating_point():
                v = v.to(kinds.get(name, v.dtype))
                state[k] = v.contiguous(memory_format=torch.channels_last) if name == "channels_last" and v.dim() == 4 else v
        torch.save({"state_dict": state, "epoch": 7}, check.path("types", f"{name}.pth"))
        check.run("export", "--model", f"types/{name}.pth", "--format", "safetensors", "--out", f"types/{name}")
        after, _ = safetensors.read(check.path("types", name, "latest_net_G_A.safetensors"))
        different = [k for k, v in state.items() if v.is_floating_point() and not same_bits(v.float().contiguous().numpy(), after[k])]
        check.report(f"types {name}", f"{len(state)} tensors, {len(different)} differ", not different)


# --- steps ---------------------------------------------------------------------------------------------------------------

NGF, NDF, BLOCKS, SIZE, STEPS = 4, 4, 1, 32, 3


def textured(rng, size):
    """A picture [size,size,3] of 8 bits: soft blobs and grain, as flat pictures have nothing to normalise."""
    grid = rng.uniform(0, 255, (size // 8 + 1, size // 8 + 1, 3)).astype(np.uint8)
    soft = np.asarray(Image.fromarray(grid).resize((size, size), Image.BICUBIC), np.float64)
    return np.clip(soft + rng.normal(0, 12, soft.shape), 0, 255).astype(np.uint8)


def as_tensor(picture, dtype):
    """[H,W,3] of 8 bits -> [1,3,H,W] of [-1,1]."""
    return torch.from_numpy(picture.astype(np.float32).transpose(2, 0, 1)[None] / np.float32(127.5) - np.float32(1)).to(dtype)


def steps_ratio(check, seed):
    """Network -> (distance of cyclevk's weights from float64, PyTorch's fp32's), the biases left out that instance norm cancels."""
    rng, name = np.random.RandomState(seed), f"steps{seed}"
    start = {n: nets.ResnetGenerator(NGF, BLOCKS) if n[0] == "G" else nets.PatchDiscriminator(NDF, 2) for n in NETWORKS}
    for n in NETWORKS:
        nets.init_weights(start[n], rng)
        torch.save(start[n].state_dict(), check.path("checkpoints", name, f"latest_net_{n}.pth"))
    pictures = {d: [textured(rng, SIZE) for _ in range(STEPS)] for d in "AB"}
    for d, list_ in pictures.items():
        for i, picture in enumerate(list_):
            Image.fromarray(picture).save(check.path(f"{name}_data", f"train{d}", f"{i}.png"))
    check.run("train", "--dataroot", f"{name}_data", "--name", name, "--continue_train", "--load_size", SIZE, "--crop_size", SIZE, "--no_flip",
              "--serial_batches", "--pool_size", 0, "--max_steps", STEPS)
    check.run("export", "--model", f"checkpoints/{name}", "--format", "pth", "--out", f"{name}_out")
    engine = {n: load(check.path(f"{name}_out", f"latest_net_{n}.pth")) for n in NETWORKS}
    trained = {}
    for dtype in (torch.float64, torch.float32):
        modules = {n: copy.deepcopy(m).to(dtype) for n, m in start.items()}
        pools = [trainer.ImagePool(0, None) for _ in range(2)]
        run = trainer.Trainer(modules, pools)
        for a, b in zip(pictures["A"], pictures["B"]):
            run.step(as_tensor(a, dtype), as_tensor(b, dtype))
        trained[dtype] = {n: m.state_dict() for n, m in modules.items()}

    def distance(n, state):
        dead = nets.dead_biases(start[n])
        truth = trained[torch.float64][n]
        return float(sum(((state[n][k].double() - v) ** 2).sum() for k, v in truth.items() if k not in dead)) ** 0.5

    return {n: (distance(n, engine), distance(n, trained[torch.float32])) for n in NETWORKS}


def check_steps(check, options):
    torch.set_num_threads(1)
    ratios = {n: [] for n in NETWORKS}
    for seed in range(1, options.seeds + 1):
        result = steps_ratio(check, seed)
        for n, (ours, theirs) in result.items():
            ratios[n].append(ours / theirs)
        print(f"     seed {seed}: " + ", ".join(f"{n} {ours:.3g} / {theirs:.3g}" for n, (ours, theirs) in result.items()), flush=True)
    for n, r in ratios.items():
        check.report(f"steps {n}", f"{statistics.median(r):.2f} times PyTorch's fp32 (median of {len(r)}, {min(r):.2f} to {max(r):.2f})", statistics.median(r) <= 1.5)


# --- pictures ------------------------------------------------------------------------------------------------------------

PICTURES = (("resnet_9blocks", "instance", 64, 128, 128), ("resnet_6blocks", "batch", 32, 96, 64), ("unet_128", "instance", 16, 128, 128),
            ("unet_64", "batch", 16, 64, 128))


def check_pictures(check, options):
    for kind, norm, ngf, width, height in PICTURES:
        module = generator(kind, norm, ngf).eval()
        nets.init_weights(module, np.random.RandomState(5), gain=0.05, bias_gain=0.02)
        name = f"{kind}_{norm}"
        torch.save(module.state_dict(), check.path("pictures", name, "latest_net_G_A.pth"))
        if options.picture:
            picture = np.asarray(Image.open(options.picture).convert("RGB").resize((width, height), Image.BICUBIC))
        else:
            picture = textured(np.random.RandomState(6), max(width, height))[:height, :width]
        Image.fromarray(picture).save(check.path("pictures", "in.png"))
        check.run("translate", "--model", f"pictures/{name}/latest_net_G_A.pth", "--direction", "AtoB", "--eval", "--out", f"pictures/{name}", "pictures/in.png")
        with torch.no_grad():
            y = module(as_tensor(picture, torch.float32))[0].numpy().transpose(1, 2, 0)
        truth = ((y + 1) / 2 * 255).astype(np.uint8)  # truncated, as in the official tensor2im
        ours = np.asarray(Image.open(check.path("pictures", name, "in.png")))
        d = np.abs(ours.astype(int) - truth.astype(int))
        spread = truth.max() - truth.min()
        check.report(f"pictures {name}, ngf {ngf}, {width}x{height}", f"largest difference {d.max()}, {100 * (d > 0).mean():.3f} % of the values differ "
                     f"(of results that span {spread})", d.max() <= 1)


CHECKS = {"round": check_round, "types": check_types, "steps": check_steps, "pictures": check_pictures}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0], allow_abbrev=False)
    parser.add_argument("--cyclegan", default=os.path.normpath(os.path.join(HERE, "../../bin/cyclegan")), help="the program")
    parser.add_argument("--only", choices=CHECKS, help="one check")
    parser.add_argument("--seeds", type=int, default=5, help="trainings of the check steps")
    parser.add_argument("--picture", help="a photograph for the check pictures, in place of a drawn one")
    options = parser.parse_args()
    if not os.path.exists(options.cyclegan):
        sys.exit(f"{options.cyclegan} is not there: build it with ./build.sh, or name it with --cyclegan")
    print(f"PyTorch {torch.__version__}")
    with tempfile.TemporaryDirectory() as folder:
        check = Checker(os.path.abspath(options.cyclegan), folder)
        for name, run in CHECKS.items():
            if options.only in (None, name):
                run(check, options)
    sys.exit(check.failed)


if __name__ == "__main__":
    main()
