#!/usr/bin/env python3
"""Write cyclegan/testdata/networks.safetensors: one pass, forward and backward, of every network and network option.

The truth is PyTorch in float64, and the yardstick the distances of 16 fp32 runs from it, as in step.py. Weights and pictures
come from an integer hash that the Go test computes too, so the file holds what comes out alone. See README.md.
"""

import argparse
import dataclasses
import json
import os

import numpy as np
import torch
from torch import nn

import kinks
import nets
import safetensors
import step

SAMPLES = 256  # of an output, whose values are taken at equal distances
FOLDS = 256  # numbers that a gradient of more than twice as many values is folded to


@dataclasses.dataclass(frozen=True)
class Case:
    """One network. netG or netD by the official name; width is ngf or ndf."""

    name: str
    net: str
    norm: str = "instance"
    width: int = 2
    n_layers_D: int = 3
    input_nc: int = 3
    output_nc: int = 3
    dropout: bool = False
    upsample: str = "transposed"
    height: int = 16
    width_px: int = 24
    batch_size: int = 1


def _cases():
    for norm in ("instance", "batch", "none"):
        pair = dict(norm=norm, batch_size=2 if norm == "batch" else 1)
        for blocks in (6, 9):
            yield Case(f"resnet_{blocks}blocks {norm}", f"resnet_{blocks}blocks", **pair)
        yield Case(f"resnet resize {norm}", "resnet_2blocks", upsample="resize", **pair)
        for side in (128, 256):
            yield Case(f"unet_{side} {norm}", f"unet_{side}", width=1, height=side, width_px=side, **pair)
        yield Case(f"basic {norm}", "basic", height=32, width_px=40, **pair)
        yield Case(f"n_layers {norm}", "n_layers", n_layers_D=4, width=1, height=64, width_px=52, **pair)
        yield Case(f"pixel {norm}", "pixel", width=5, height=9, width_px=7, **pair)
    yield Case("resnet dropout", "resnet_2blocks", dropout=True, batch_size=2)
    yield Case("unet dropout", "unet_64", norm="batch", width=1, dropout=True, height=64, width_px=64, batch_size=2)
    yield Case("resnet 1 to 4 channels", "resnet_1blocks", width=3, input_nc=1, output_nc=4)
    yield Case("unet 4 to 1 channels", "unet_32", width=3, input_nc=4, output_nc=1, height=32, width_px=64)
    yield Case("basic 1 channel", "basic", width=3, input_nc=1, height=32, width_px=28)


CASES = tuple(_cases())


def mix(x):
    """The finaliser of MurmurHash3 (Austin Appleby), uint32 [...] -> uint32 [...]."""
    x = x.astype(np.uint32)
    x ^= x >> np.uint32(16)
    x *= np.uint32(0x85EBCA6B)
    x ^= x >> np.uint32(13)
    x *= np.uint32(0xC2B2AE35)
    x ^= x >> np.uint32(16)
    return x


def uniform(seed, name, shape):
    """fp32 values of [-1,1), multiples of 2**-23: number i is mix(mix(i + seed * 0x9E3779B9) ^ h) / 2**31 - 1, its low byte
    cut off; h is FNV-1a of the name."""
    h = 0x811C9DC5
    for byte in name.encode():
        h = (h ^ byte) * 0x01000193 % 2**32
    index = np.arange(np.prod(shape, dtype=np.int64), dtype=np.uint32) + np.uint32(seed * 0x9E3779B9 % 2**32)
    bits = mix(mix(index) ^ np.uint32(h)) >> np.uint32(8)
    return (bits.astype(np.float64) / 2**23 - 1).astype(np.float32).reshape(shape)


def weights(seed, key, shape):
    """What a tensor of a state dict starts as: weights of variance 1 / (values of an output channel), gamma of [0.5,1.5),
    running variances likewise, all else of [-0.1,0.1)."""
    u = uniform(seed, key, shape).astype(np.float64)
    if len(shape) == 4:
        return (u * np.sqrt(3 * shape[0] / u.size)).astype(np.float32)
    if key.endswith((".weight", ".running_var")):
        return (1 + 0.5 * u).astype(np.float32)
    return (0.1 * u).astype(np.float32)


def philox(counter, key):
    """Philox 4x32-10 of counters [...,4] and a key of two words, uint32 (Salmon et al. 2011)."""
    c = [counter[..., i].astype(np.uint64) for i in range(4)]
    k0, k1 = key
    for _ in range(10):
        p0, p2 = np.uint64(0xD2511F53) * c[0], np.uint64(0xCD9E8D57) * c[2]
        low, shift = np.uint64(0xFFFFFFFF), np.uint64(32)
        c = [(p2 >> shift) ^ c[1] ^ np.uint64(k0), p2 & low, (p0 >> shift) ^ c[3] ^ np.uint64(k1), p0 & low]
        k0, k1 = (k0 + 0x9E3779B9) % 2**32, (k1 + 0xBB67AE85) % 2**32
    return np.stack(c, -1)


