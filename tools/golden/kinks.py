"""Where a step is not smooth: the arguments of ReLU, LeakyReLU and absolute value, and their distance from zero."""

import contextlib

import numpy as np
import torch
from torch import nn


@contextlib.contextmanager
def recorded():
    """Collects the arguments [N,C,H,W] of every activation that runs inside the block, as float64."""
    arguments = []

    def keep(module, inputs):
        if isinstance(module, (nn.ReLU, nn.LeakyReLU)):
            arguments.append(inputs[0].detach().double().numpy().copy())

    hook = nn.modules.module.register_module_forward_pre_hook(keep)
    try:
        yield arguments
    finally:
        hook.remove()


def l1_arguments(out, real_A, real_B):
    """What the cycle and identity losses take the absolute value of, [N,C,H,W] each, float64."""
    pairs = (("rec_A", real_A), ("rec_B", real_B), ("idt_A", real_B), ("idt_B", real_A))
    return [(out[name] - real).double().numpy() for name, real in pairs if name in out]


def margin(truth, rounded):
    """The smallest |argument| of the truth over all channels, in units of the channel's rms rounding error. An exact 0 in both,
    as dropout makes them, is no argument that rounding could move."""
    def of(a, b):
        size = np.where((a == 0) & (b == 0), np.inf, np.abs(a))
        return (size.min((2, 3)) / np.sqrt(np.square(a - b).mean((2, 3)) + 1e-30)).min()

    return min(of(a, b) for a, b in zip(truth, rounded))


def flips(truth, rounded):
    """How many arguments rounding carried across zero."""
    return sum(int(((a > 0) != (b > 0)).sum()) for a, b in zip(truth, rounded))
