#!/usr/bin/env python3
"""PyTorch's CycleGAN on the same recipe: the baseline that the engine's quality is held against.

Trains on DATAROOT/trainA and trainB with the official options, and at intervals
translates the paired test set DATAROOT/testA and testB (equal names are a pair)
in both directions: the PSNR to the truth as `cyclegan eval` defines it (mean over
the pictures, 8-bit outputs, truncated as the official code does). The networks and
the step are those of the golden files (../golden); peer_torch.py measures speed.

    torch_cyclegan.py --dataroot scenes --load_size 64 --crop_size 64 --netG resnet_3blocks --ngf 16 --ndf 16 \\
        --max_steps 2000 --eval_every 500 --json curve.jsonl
"""

import argparse
import json
import os
import random
import re
import sys
import time

import numpy as np
import torch
from PIL import Image

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../golden"))
import nets  # noqa: E402
import trainer  # noqa: E402

PICTURES = (".png", ".jpg", ".jpeg")


class BadInput(Exception):
    """Something that the user has to change; its text says what."""


def read_options():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0], allow_abbrev=False)
    add = parser.add_argument
    add("--dataroot", required=True, help="folder with trainA, trainB, testA, testB")
    add("--load_size", type=int, default=286, help="pictures are scaled to this side")
    add("--crop_size", "--size", type=int, default=256, help="side of the random crop")
    add("--no_flip", action="store_true", help="no random horizontal flip")
    add("--netG", default="resnet_9blocks", help="resnet_Nblocks for any N")
    add("--ngf", type=int, default=64)
    add("--ndf", type=int, default=64)
    add("--n_layers_D", type=int, default=3)
    add("--norm", default="instance", choices=("instance", "batch"))
    add("--init_gain", type=float, default=0.02)
    add("--gan_mode", default="lsgan", choices=("lsgan", "vanilla"))
    for name, value in trainer.DEFAULTS.items():
        add(f"--{name}", type=float, default=value)
    add("--pool_size", type=int, default=50)
    add("--batch_size", type=int, default=1)
    add("--n_epochs", type=int, default=100, help="epochs at the first learning rate")
    add("--n_epochs_decay", type=int, default=100, help="epochs in which it falls linearly")
    add("--epoch_count", type=int, default=1, help="number of the first epoch")
    add("--max_steps", type=int, default=0, help="end after so many steps (0: after the last epoch)")
    add("--eval_every", type=int, default=0, help="score the test set every so many steps (0: at the end only)")
    add("--seed", type=int, default=0)
    add("--threads", type=int, default=2)
    add("--json", help="write the scores to this file, one JSON object a line")
    options = parser.parse_args()

    named = re.fullmatch(r"resnet_([1-9]\d?)blocks", options.netG)
    if not named:
        parser.error(f"--netG {options.netG}: use resnet_9blocks, resnet_6blocks or any resnet_Nblocks")
    options.n_blocks = int(named[1])
    if options.crop_size % 4 or options.crop_size < 8:
        parser.error(f"--crop_size {options.crop_size}: use a multiple of 4 from 8")
    if options.load_size < options.crop_size:
        parser.error(f"--load_size {options.load_size} is below --crop_size {options.crop_size}: raise it")
    for name in ("ngf", "ndf", "n_layers_D", "batch_size", "threads"):
        if getattr(options, name) < 1:
            parser.error(f"--{name} {getattr(options, name)}: use a number from 1")
    return options


def list_pictures(folder):
    """Sorted picture paths of a folder."""
    try:
        names = sorted(name for name in os.listdir(folder) if name.lower().endswith(PICTURES))
    except OSError as error:
        raise BadInput(f"{folder}: {error.strerror}: give a --dataroot with trainA, trainB, testA and testB") from error
    if not names:
        raise BadInput(f"{folder}: no pictures in this folder: put some there")
    return [os.path.join(folder, name) for name in names]


