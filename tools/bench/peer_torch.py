#!/usr/bin/env python3
"""PyTorch, the training step and the generator's forward pass: checked against cyclegan's picture, then timed. Prints JSON, one object a line.

    peer_torch.py --size 64 --netG resnet_6blocks --ngf 32 --ndf 32 --threads 2 --against translated.png
    peer_torch.py --cuda --modes eager compiled

Modes: eager is fp32 with TF32 off; tf32 the same with TF32; amp autocasts to fp16 with a loss scale (TF32 for the rest); compiled
is torch.compile with channels_last, autocast to bf16 and, on CUDA, the whole step or pass as one CUDA graph. On the CPU there are eager
and compiled, which stays fp32 there. The step is that of the golden files (../golden/trainer.py), without a wait for losses inside;
one that is a CUDA graph is spared the image pools, whose choices are the host's. Steps follow each other as in
training: the host waits for the step before the last.
"""

import argparse
import contextlib
import gc
import itertools
import json
import os
import random
import statistics
import sys
import time

os.environ.setdefault("OMP_WAIT_POLICY", "passive")  # the default spins: on a busy machine PyTorch is then ten times slower

import torch  # noqa: E402
import torch.nn.functional as F  # noqa: E402
from torch import nn  # noqa: E402

import model  # noqa: E402

CPU_MODES, CUDA_MODES = ("eager", "compiled"), ("eager", "tf32", "amp", "compiled")
WARM_UP, FORWARDS = 3, 10  # forward passes are short: so many are timed for each step, as `cyclegan bench` does
LAMBDA, IDENTITY, LR, BETAS, POOL = 10.0, 0.5, 2e-4, (0.5, 0.999), 50


class Net(nn.Module):
    """A network of model.py."""

    MODULES = {
        "reflect": lambda x: nn.ReflectionPad2d(x.pad),
        "conv": lambda x: nn.Conv2d(x.cin, x.cout, x.kernel, x.stride, x.pad),
        "deconv": lambda x: nn.ConvTranspose2d(x.cin, x.cout, x.kernel, x.stride, x.pad, output_padding=1),
        "norm": lambda x: nn.InstanceNorm2d(x.cout),
        "relu": lambda x: nn.ReLU(),
        "leaky": lambda x: nn.LeakyReLU(0.2),
        "tanh": lambda x: nn.Tanh(),
    }

    def __init__(self, layers, weights):
        super().__init__()
        self.kinds = [x.kind for x in layers]
        self.layers = nn.ModuleList(self.MODULES.get(x.kind, lambda x: nn.Identity())(x) for x in layers)
        with torch.no_grad():
            for x, module in zip(layers, self.layers):
                for name, parameter in module.named_parameters():
                    parameter.copy_(torch.from_numpy(weights[f"{x.key}.{name}"]))

    def forward(self, x):
        kept = x
        for kind, module in zip(self.kinds, self.layers):
            if kind == "keep":
                kept = x
            elif kind == "add":
                x = x + kept
            else:
                x = module(x)
        return x


class Pool:
    """The last fakes: filled first, then every other picture is exchanged for an older one."""

    def __init__(self):
        self.rng, self.images = random.Random(model.SEED), []

    def query(self, image):
        if len(self.images) < POOL:
            self.images.append(image.clone())
            return image
        if self.rng.random() <= 0.5:
            return image
        slot = self.rng.randrange(POOL)
        stored, self.images[slot] = self.images[slot], image.clone()
        return stored


def new_scaler():
    return torch.amp.GradScaler("cuda") if hasattr(torch.amp, "GradScaler") else torch.cuda.amp.GradScaler()


