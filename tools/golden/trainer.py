"""The CycleGAN training step in PyTorch: losses, image pool, schedule, update.

It states the semantics that the Go engine has to match, in the order of the
official code (which batch norm's running statistics depend on), in whatever
precision the networks have. G_A maps A to B and D_A judges B; G_B and D_B the
reverse.
"""

import itertools

import torch
import torch.nn.functional as F

NETWORKS = ("G_A", "G_B", "D_A", "D_B")
CYCLE_JUDGES = ("D_cycle_A", "D_cycle_B")  # judge reconstructions of A and of B, where the cycle's loss is adversarial
DEFAULTS = {"lambda_A": 10.0, "lambda_B": 10.0, "lambda_identity": 0.5, "lr": 2e-4, "beta1": 0.5}
LOSSES = ("D_A", "G_A", "cycle_A", "idt_A", "D_B", "G_B", "cycle_B", "idt_B")


def gan_loss(mode, logits, real, generator=False):
    """Mean over the logits: lsgan (logit - target)^2, vanilla binary cross-entropy; target 1 or 0; wgangp -logit or logit.

    vanilla_minmax is vanilla, but for the generators, who minimise log(1 - D) and do not maximise log D.
    """
    target = torch.full_like(logits, 1.0 if real else 0.0)
    if mode == "lsgan":
        return F.mse_loss(logits, target)
    if mode == "vanilla_minmax" and generator:
        return F.logsigmoid(-logits).mean()
    if mode in ("vanilla", "vanilla_minmax"):
        return F.binary_cross_entropy_with_logits(logits, target)
    if mode == "wgangp":
        return -logits.mean() if real else logits.mean()
    raise ValueError(f"gan_mode {mode!r} is unknown: use lsgan, vanilla, vanilla_minmax or wgangp")


def linear_decay(epoch, n_epochs, n_epochs_decay):
    """Learning-rate factor in an epoch counted from 1: 1 for n_epochs, then in equal steps towards 0."""
    return 1.0 - max(0, epoch - n_epochs) / (n_epochs_decay + 1)


class ImagePool:
    """The last fakes, each image [3,H,W] on its own: filled first, then asked `decide(size)`,
    which gives the slot to swap with, or None to pass the new image through unstored."""

    def __init__(self, size, decide):
        self.size, self.decide, self.images = size, decide, []

    @classmethod
    def random(cls, size, rng):
        """Swap with probability 0.5, any slot alike; rng is a random.Random."""
        return cls(size, lambda n: rng.randrange(n) if rng.random() > 0.5 else None)

    def query(self, images):
        """[N,3,H,W] -> [N,3,H,W], detached."""
        return torch.stack([self._query_one(image) for image in images.detach()])

    def _query_one(self, image):
        if len(self.images) < self.size:
            self.images.append(image.clone())
            return image
        slot = self.decide(self.size) if self.size else None
        if slot is None:
            return image
        stored, self.images[slot] = self.images[slot], image.clone()
        return stored


class Trainer:
    """Two generators, two discriminators, their Adam states and pools; step() trains them once."""

    def __init__(self, nets, pools, gan_mode="lsgan", **options):
        """options: any of DEFAULTS. With CYCLE_JUDGES among the nets, their verdict stands for L1 in the cycles."""
        options = DEFAULTS | options
        self.G_A, self.G_B, self.D_A, self.D_B = (nets[name] for name in NETWORKS)
        self.cycle_judges = {name: nets[name] for name in CYCLE_JUDGES if name in nets}
        self.discriminators = [self.D_A, self.D_B, *self.cycle_judges.values()]
        self.pool_B, self.pool_A = pools  # fakes that D_A sees, fakes that D_B sees
        self.gan_mode, self.base_lr = gan_mode, options["lr"]
        self.lambda_A, self.lambda_B = options["lambda_A"], options["lambda_B"]
        self.lambda_identity = options["lambda_identity"]

        def adam(*trained):
            parameters = itertools.chain(*(net.parameters() for net in trained))
            return torch.optim.Adam(parameters, lr=self.base_lr, betas=(options["beta1"], 0.999), eps=1e-8)

        self.optimizer_G = adam(self.G_A, self.G_B)
        self.optimizer_D = adam(*self.discriminators)

    def set_lr_factor(self, factor):
        for optimizer in (self.optimizer_G, self.optimizer_D):
            for group in optimizer.param_groups:
                group["lr"] = self.base_lr * factor

    def step(self, real_A, real_B):
        """One update of all four networks from pictures [N,3,H,W].

        Returns the losses by name (weighted, as the official code logs them) and the generator
        outputs and logits of the forward pass. The gradients stay in the parameters.
        """
        out = {"fake_B": self.G_A(real_A)}
        out["rec_A"] = self.G_B(out["fake_B"])
        out["fake_A"] = self.G_B(real_B)
        out["rec_B"] = self.G_A(out["fake_A"])
        losses = self._generator_step(real_A, real_B, out)
        losses |= self._discriminator_step(real_A, real_B, out)
        return losses, {name: tensor.detach() for name, tensor in out.items()}

    def _generator_step(self, real_A, real_B, out):
        for discriminator in self.discriminators:
            discriminator.requires_grad_(False)
        losses = {"idt_A": torch.zeros(()), "idt_B": torch.zeros(())}
        if self.lambda_identity > 0:
            out["idt_A"] = self.G_A(real_B)
            out["idt_B"] = self.G_B(real_A)
            losses["idt_A"] = self.lambda_identity * self.lambda_B * F.l1_loss(out["idt_A"], real_B)
            losses["idt_B"] = self.lambda_identity * self.lambda_A * F.l1_loss(out["idt_B"], real_A)
        losses["G_A"] = gan_loss(self.gan_mode, self.D_A(out["fake_B"]), True, generator=True)
        losses["G_B"] = gan_loss(self.gan_mode, self.D_B(out["fake_A"]), True, generator=True)
        losses["cycle_A"] = self.lambda_A * self._cycle_loss("D_cycle_A", out["rec_A"], real_A)
        losses["cycle_B"] = self.lambda_B * self._cycle_loss("D_cycle_B", out["rec_B"], real_B)
        self.optimizer_G.zero_grad()
        sum(losses.values()).backward()
        self.optimizer_G.step()
        return {name: loss.item() for name, loss in losses.items()}

    def _cycle_loss(self, judge, rec, real):
        if self.cycle_judges:
            return gan_loss(self.gan_mode, self.cycle_judges[judge](rec), True, generator=True)
        return F.l1_loss(rec, real)

    def _discriminator_step(self, real_A, real_B, out):
        for discriminator in self.discriminators:
            discriminator.requires_grad_(True)
        losses = {}
        self.optimizer_D.zero_grad()
        sides = [("D_A", self.D_A, real_B, self.pool_B.query(out["fake_B"])),
                 ("D_B", self.D_B, real_A, self.pool_A.query(out["fake_A"]))]
        for (name, judge), real, rec in zip(self.cycle_judges.items(), (real_A, real_B), ("rec_A", "rec_B")):
            sides.append((name, judge, real, out[rec].detach()))
        for name, discriminator, real, fake in sides:
            out[f"{name}.real"] = discriminator(real)
            out[f"{name}.fake"] = discriminator(fake)
            loss = 0.5 * (gan_loss(self.gan_mode, out[f"{name}.real"], True)
                          + gan_loss(self.gan_mode, out[f"{name}.fake"], False))
            loss.backward()
            losses[name] = loss.item()
        self.optimizer_D.step()
        return losses
