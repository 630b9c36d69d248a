"""The cases of step.py: sizes and options of each golden file, and what is drawn from its seed.

A gradient jumps where an argument of a ReLU or of an absolute value crosses zero, and fp32 rounding
decides on which side a tiny argument falls. The seeds are therefore chosen (find_seed.py) so that
in step 1 no such argument lies within the reach of rounding: then every correct fp32 engine is near
the float64 gradient, and the tolerance can be tight.
"""

import dataclasses

import numpy as np
import torch

import nets
import trainer


@dataclasses.dataclass(frozen=True)
class Case:
    """One golden file. Pictures are [steps, batch, height, width, 3]."""

    name: str
    seed: int
    ngf: int = 4
    ndf: int = 4
    n_blocks: int = 1
    n_layers_D: int = 3
    norm: str = "instance"
    gan_mode: str = "lsgan"
    height: int = 32
    width: int = 32
    batch_size: int = 1
    steps: int = 5
    pool_size: int = 0
    bias_gain: float = 0.02  # 0: biases start at 0, as the official code has them
    logit_gain: float = 1.0  # multiplies the discriminators' last weights
    losses_only: bool = False  # pictures, weights and step 1 are those of step.safetensors
    input_nc: int = 3
    output_nc: int = 3
    cycle_loss: str = "l1"  # gan: one more discriminator a domain
    lambda_B: float = 10.0
    lambda_identity: float = 0.5

    @property
    def networks(self):
        return trainer.NETWORKS + (trainer.CYCLE_JUDGES if self.cycle_loss == "gan" else ())

    @property
    def losses(self):
        return trainer.LOSSES + (trainer.CYCLE_JUDGES if self.cycle_loss == "gan" else ())

    def trainer(self, networks, pools):
        return trainer.Trainer(networks, pools, self.gan_mode, lambda_B=self.lambda_B, lambda_identity=self.lambda_identity)


FULL = dict(seed=2153, ngf=12, ndf=12, n_blocks=3, height=64, width=64, steps=21, bias_gain=0.0)
SMALL = dict(ngf=2, ndf=3, n_layers_D=1, height=16, width=16)
CASES = (
    Case("step", **FULL),
    Case("step_pool", pool_size=2, losses_only=True, **FULL),
    Case("batch_norm", seed=18, norm="batch", n_layers_D=2, height=24, width=24, batch_size=2),
    Case("vanilla", seed=3, gan_mode="vanilla", logit_gain=15.0, n_layers_D=2),
    Case("batch2", seed=72, n_layers_D=2, height=16, width=24, batch_size=2),
    Case("n_layers_1", seed=48, n_layers_D=1, height=16, width=16),
    Case("n_layers_2", seed=2, n_layers_D=2, ngf=3, ndf=5, height=20, width=28),
    Case("wgangp", seed=5, gan_mode="wgangp", logit_gain=5.0, **SMALL),
    Case("vanilla_minmax", seed=4, gan_mode="vanilla_minmax", logit_gain=15.0, **SMALL),
    Case("cycle_gan", seed=4, cycle_loss="gan", logit_gain=2.0, **SMALL),
    Case("forward_cycle", seed=4, lambda_B=0.0, **SMALL),
    Case("channels", seed=4, input_nc=1, lambda_identity=0.0, **SMALL | {"ngf": 3}),
)


@dataclasses.dataclass(frozen=True)
class Start:
    """What a run starts from."""

    pictures: dict  # "A", "B" -> uint8 [steps,batch,H,W,3]
    networks: dict  # name -> fp32 network
    decisions: np.ndarray  # int32 [steps,batch,2], see _pool_decisions


def draw(case):
    """The start that case.seed determines."""
    rng = np.random.RandomState(case.seed)
    pictures = {domain: _pictures(case, rng, channels) for domain, channels in zip("AB", (case.input_nc, case.output_nc))}
    return Start(pictures, _networks(case, rng), _pool_decisions(case, rng))


def new_network(case, name):
    """The network `name` (G_A, D_A, ...) of the case, with whatever weights PyTorch gives it."""
    a, b = case.input_nc, case.output_nc
    if name.startswith("G"):
        channels = dict(input_nc=a, output_nc=b) if name == "G_A" else dict(input_nc=b, output_nc=a)
        return nets.ResnetGenerator(case.ngf, case.n_blocks, case.norm, **channels)
    judged = b if name in ("D_A", "D_cycle_B") else a
    return nets.PatchDiscriminator(case.ndf, case.n_layers_D, case.norm, input_nc=judged)


def _pictures(case, rng, channels):
    """Textured pictures uint8 [steps,batch,H,W,channels]: coloured gratings, discs in front, a little noise."""
    y, x = np.mgrid[0:case.height, 0:case.width] / 64.0
    pictures = np.empty((case.steps, case.batch_size, case.height, case.width, channels), np.uint8)
    for index in np.ndindex(case.steps, case.batch_size):
        canvas = np.full((case.height, case.width, channels), 0.5)
        for _ in range(4):
            fx, fy, phase = rng.uniform(-12, 12), rng.uniform(-12, 12), rng.uniform(0, 2 * np.pi)
            wave = np.sin(2 * np.pi * (fx * x + fy * y) + phase)
            canvas += 0.15 * wave[:, :, None] * rng.uniform(-1, 1, channels)
        for _ in range(3):
            cy, cx = rng.uniform(0, case.height / 64), rng.uniform(0, case.width / 64)
            inside = (y - cy) ** 2 + (x - cx) ** 2 < rng.uniform(0.05, 0.2) ** 2
            canvas[inside] = 0.4 * canvas[inside] + 0.6 * rng.uniform(0, 1, channels)
        canvas += rng.normal(0, 0.03, canvas.shape)
        pictures[index] = np.clip(np.rint(255 * canvas), 0, 255)
    return pictures


def _networks(case, rng):
    """name -> fp32 network with its initial weights."""
    built = {}
    for name in case.networks:
        net = new_network(case, name)
        nets.init_weights(net, rng, bias_gain=case.bias_gain)
        if name.startswith("D"):
            with torch.no_grad():
                net.model[-1].weight.mul_(case.logit_gain)
        built[name] = net
    return built


def _pool_decisions(case, rng):
    """int32 [steps,batch,2] for the pools of fake_B and fake_A: the slot to swap with, -1 for none.

    The entries of the images that fill the pool are -1 and have no effect.
    """
    shape = (case.steps, case.batch_size, 2)
    swap = rng.uniform(size=shape) > 0.5
    slot = rng.randint(0, max(case.pool_size, 1), shape)
    filling = (np.arange(case.steps * case.batch_size) < case.pool_size).reshape(shape[:2] + (1,))
    return np.where(swap & ~filling & (case.pool_size > 0), slot, -1).astype(np.int32)
