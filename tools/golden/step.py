#!/usr/bin/env python3
"""Write the golden files of whole training steps into cyclegan/testdata.

The truth is PyTorch in float64. How far a correct fp32 engine may be from it
is measured, not chosen: every case is run 16 times in fp32 (mkldnn on and off,
one and two threads, inputs as they are and moved by one ulp in three patterns)
and the distances of these runs from float64 are stored beside the truth.
README.md lists the tensors of each file.
"""

import argparse
import copy
import dataclasses
import itertools
import json
import os

import numpy as np
import torch

import cases
import kinks
import nets
import safetensors
import trainer

TESTDATA = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../cyclegan/testdata")
# mkldnn, threads, pattern of the inputs' last bits (0: as they are)
RUNS = tuple(itertools.product((True, False), (1, 2), (0, 1, 2, 3)))
# Least distance of a kink in step 1, in rms rounding errors, and what float64 may leave of a gradient of 0
MIN_MARGIN, NOISE = 4.0, 1e-12


@dataclasses.dataclass
class Run:
    losses: np.ndarray  # float64 [steps,8 or 10], in the order of case.losses
    first: dict  # tensors of step 1 by golden name, float64
    arguments: list  # kink arguments of step 1, see kinks.py


def scripted_pool(case, decisions):
    """A pool that replays decisions [steps,batch], those of the filling images left out."""
    later = iter(decisions.reshape(-1)[case.pool_size:].tolist())

    def decide(_):
        slot = next(later)
        return None if slot < 0 else slot

    return trainer.ImagePool(case.pool_size, decide)


def network_input(pictures, dtype, ulp_pattern):
    """uint8 [N,H,W,3] -> [N,3,H,W] in [-1,1]; pattern > 0 moves each value by -1, 0 or +1 ulp."""
    values = ((pictures.astype(dtype) / dtype(255) - dtype(0.5)) / dtype(0.5)).transpose(0, 3, 1, 2)
    if ulp_pattern:
        rng = np.random.RandomState([ulp_pattern, int(pictures.sum(dtype=np.int64)) % 2**31])
        direction = rng.randint(-1, 2, values.shape)
        moved = np.nextafter(values, np.copysign(dtype(2), direction.astype(dtype)))
        values = np.where(direction == 0, values, moved)
    return torch.from_numpy(np.ascontiguousarray(values))


def run(case, start, dtype, ulp_pattern=0, steps=None):
    """Train from the start in dtype, for all steps of the case or the first few. -> Run"""
    built = {}
    for name, net in start.networks.items():
        built[name] = cases.new_network(case, name)
        built[name].load_state_dict(net.state_dict())
        built[name].to(torch.float64 if dtype is np.float64 else torch.float32)
    pools = [scripted_pool(case, start.decisions[:, :, side]) for side in (0, 1)]
    model = case.trainer(built, pools)
    result = Run(np.empty((steps or case.steps, len(case.losses))), {}, [])
    for index in range(len(result.losses)):
        real = [network_input(start.pictures[domain][index], dtype, ulp_pattern) for domain in "AB"]
        with kinks.recorded() as arguments:
            values, out = model.step(*real)
        result.losses[index] = [values[name] for name in case.losses]
        if index == 0:
            result.first = first_step_tensors(built, out)
            result.arguments = arguments + kinks.l1_arguments(out, *real)
    return result


def first_step_tensors(built, out):
    """Outputs, gradients and running statistics right after step 1, as float64 copies."""
    found = {f"out.{name}": tensor for name, tensor in out.items()}
    for name, net in built.items():
        found |= {f"grad.{name}.{key}": parameter.grad for key, parameter in net.named_parameters()}
        found |= {f"stat.{name}.{key}": statistic for key, statistic in net.named_buffers()
                  if statistic.is_floating_point()}
    return {name: tensor.double().numpy().copy() for name, tensor in found.items()}


def clear_dead_biases(networks, first):
    """Set the gradient of biases before an instance norm to its true value 0. -> their golden names"""
    dead = {f"grad.{name}.{key}" for name, net in networks.items() for key in nets.dead_biases(net)}
    for name in dead:
        noise, scale = np.abs(first[name]).max(), np.abs(first[name.replace("bias", "weight")]).max()
        if noise > NOISE * max(1, scale):
            raise SystemExit(f"{name}: gradient {noise:.1e} beside a weight gradient of {scale:.1e} is no rounding noise")
        first[name][:] = 0
    return dead


def logit_bias_terms(case, first):
    """The sums of magnitudes of the terms that make the gradient of each last discriminator bias, by golden name.

    This gradient is one number, on which 16 runs agree to an ulp or two by luck: too short a yardstick. The rounding error
    of a sum is bounded by a multiple of this instead. Its terms are the derivatives by each logit.
    """
    found = {}
    for name in case.networks[2:]:
        total = 0.0
        for side in ("real", "fake"):
            logits = torch.from_numpy(first[f"out.{name}.{side}"]).requires_grad_()
            loss = 0.5 * trainer.gan_loss(case.gan_mode, logits, side == "real")
            total += torch.autograd.grad(loss, logits)[0].abs().sum().item()
        last = next(key for key in first if key.startswith(f"grad.{name}.") and first[key].shape == (1,))
        found[f"terms.{last}"] = np.array([total])
    return found