class Peer:
    """The four networks in one mode, and what is timed of them."""

    def __init__(self, options, mode):
        self.device = torch.device("cuda" if options.cuda else "cpu")
        self.mode, self.graphs = mode, mode == "compiled" and options.cuda
        layout = torch.channels_last if mode == "compiled" else torch.contiguous_format
        tf32 = mode != "eager"
        torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = tf32
        torch.backends.cudnn.benchmark = True
        self.half = {"amp": torch.float16, "compiled": torch.bfloat16}.get(mode) if options.cuda else None
        generator, judge = model.generator(options.blocks, options.ngf), model.discriminator(options.ndf)
        drawn = [model.draw(layers, model.SEED + i) for i, layers in enumerate((generator, generator, judge, judge))]
        nets = [Net(layers, weights) for layers, weights in zip((generator, generator, judge, judge), drawn)]
        if options.cuda:
            nets = [net.cuda() for net in nets]
        if mode == "compiled":
            nets = [torch.compile(net.to(memory_format=layout)) for net in nets]
        self.G_A, self.G_B, self.D_A, self.D_B = nets
        extra = {"fused": True, "capturable": True} if self.graphs else {}
        self.adam_G, self.adam_D = (
            torch.optim.Adam(itertools.chain(a.parameters(), b.parameters()), lr=LR, betas=BETAS, **extra)
            for a, b in (nets[:2], nets[2:]))
        self.scaler = new_scaler() if mode == "amp" else None
        self.pools = None if self.graphs else (Pool(), Pool())
        picture = torch.from_numpy(model.to_network(model.noise(options.size)))[None].to(self.device)
        self.real_A, self.real_B = (x.contiguous(memory_format=layout) for x in (picture, picture.flip(3)))

    def precision(self):
        if not self.half:
            return contextlib.nullcontext()
        return torch.autocast("cuda", self.half, cache_enabled=not self.graphs)

    def translate(self):
        """G_A of the picture. -> [1,3,H,W]"""
        with torch.no_grad(), self.precision():
            return self.G_A(self.real_A)

    def step(self):
        """One update of all four networks. -> the losses, on the device"""
        A, B = self.real_A, self.real_B
        self._train_discriminators(False)
        self.adam_G.zero_grad(set_to_none=True)
        with self.precision():
            fake_B, fake_A = self.G_A(A), self.G_B(B)
            losses = [F.mse_loss(verdict, torch.ones_like(verdict)) for verdict in (self.D_A(fake_B), self.D_B(fake_A))]
            losses += [LAMBDA * F.l1_loss(self.G_B(fake_B), A), LAMBDA * F.l1_loss(self.G_A(fake_A), B)]
            losses += [LAMBDA * IDENTITY * F.l1_loss(self.G_A(B), B), LAMBDA * IDENTITY * F.l1_loss(self.G_B(A), A)]
        self._update(sum(losses), self.adam_G)

        self._train_discriminators(True)
        self.adam_D.zero_grad(set_to_none=True)
        fakes = [fake_B.detach(), fake_A.detach()]
        if self.pools:
            fakes = [pool.query(fake) for pool, fake in zip(self.pools, fakes)]
        verdicts = []
        with self.precision():
            for judge, real, fake in ((self.D_A, B, fakes[0]), (self.D_B, A, fakes[1])):
                true, false = judge(real), judge(fake)
                verdicts.append(0.5 * (F.mse_loss(true, torch.ones_like(true)) + F.mse_loss(false, torch.zeros_like(false))))
        self._update(sum(verdicts), self.adam_D)
        if self.scaler:
            self.scaler.update()
        return [loss.detach() for loss in losses + verdicts]

    def _train_discriminators(self, on):
        for net in (self.D_A, self.D_B):
            net.requires_grad_(on)

    def _update(self, loss, adam):
        if self.scaler:
            self.scaler.scale(loss).backward()
            self.scaler.step(adam)
        else:
            loss.backward()
            adam.step()

    def graph(self, function):
        """The function as one CUDA graph, where the mode has them."""
        if not self.graphs:
            return function
        stream = torch.cuda.Stream()
        stream.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(stream):
            for _ in range(WARM_UP):
                function()
        torch.cuda.current_stream().wait_stream(stream)
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph):
            function()
        return graph.replay


def milliseconds(function, count, cuda):
    """As `cyclegan bench --json` writes them: a call returns when the run before the last one has ended; mean and cpu are from idle to idle."""
    ends = []

    def once():
        function()
        if cuda:
            ends.append(torch.cuda.Event())
            ends[-1].record()
            if len(ends) > 2:
                ends.pop(0).synchronize()

    wait = torch.cuda.synchronize if cuda else lambda: None
    for _ in range(WARM_UP):
        once()
    wait()
    fill = 2 if cuda else 0  # calls that wait for no run
    times, cpu, first = [], time.process_time(), time.perf_counter()
    for _ in range(fill + count):
        begun = time.perf_counter()
        once()
        times.append(1000 * (time.perf_counter() - begun))
    wait()
    mean = 1000 * (time.perf_counter() - first) / len(times)
    cpu = 1000 * (time.process_time() - cpu) / len(times)
    times = times[fill:]
    return {"mean": mean, "median": statistics.median(times), "min": min(times), "max": max(times), "runs": count, "cpu": cpu}