def load(path, size=None):
    """A picture, scaled to size x size where given (bicubic, antialiased). -> uint8 [H,W,3]"""
    try:
        picture = Image.open(path).convert("RGB")
    except OSError as error:
        raise BadInput(f"{path}: {error}: remove or replace it") from error
    if size and picture.size != (size, size):
        picture = picture.resize((size, size), Image.BICUBIC)
    return np.array(picture)


def to_network(pictures):
    """uint8 [N,H,W,3] -> float32 [N,3,H,W] in [-1,1]"""
    values = torch.from_numpy(np.ascontiguousarray(pictures)).permute(0, 3, 1, 2).contiguous()
    return (values.float() / 255 - 0.5) / 0.5


def to_pictures(values):
    """float32 [N,3,H,W] -> uint8 [N,H,W,3], truncated"""
    return ((values + 1) / 2 * 255).clamp(0, 255).to(torch.uint8).permute(0, 2, 3, 1).numpy()


class TrainingSet:
    """The unpaired pictures in memory; batches cropped and flipped at random as the official code does."""

    def __init__(self, options, rng):
        self.options, self.rng = options, rng
        self.A, self.B = ([load(path, options.load_size) for path in list_pictures(os.path.join(options.dataroot, name))]
                          for name in ("trainA", "trainB"))

    def epoch(self):
        """Batches (A, B) of one epoch, max(|A|,|B|) samples; one that is not full is left out."""
        n = self.options.batch_size
        order = list(range(max(len(self.A), len(self.B))))
        self.rng.shuffle(order)
        for first in range(0, len(order) - n + 1, n):
            a = [self._augment(self.A[index % len(self.A)]) for index in order[first:first + n]]
            b = [self._augment(self.rng.choice(self.B)) for _ in range(n)]
            yield to_network(np.stack(a)), to_network(np.stack(b))

    def _augment(self, picture):
        size = self.options.crop_size
        y, x = (self.rng.randint(0, side - size) for side in picture.shape[:2])
        picture = picture[y:y + size, x:x + size]
        flip = not self.options.no_flip and self.rng.random() > 0.5
        return picture[:, ::-1] if flip else picture


class TestSet:
    """The pictures that testA and testB both name, as they are."""

    def __init__(self, dataroot):
        by_name = [{os.path.splitext(os.path.basename(path))[0]: path
                    for path in list_pictures(os.path.join(dataroot, folder))} for folder in ("testA", "testB")]
        names = sorted(by_name[0].keys() & by_name[1].keys())
        if not names:
            raise BadInput(f"{dataroot}: no picture of testA has the name of one of testB: pairs are needed for a PSNR")
        self.A, self.B = ([load(paths[name]) for name in names] for paths in by_name)
        for name, a, b in zip(names, self.A, self.B):
            if a.shape != b.shape or a.shape[0] % 4 or a.shape[1] % 4:
                raise BadInput(f"{dataroot}: test pair {name} is {a.shape[1]}x{a.shape[0]} and {b.shape[1]}x{b.shape[0]}: "
                               "both need one size, of multiples of 4")

    def score(self, model):
        return {"psnr_AtoB": mean_psnr(translate(model.G_A, self.A), self.B),
                "psnr_BtoA": mean_psnr(translate(model.G_B, self.B), self.A)}

    def baselines(self):
        """What needs no network: the input itself, and the best affine map of colours, fitted on these very pairs."""
        return {"input_AtoB": mean_psnr(self.A, self.B), "affine_AtoB": mean_psnr(affine(self.A, self.B), self.B),
                "input_BtoA": mean_psnr(self.B, self.A), "affine_BtoA": mean_psnr(affine(self.B, self.A), self.A)}


def translate(net, pictures):
    """uint8 [H,W,3] each. Running statistics of a batch norm are used, as in the official test with --eval."""
    net.eval()
    with torch.no_grad():
        translated = [to_pictures(net(to_network(picture[None])))[0] for picture in pictures]
    net.train()
    return translated