DROPOUT_KEY, DROPOUT_STEP, DROPOUT_CALL = (0x01234567, 0x89ABCDEF), 3, 5


class MaskedDropout(nn.Module):
    """Dropout of rate 0.5 by the engine's masks (kernels/dropout.go): a function of the element's place in [N,H,W,C], C padded
    to a multiple of 4, of the step, and of the layer, DROPOUT_CALL * 65536 + the number of the dropout in its network."""

    def __init__(self, number):
        super().__init__()
        self.layer = DROPOUT_CALL * 65536 + number

    def forward(self, x):
        n, c, h, w = x.shape
        counters = np.zeros((n * h * w * ((c + 3) // 4), 4), np.uint32)
        counters[:, 0], counters[:, 1], counters[:, 2] = np.arange(len(counters)), self.layer, DROPOUT_STEP
        kept = (philox(counters, DROPOUT_KEY) >= 2**31).reshape(n, h, w, -1)[..., :c].transpose(0, 3, 1, 2)
        return x * torch.from_numpy(2.0 * kept).to(x.dtype)


def build(case, seed, dtype):
    """The case's network in training mode, with the weights of the seed."""
    if case.net.startswith("resnet"):
        blocks = int(case.net[len("resnet_"):-len("blocks")])
        net = nets.ResnetGenerator(case.width, blocks, case.norm, case.dropout, case.upsample, case.input_nc, case.output_nc)
    elif case.net.startswith("unet"):
        downs = int(case.net[len("unet_"):]).bit_length() - 1
        net = nets.UnetGenerator(case.width, downs, case.norm, case.dropout, case.input_nc, case.output_nc)
    elif case.net == "pixel":
        net = nets.PixelDiscriminator(case.width, case.norm, case.input_nc)
    else:
        net = nets.PatchDiscriminator(case.width, case.n_layers_D, case.norm, case.input_nc)
    state = {key: torch.from_numpy(weights(seed, key, tuple(value.shape))) if value.is_floating_point() else value
             for key, value in net.state_dict().items()}
    net.load_state_dict(state)
    places = [(module, name) for module in net.modules() for name, child in module.named_children() if isinstance(child, nn.Dropout)]
    order = {id(module): i for i, module in enumerate(m for m in net.modules() if isinstance(m, nn.Dropout))}
    for module, name in places:
        setattr(module, name, MaskedDropout(order[id(getattr(module, name))]))
    return net.to(torch.float64 if dtype is np.float64 else torch.float32)


def sample(tensor):
    """[N,C,H,W] -> at most SAMPLES values, at equal distances in the flat order."""
    flat = tensor.detach().double().reshape(-1).numpy()
    return flat[::-(-len(flat) // SAMPLES)].copy()


def fold(tensor):
    """A gradient in float64: itself where it is small, else FOLDS sums of its values, value i in sum i % FOLDS, with signs by
    the hash: those values of uniform(0, "fold", ...) that are not negative are a plus."""
    values = tensor.detach().double().numpy()
    if values.size <= 2 * FOLDS:
        return values.copy()
    signed = values.reshape(-1) * np.where(uniform(0, "fold", (values.size,)) >= 0, 1, -1)
    return np.pad(signed, (0, -values.size % FOLDS)).reshape(-1, FOLDS).sum(0)


def run(case, seed, dtype, ulp_pattern=0):
    """-> (tensors by name, float64; kink arguments)"""
    net = build(case, seed, dtype)
    x = uniform(seed, "x", (case.batch_size, case.input_nc, case.height, case.width_px)).astype(dtype)
    if ulp_pattern:
        direction = np.random.RandomState(ulp_pattern).randint(-1, 2, x.shape)
        moved = np.nextafter(x, np.copysign(dtype(2), direction.astype(dtype)))
        x = np.where(direction == 0, x, moved)
    x = torch.from_numpy(x).requires_grad_()
    with kinks.recorded() as arguments:
        y = net(x)
    y.backward(torch.from_numpy(uniform(seed, "dy", tuple(y.shape)).astype(dtype)))
    found = {"out": sample(y), "grad.x": fold(x.grad)}
    found |= {f"grad.{key}": fold(parameter.grad) for key, parameter in net.named_parameters()}
    if case.norm == "batch":
        found |= {f"stat.{key}": value.double().numpy().copy() for key, value in net.named_buffers() if value.is_floating_point()}
        if not case.dropout:
            with torch.no_grad():  # by the statistics as they were before the pass
                found["out.eval"] = sample(build(case, seed, dtype).eval()(x))
    return found, arguments


def terms(case, seed):
    """Of each tensor with one value a channel, by name: the L2 norm of its values' sums of |terms|.

    A few numbers, on which 16 runs may agree to an ulp by luck, are too short a yardstick. The rounding error of a sum is
    bounded by a multiple of this instead. The terms of a bias' gradient are the derivatives by the pixels of its channel, those
    of gamma times the normalised pixels; a zero that is added to what a module puts out has these derivatives.
    """
    net, zeros, found = build(case, seed, np.float64), [], {}

    def add_zero(name):
        def hook(module, inputs, y):
            zero = torch.zeros_like(y, requires_grad=True)
            zeros.append((name, module, inputs[0].detach().clone(), y.detach().clone(), zero))
            return y + zero
        return hook

    for name, module in net.named_modules():
        if isinstance(module, (nn.Conv2d, nn.ConvTranspose2d, nn.BatchNorm2d)):
            module.register_forward_hook(add_zero(name))
    old = {key: value.clone() for key, value in net.named_buffers()}
    y = net(torch.from_numpy(uniform(seed, "x", (case.batch_size, case.input_nc, case.height, case.width_px))).double())
    y.backward(torch.from_numpy(uniform(seed, "dy", tuple(y.shape))).double())
    for name, module, x, y, zero in zeros:
        size = zero.grad.abs()
        found[f"grad.{name}.bias"] = size.sum((0, 2, 3))
        if isinstance(module, nn.BatchNorm2d):
            found[f"grad.{name}.weight"] = (size * ((y - module.bias[:, None, None]) / module.weight[:, None, None]).abs()).sum((0, 2, 3))
            found[f"stat.{name}.running_mean"] = 0.9 * old[f"{name}.running_mean"].abs() + 0.1 * x.abs().mean((0, 2, 3))
            found[f"stat.{name}.running_var"] = module.running_var
    return {name: np.array([value.detach().norm().item()], np.float32) for name, value in found.items()}


def measure(case, seed, truth, arguments):
    """-> distances by name, each [16], or None where a kink is too near."""
    distances = {name: [] for name in truth}
    for mkldnn, threads, pattern in sorted(step.RUNS, key=lambda r: r != step.RUNS[0]):
        torch.set_num_threads(threads)
        with torch.backends.mkldnn.flags(enabled=mkldnn):
            found, rounded = run(case, seed, np.float32, pattern)
        if kinks.flips(arguments, rounded) or kinks.margin(arguments, rounded) < step.MIN_MARGIN:
            return None
        for name, exact in truth.items():
            distances[name].append(np.linalg.norm(found[name] - exact))
    return {name: np.array(values, np.float32) for name, values in distances.items()}


def write(path, cases):
    tensors, described = {}, []
    for case in cases:
        seed, distances = 0, None
        while distances is None:
            seed += 1
            truth, arguments = run(case, seed, np.float64)
            for key in nets.dead_biases(build(case, seed, np.float64)):
                del truth[f"grad.{key}"]
            distances = measure(case, seed, truth, arguments)
        whole = np.sqrt(sum(np.square(d.astype(np.float64)) for name, d in distances.items() if name.startswith("grad.")))
        size = np.sqrt(sum(np.square(v).sum() for name, v in truth.items() if name.startswith("grad.")))
        described.append(dataclasses.asdict(case) | {"seed": seed})
        tensors |= {f"{case.name}/{name}": values.astype(np.float32) for name, values in truth.items()}
        tensors |= {f"{case.name}/distance.{name}": values for name, values in distances.items()}
        tensors |= {f"{case.name}/terms.{name}": values for name, values in terms(case, seed).items() if name in truth}
        tensors[f"{case.name}/distance"] = whole.astype(np.float32)
        print(f"{case.name}: seed {seed}, fp32 outputs within {distances['out'].max():.1e}, "
              f"gradients {np.median(whole) / size:.1e} of their norm", flush=True)
    metadata = {"torch": torch.__version__, "numpy": np.__version__, "cases": json.dumps(described)}
    safetensors.write(path, tensors, metadata)
    print(f"{os.path.basename(path)}: {os.path.getsize(path)} bytes")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", default=step.TESTDATA, help="folder to write to")
    parser.add_argument("--only", help="write the cases alone whose names begin so")
    options = parser.parse_args()
    cases = [case for case in CASES if options.only is None or case.name.startswith(options.only)]
    write(os.path.join(os.path.normpath(options.out), "networks.safetensors"), cases)


if __name__ == "__main__":
    main()