def convolutions(cuda):
    """The convolution that most of a step's work is, as functions by name: 256 to 256 channels, 3x3, 64x64, padded with zeros."""
    torch.backends.cudnn.allow_tf32 = False  # the last mode may have turned it on
    device = "cuda" if cuda else "cpu"
    x, weight, grad = (torch.randn(shape, device=device) for shape in ((1, 256, 64, 64), (256, 256, 3, 3), (1, 256, 64, 64)))

    def backward(*mask):
        return torch.ops.aten.convolution_backward(grad, x, weight, [0], [1, 1], [1, 1], [1, 1], False, [0, 0], 1, list(mask))

    return {"conv forward": lambda: torch.conv2d(x, weight, padding=1), "conv data gradient": lambda: backward(True, False, False),
            "conv weight gradient": lambda: backward(False, True, False)}


def emit(**record):
    print(json.dumps(record), flush=True)


def measure(options, mode):
    """Checks and times one mode."""
    peer = Peer(options, mode)
    if options.against:
        emit(mode=mode, apart=model.difference(peer.translate()[0].float().cpu().numpy(), options.against))
    forward = peer.graph(peer.translate)
    emit(mode=mode, measured="generator forward", ms=milliseconds(forward, FORWARDS * options.steps, options.cuda))
    if options.no_step:
        return
    del forward
    step, record = peer.graph(peer.step), {}
    ms = milliseconds(step, options.steps, options.cuda)
    if options.cuda and not peer.graphs:  # a graph's memory is its own
        torch.cuda.reset_peak_memory_stats()
        step()
        torch.cuda.synchronize()
        record = {"peak_bytes": torch.cuda.max_memory_allocated()}
    emit(mode=mode, measured="training step", ms=ms, **record)


def read_options():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0], allow_abbrev=False)
    model.add_options(parser)
    add = parser.add_argument
    add("--cuda", action="store_true", help="on the first CUDA GPU (default: on the CPU)")
    add("--modes", nargs="+", choices=CUDA_MODES, help=f"on CUDA {', '.join(CUDA_MODES)}; on the CPU eager, and compiled if named")
    add("--steps", type=int, default=10, help=f"timed steps, and {FORWARDS} times as many passes, after {WARM_UP} that are not")
    add("--threads", type=int, default=0, help="threads on the CPU (default: PyTorch's choice)")
    add("--no_step", action="store_true", help="the generator's pass alone")
    add("--kernels", action="store_true", help="time the main convolution too")
    add("--against", nargs="+", metavar="PNG", help="what cyclegan made of the same weights and input")
    options = parser.parse_args()
    options.blocks = model.blocks_of(parser, options)
    options.modes = options.modes or (CUDA_MODES if options.cuda else ["eager"])
    if wrong := set(options.modes) - set(CUDA_MODES if options.cuda else CPU_MODES):
        parser.error(f"--modes {' '.join(sorted(wrong))}: needs --cuda")
    if options.cuda and not torch.cuda.is_available():
        sys.exit(f"PyTorch {torch.__version__} finds no CUDA GPU")
    return options


def main():
    options = read_options()
    if options.threads:
        torch.set_num_threads(options.threads)
    emit(peer=f"PyTorch {torch.__version__.split('+')[0]}", device=torch.cuda.get_device_name() if options.cuda else "CPU")
    for mode in options.modes:
        try:
            measure(options, mode)
        except Exception as error:  # a mode that this version or card lacks must not take the others away
            emit(mode=mode, failed=f"{type(error).__name__}: {(str(error) or 'no reason given').splitlines()[0]}")
        if options.cuda:
            gc.collect()  # or this mode's networks count among the next one's memory
            torch.cuda.empty_cache()
    if options.kernels:
        for name, function in convolutions(options.cuda).items():
            emit(mode="eager", measured=name, ms=milliseconds(function, options.steps, options.cuda))


if __name__ == "__main__":
    main()