def affine(sources, targets):
    """The least-squares map from (r,g,b,1) to colours, applied to the sources, rounded."""
    x = np.concatenate([s.reshape(-1, 3) for s in sources]).astype(np.float64)
    x = np.column_stack((x, np.ones(len(x))))
    y = np.concatenate([t.reshape(-1, 3) for t in targets])
    matrix = np.linalg.lstsq(x, y, rcond=None)[0]
    return [np.clip(np.rint(s.astype(np.float64) @ matrix[:3] + matrix[3]), 0, 255) for s in sources]


def mean_psnr(pictures, truth):
    """Mean of 10 log10(255^2 / MSE) over the pictures, in dB."""
    errors = [np.square(p.astype(np.float64) - t).mean() for p, t in zip(pictures, truth)]
    with np.errstate(divide="ignore"):
        return float(np.mean(10 * np.log10(255**2 / np.array(errors))))


def build(options):
    """A trainer with freshly drawn weights."""
    rng = np.random.RandomState(options.seed)
    built = {}
    for name in trainer.NETWORKS:
        if name.startswith("G"):
            built[name] = nets.ResnetGenerator(options.ngf, options.n_blocks, options.norm)
        else:
            built[name] = nets.PatchDiscriminator(options.ndf, options.n_layers_D, options.norm)
        nets.init_weights(built[name], rng, options.init_gain)
    pools = [trainer.ImagePool.random(options.pool_size, random.Random(f"{options.seed} {name}")) for name in "BA"]
    return trainer.Trainer(built, pools, options.gan_mode, **{name: getattr(options, name) for name in trainer.DEFAULTS})


class Stopwatch:
    """Images a second of the training alone: stopped while the test set is scored."""

    def __init__(self):
        self.images, self.begun = 0, time.perf_counter()

    def images_per_s(self):
        return round(self.images / (time.perf_counter() - self.begun), 3)


def train(options, emit):
    pictures, test, model = TrainingSet(options, random.Random(options.seed)), TestSet(options.dataroot), build(options)
    if options.batch_size > max(len(pictures.A), len(pictures.B)):
        raise BadInput(f"--batch_size {options.batch_size}: larger than the training set: lower it")
    emit({"options": vars(options), "torch": torch.__version__, "train": [len(pictures.A), len(pictures.B)],
          "test_pairs": len(test.A), "baselines_dB": test.baselines()})
    emit({"step": 0} | test.score(model))
    step, last_epoch, watch = 0, options.n_epochs + options.n_epochs_decay, Stopwatch()
    for epoch in range(options.epoch_count, last_epoch + 1):
        factor = trainer.linear_decay(epoch, options.n_epochs, options.n_epochs_decay)
        model.set_lr_factor(factor)
        for real_A, real_B in pictures.epoch():
            losses, _ = model.step(real_A, real_B)
            step, watch.images = step + 1, watch.images + options.batch_size
            if not all(np.isfinite(list(losses.values()))):
                raise SystemExit(f"step {step}: a loss is not finite: {losses}")
            if step == options.max_steps or options.eval_every and step % options.eval_every == 0:
                emit({"step": step, "epoch": epoch, "lr": options.lr * factor, "images_per_s": watch.images_per_s(),
                      "losses": losses} | test.score(model))
                watch = Stopwatch()
            if step == options.max_steps:
                return
    if watch.images:
        emit({"step": step, "epoch": last_epoch, "images_per_s": watch.images_per_s()} | test.score(model))


def open_sink(path):
    try:
        return open(path or os.devnull, "w", encoding="utf-8")
    except OSError as error:
        raise BadInput(f"--json {path}: {error.strerror}: name a file that can be written") from error


def main():
    options = read_options()
    torch.set_num_threads(options.threads)
    try:
        with open_sink(options.json) as sink:
            def emit(record):
                line = json.dumps(record)
                print(line, flush=True)
                print(line, file=sink, flush=True)

            train(options, emit)
    except BadInput as error:
        print(error, file=sys.stderr)
        sys.exit(2)


if __name__ == "__main__":
    main()
