"""Checks of what is compared: python3 -m unittest discover tools/bench. Needs PyTorch, and ../golden, whose step the peer's has to be."""

import argparse
import os
import random
import sys
import tempfile
import unittest

import numpy as np

import model
import peer_torch
import table

import torch

sys.path.append(os.path.join(os.path.dirname(os.path.abspath(__file__)), "../golden"))
import nets  # noqa: E402
import trainer  # noqa: E402


def official(layers, net):
    """The golden networks with the peer's weights."""
    net.load_state_dict({key: torch.from_numpy(value) for key, value in model.draw(*layers).items()})
    return net


class Step(unittest.TestCase):
    def test_losses_of_two_steps(self):
        """The second step's losses depend on the first one's updates of all four networks."""
        options = argparse.Namespace(size=32, blocks=2, ngf=4, ndf=4, cuda=False)
        peer = peer_torch.Peer(options, "eager")
        generator, judge = model.generator(2, 4), model.discriminator(4)
        built = {name: official((layers, i), net) for i, (name, layers, net) in enumerate((
            ("G_A", generator, nets.ResnetGenerator(4, 2)), ("G_B", generator, nets.ResnetGenerator(4, 2)),
            ("D_A", judge, nets.PatchDiscriminator(4)), ("D_B", judge, nets.PatchDiscriminator(4))))}
        golden = trainer.Trainer(built, [trainer.ImagePool.random(50, random.Random(0)) for _ in "AB"])
        order = ("G_A", "G_B", "cycle_A", "cycle_B", "idt_A", "idt_B", "D_A", "D_B")
        for step in range(2):
            losses = golden.step(peer.real_A, peer.real_B)[0]
            np.testing.assert_allclose([loss.item() for loss in peer.step()], [losses[name] for name in order], rtol=1e-4, err_msg=f"step {step}")


class Pictures(unittest.TestCase):
    def test_png_of_every_filter(self):
        """A picture filtered as the PNG specification has it, by each kind in turn, comes back."""
        rng = np.random.RandomState(1)
        rows = rng.randint(0, 256, (5, 24)).astype(int)
        above = np.zeros(24, int)
        for kind, row in enumerate(rows):
            left, corner = np.append(np.zeros(6, int), row[:-6]), np.append(np.zeros(6, int), above[:-6])
            guess = left + above - corner
            near = [np.abs(guess - x) for x in (left, above, corner)]
            paeth = np.where((near[0] <= near[1]) & (near[0] <= near[2]), left, np.where(near[1] <= near[2], above, corner))
            filtered = (row - (0, left, above, (left + above) // 2, paeth)[kind]) % 256
            np.testing.assert_array_equal(model.unfilter(kind, filtered.astype(np.uint8), above.astype(np.uint8)), row, err_msg=f"filter {kind}")
            above = row

    def test_png_comes_back(self):
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "noise.png")
            model.write_png(path, model.noise(16))
            np.testing.assert_array_equal(model.read_png(path), model.noise(16))
            apart = model.difference(model.to_network(model.noise(16)), [path])
            self.assertLess(apart["max"], 2 / 65535)
            self.assertGreater(model.difference(model.to_network(model.noise(16)) + 0.01, [path])["mean"], 0.009)


class Table(unittest.TestCase):
    def test_ratio_is_of_each_round(self):
        """Both take three times as long in the second round: that changes no ratio."""
        row = {"device": "llvmpipe Mesa 22.3", "cpu": True, "size": 64, "measured": table.STEP, "ours": "fp32", "peer": "PyTorch 1.13.1 eager"}
        times = [({"mean": 10 * k, "cpu": 20 * k}, {"mean": 5 * k, "cpu": 30 * k}) for k in (1, 3, 1)]
        made = table.rows([row | {"pairs": times}])[0]
        self.assertEqual((made["clock"]["ratio"], made["clock"]["min"], made["clock"]["max"], made["processor"]["ratio"]), (0.5, 0.5, 0.5, 1.5))
        self.assertEqual(made["goal"], "0.4")

    def test_memory_of_the_host_is_named(self):
        row = {"device": "llvmpipe Mesa 22.3", "cpu": True, "size": 256, "measured": table.MEMORY, "ours": "low_memory", "peer": "PyTorch counted, eager"}
        rows = table.rows([row | {"pairs": [({"mean": 630, "cpu": 0, "host": 104}, {"mean": 2470, "cpu": 0})]}])
        text = table.markdown({"rows": rows, "rounds": 1, "threads": 2, "load": [0, 0], "networks": [], "checks": {}, "notes": []})
        self.assertIn("low_memory, with 104 MiB of the host's", text)


if __name__ == "__main__":
    unittest.main()
