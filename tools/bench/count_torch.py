#!/usr/bin/env python3
"""PyTorch's memory of an eager training step, counted without a GPU. Prints JSON.

    count_torch.py --size 256 --netG resnet_9blocks --ngf 64 --ndf 64

The step of peer_torch.py runs on fake tensors, which have sizes and no numbers; every storage counts from the operator that makes it until it is
freed, in the 512 bytes that CUDA's allocator rounds to. That is torch.cuda.max_memory_allocated but for cuDNN's workspaces,
which come on top. Needs PyTorch 2.1 or newer.
"""

import argparse
import json
import weakref

import model
import peer_torch

import torch
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_map_only


class Counter(TorchDispatchMode):
    """The bytes of all storages that are alive, and the most that ever were."""

    def __init__(self):
        super().__init__()
        self.alive = self.peak = 0
        self.seen = weakref.WeakSet()

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        made = function(*args, **(kwargs or {}))
        tree_map_only(torch.Tensor, self.add, made)
        return made

    def add(self, tensor):
        storage = tensor.untyped_storage()
        if storage not in self.seen:
            size = (storage.nbytes() + 511) // 512 * 512
            self.seen.add(storage)
            self.alive += size
            self.peak = max(self.peak, self.alive)
            weakref.finalize(storage, self.free, size)

    def free(self, size):
        self.alive -= size


def peak(options):
    """Of a warm step: the second, since the first one makes Adam's moments."""
    with FakeTensorMode(allow_non_fake_inputs=True), Counter() as counter:
        peer = peer_torch.Peer(options, "eager")
        for _ in range(2):
            counter.peak = counter.alive
            peer.step()
    return counter.peak


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0], allow_abbrev=False)
    model.add_options(parser)
    options = parser.parse_args()
    options.blocks, options.cuda = model.blocks_of(parser, options), False
    print(json.dumps({"peer": f"PyTorch {torch.__version__.split('+')[0]}", "peak_bytes": peak(options)}))


if __name__ == "__main__":
    main()
