"""Checks of the PyTorch reference itself: python3 -m unittest discover tools/golden"""

import os
import random
import tempfile
import unittest

import numpy as np
import torch

import nets
import networks
import safetensors
import trainer


class Networks(unittest.TestCase):
    def test_parameter_counts(self):
        """The counts of the official networks at ngf = ndf = 64."""
        for norm, counts in (("instance", (11378179, 7837699, 2764737)), ("batch", (11383427, 7841411, 2765633))):
            built = nets.ResnetGenerator(64, 9, norm), nets.ResnetGenerator(64, 6, norm), nets.PatchDiscriminator(64, 3, norm)
            self.assertEqual(tuple(map(nets.parameter_count, built)), counts)

    def test_parameter_counts_of_other_networks(self):
        for norm, counts in (("instance", (54409603, 41825667, 8705)), ("batch", (54413955, 41828995, 8832))):
            built = nets.UnetGenerator(64, 8, norm), nets.UnetGenerator(64, 7, norm), nets.PixelDiscriminator(64, norm)
            self.assertEqual(tuple(map(nets.parameter_count, built)), counts)

    def test_unet_joins_what_it_activated(self):
        """The official LeakyReLU is in place: a level joins LeakyReLU(x) to what it made of it."""
        block = nets.SkipBlock(2, 2, None, "none").double()
        x = torch.from_numpy(np.random.RandomState(1).standard_normal((1, 2, 2, 2)))
        with torch.no_grad():
            y = block(x.clone())
        np.testing.assert_array_equal(y[:, :2], torch.where(x > 0, x, 0.2 * x))

    def test_unet_keys(self):
        keys = list(nets.UnetGenerator(1, 6, "instance", dropout=True).state_dict())
        self.assertEqual(keys[:3], ["model.model.0.weight", "model.model.0.bias", "model.model.1.model.1.weight"])
        self.assertIn("model.model.1.model.3.model.3.model.3.model.3.model.3.weight", keys)  # the innermost way up
        self.assertIn("model.model.1.model.3.model.3.model.3.model.5.weight", keys)
        self.assertEqual(keys[-2:], ["model.model.3.weight", "model.model.3.bias"])

    def test_hash(self):
        """The numbers that the Go test computes too: two by hand, and their spread."""
        self.assertEqual(networks.mix(np.array([1, 0xFFFFFFFF], np.uint32)).tolist(), [0x514E28B7, 0x81F16F39])
        u = networks.uniform(1, "x", (100, 100))
        self.assertLess(abs(u.mean()), 0.03)
        self.assertAlmostEqual(u.std(), 3**-0.5, delta=0.02)
        self.assertEqual(len(set(u.reshape(-1)[:100].tolist())), 100)

    def test_philox(self):
        """The published vector of all bits set (Random123's kat_vectors)."""
        ones = np.full((1, 4), 0xFFFFFFFF, np.uint32)
        self.assertEqual(networks.philox(ones, (0xFFFFFFFF, 0xFFFFFFFF))[0].tolist(), [0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD])

    def test_keys(self):
        keys = nets.ResnetGenerator(2, 9).state_dict().keys()
        convs = [f"model.{i}" for i in (1, 4, 7)]
        convs += [f"model.{i}.conv_block.{j}" for i in range(10, 19) for j in (1, 5)]
        convs += [f"model.{i}" for i in (19, 22, 26)]
        self.assertEqual(list(keys), [f"{conv}.{part}" for conv in convs for part in ("weight", "bias")])
        self.assertIn("model.10.conv_block.6.weight", nets.ResnetGenerator(2, 1, dropout=True).state_dict())
        keys = nets.PatchDiscriminator(2, 3).state_dict().keys()
        self.assertEqual([key for key in keys if key.endswith("weight")], [f"model.{i}.weight" for i in (0, 2, 5, 8, 11)])

    def test_shapes(self):
        x = torch.zeros(1, 3, 256, 256)
        with torch.no_grad():
            self.assertEqual(nets.PatchDiscriminator(1, 3)(x).shape, (1, 1, 30, 30))
            self.assertEqual(nets.ResnetGenerator(1, 1)(x[:, :, :20, :28]).shape, (1, 3, 20, 28))

    def test_dead_biases(self):
        self.assertEqual(nets.dead_biases(nets.PatchDiscriminator(2, 3)), {f"model.{i}.bias" for i in (2, 5, 8)})
        self.assertEqual(len(nets.dead_biases(nets.ResnetGenerator(2, 2))), 9)
        self.assertEqual(nets.dead_biases(nets.ResnetGenerator(2, 2, "batch")), set())


class Training(unittest.TestCase):
    def test_linear_decay(self):
        factors = [trainer.linear_decay(epoch, 100, 100) for epoch in (1, 100, 101, 200)]
        np.testing.assert_allclose(factors, [1, 1, 100 / 101, 1 / 101])

    def test_pool(self):
        script = iter([1, None, 0])
        pool = trainer.ImagePool(2, lambda size: next(script))
        seen = [pool.query(torch.full((1, 3, 1, 1), float(i)))[0, 0, 0, 0].item() for i in range(5)]
        self.assertEqual(seen, [0, 1, 1, 3, 0])  # store, store, swap slot 1, pass, swap slot 0
        self.assertEqual([image[0].item() for image in pool.images], [4, 2])

    def test_random_pool_swaps_half(self):
        pool = trainer.ImagePool.random(50, random.Random(1))
        same = sum(pool.query(torch.full((1, 1, 1, 1), float(i))).item() == i for i in range(1050))
        self.assertAlmostEqual((same - 50) / 1000, 0.5, delta=0.06)

    def test_frozen_discriminators(self):
        """Discriminator gradients are those of their own loss on the fakes from before the update."""
        rng = np.random.RandomState(1)
        built = {name: (nets.ResnetGenerator(2, 1) if name[0] == "G" else nets.PatchDiscriminator(2, 1)).double()
                 for name in trainer.NETWORKS}
        for net in built.values():
            nets.init_weights(net, rng)
        a, b = (torch.from_numpy(rng.uniform(-1, 1, (1, 3, 16, 16))) for _ in "AB")
        with torch.no_grad():
            fake = built["G_A"](a)
        judge = nets.PatchDiscriminator(2, 1).double()
        judge.load_state_dict(built["D_A"].state_dict())
        loss = 0.5 * ((judge(b) - 1).square().mean() + judge(fake).square().mean())
        loss.backward()
        losses, _ = trainer.Trainer(built, [trainer.ImagePool(0, None)] * 2).step(a, b)
        self.assertAlmostEqual(losses["D_A"], loss.item(), places=14)
        for ours, theirs in zip(built["D_A"].parameters(), judge.parameters()):
            np.testing.assert_allclose(ours.grad, theirs.grad, rtol=1e-10, atol=1e-14)


class Format(unittest.TestCase):
    def test_round_trip(self):
        tensors = {"a": np.arange(3, dtype=np.uint8), "b": np.array(2.5), "c": np.ones((2, 0), np.float32)}
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "x.safetensors")
            safetensors.write(path, tensors, {"key": "value"})
            read, metadata = safetensors.read(path)
        self.assertEqual(metadata, {"key": "value"})
        for name, array in tensors.items():
            self.assertEqual(read[name].dtype, array.dtype)
            np.testing.assert_array_equal(read[name], array)


if __name__ == "__main__":
    unittest.main()