def running_terms(case, start):
    """The sums of magnitudes of the terms that make each running statistic of step 1, L2 norm over channels, by golden name.

    These tensors are a few numbers, too: see logit_bias_terms. Each call of a norm adds a tenth of its mean, whose terms are its
    inputs, to nine tenths of what was there; the terms of a variance are not negative, so it is their sum.
    """
    terms = {}

    def follow(key):
        def hook(module, inputs, _):
            terms[key] = 0.9 * terms.get(key, 0) + 0.1 * inputs[0].detach().abs().mean((0, 2, 3))
        return hook

    built = {name: copy.deepcopy(net).double() for name, net in start.networks.items()}
    for name, net in built.items():
        for key, module in net.named_modules():
            if isinstance(module, torch.nn.BatchNorm2d):
                module.register_forward_hook(follow(f"{name}.{key}"))
    model = case.trainer(built, [trainer.ImagePool(0, None)] * 2)
    model.step(*(network_input(start.pictures[domain][0], np.float64, 0) for domain in "AB"))
    found = {}
    for key, value in terms.items():
        network, module = key.split(".", 1)
        found[f"terms.stat.{key}.running_mean"] = value.norm().numpy().reshape(1)
        found[f"terms.stat.{key}.running_var"] = built[network].get_submodule(module).running_var.norm().numpy().reshape(1)
    return found


def measure(case, start, truth):
    """The 16 fp32 runs: -> (losses [16,steps,8], distances of step 1 by golden name, each [16])."""
    losses, distances = [], {name: [] for name in truth.first}
    for mkldnn, threads, pattern in RUNS:
        torch.set_num_threads(threads)
        with torch.backends.mkldnn.flags(enabled=mkldnn):
            result = run(case, start, np.float32, pattern)
        margin = kinks.margin(truth.arguments, result.arguments)
        if margin < MIN_MARGIN or kinks.flips(truth.arguments, result.arguments):
            raise SystemExit(f"{case.name}: seed {case.seed} has a kink at {margin:.1f} rounding errors from zero, "
                             f"the least is {MIN_MARGIN}: find another one with find_seed.py")
        losses.append(result.losses)
        for name, exact in truth.first.items():
            distances[name].append(np.linalg.norm(result.first[name] - exact))
    return np.array(losses), {name: np.array(values) for name, values in distances.items()}


def first_loss_error(run_losses, losses):
    """The largest |a-b|/max(1,|b|) of the losses [...,steps,8] of step 1, over all runs."""
    return (np.abs(run_losses[..., 0, :] - losses[0]) / np.maximum(1, np.abs(losses[0]))).max()


def loss_rms(run_losses, losses):
    """Of each run, over all losses of all steps after the first. [...,steps,8] -> [...]"""
    return np.sqrt(np.square(run_losses[..., 1:, :] - losses[1:]).mean(axis=(-2, -1)))


def write_case(case, folder):
    start = cases.draw(case)
    torch.set_num_threads(2)
    truth = run(case, start, np.float64)
    dead = clear_dead_biases(start.networks, truth.first)
    run_losses, distances = measure(case, start, truth)
    distances = {name: values for name, values in distances.items() if name not in dead}
    for name in case.networks:  # each network as a whole
        parts = [values for key, values in distances.items() if key.startswith(f"grad.{name}.")]
        distances[f"grad.{name}"] = np.sqrt(np.square(parts).sum(axis=0))

    rms = loss_rms(run_losses, truth.losses)
    tensors = {"losses": truth.losses, "runs.losses": run_losses, "runs.loss_rms": rms}
    if case.pool_size:
        tensors["pool"] = start.decisions
    if not case.losses_only:
        tensors |= {f"pictures.{domain}": array for domain, array in start.pictures.items()}
        tensors |= {f"init.{name}.{key}": parameter.detach().numpy()
                    for name, net in start.networks.items() for key, parameter in net.named_parameters()}
        tensors |= {name: array.astype(np.float32) for name, array in truth.first.items()}
        tensors |= {f"distance.{name}": values for name, values in distances.items()}
        tensors |= logit_bias_terms(case, truth.first) | running_terms(case, start)
    config = trainer.DEFAULTS | dataclasses.asdict(case) | {"losses": case.losses}
    metadata = {"torch": torch.__version__, "numpy": np.__version__, "config": json.dumps(config)}
    path = os.path.join(folder, case.name + ".safetensors")
    safetensors.write(path, tensors, metadata)
    report(case, path, truth, run_losses, distances, rms)


def report(case, path, truth, run_losses, distances, rms):
    print(f"{os.path.basename(path)}: {os.path.getsize(path)} bytes")
    print(f"  losses of step 1: largest |a-b|/max(1,|b|) of the fp32 runs {first_loss_error(run_losses, truth.losses):.1e}")
    print(f"  losses after it: rms median {np.median(rms):.2e} largest {rms.max():.2e}")
    for name in case.networks:
        norms = {key: np.linalg.norm(truth.first[key]) for key in distances if key.startswith(f"grad.{name}.")}
        whole = distances[f"grad.{name}"] / np.linalg.norm(list(norms.values()))
        norms = {key: norm for key, norm in norms.items() if norm > 0}  # a critic's last bias has a gradient of 0
        worst = max(norms, key=lambda key: distances[key].max() / norms[key])
        print(f"  {name} gradient, relative: median {np.median(whole):.1e} largest {whole.max():.1e}, "
              f"worst tensor {worst} {distances[worst].max() / norms[worst]:.1e}")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", default=TESTDATA, help="folder to write to")
    parser.add_argument("--only", choices=[case.name for case in cases.CASES], help="write one file")
    options = parser.parse_args()
    for case in cases.CASES:
        if options.only in (None, case.name):
            write_case(case, os.path.normpath(options.out))


if __name__ == "__main__":
    main()
