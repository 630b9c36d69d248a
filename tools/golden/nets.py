"""The CycleGAN networks in PyTorch, with the official state-dict keys.

These are the yardstick of the Go engine: the golden files (step.py) and the
quality baseline (../bench/torch_cyclegan.py) both build on them.
Architecture and key names follow the paper (arXiv 1703.10593, appendix 7.2)
and the official PyTorch code; the index of each entry in `model` is part of
the file format, since keys such as `model.10.conv_block.1.weight` carry it.

All tensors are NCHW; pictures are in [-1, 1].
"""

import torch
from torch import nn


def norm_layer(kind, channels):
    """The normalisation after a convolution: `instance` (no parameters), `batch` or `none`, which keeps its place in the keys."""
    if kind == "instance":
        return nn.InstanceNorm2d(channels)
    if kind == "batch":
        return nn.BatchNorm2d(channels)
    if kind == "none":
        return nn.Identity()
    raise ValueError(f"norm {kind!r} is unknown: use instance, batch or none")


def needs_bias(kind):
    """The official rule: with instance norm alone, but for the convolutions that always have a bias."""
    return kind == "instance"


class ResidualBlock(nn.Module):
    """x + f(x), no ReLU after the sum. [N,C,H,W] -> [N,C,H,W]."""

    def __init__(self, channels, norm, dropout):
        super().__init__()
        bias = needs_bias(norm)

        def half():
            return [nn.ReflectionPad2d(1), nn.Conv2d(channels, channels, 3, bias=bias), norm_layer(norm, channels)]

        middle = [nn.ReLU()] + ([nn.Dropout(0.5)] if dropout else [])
        self.conv_block = nn.Sequential(*half(), *middle, *half())

    def forward(self, x):
        return x + self.conv_block(x)


class ResnetGenerator(nn.Module):
    """[N,input_nc,H,W] -> [N,output_nc,H,W]; H and W multiples of 4. Widths ngf, 2ngf, 4ngf, n_blocks, 2ngf, ngf.

    upsample `resize` has nearest-neighbour enlargement and a convolution in place of each transposed one; the official
    code has no such option.
    """

    def __init__(self, ngf=64, n_blocks=9, norm="instance", dropout=False, upsample="transposed", input_nc=3, output_nc=3):
        super().__init__()
        bias = needs_bias(norm)
        layers = [nn.ReflectionPad2d(3), nn.Conv2d(input_nc, ngf, 7, bias=bias), norm_layer(norm, ngf), nn.ReLU()]
        for c in (ngf, 2 * ngf):
            layers += [nn.Conv2d(c, 2 * c, 3, stride=2, padding=1, bias=bias), norm_layer(norm, 2 * c), nn.ReLU()]
        layers += [ResidualBlock(4 * ngf, norm, dropout) for _ in range(n_blocks)]
        for c in (4 * ngf, 2 * ngf):
            if upsample == "resize":
                layers += [nn.Upsample(scale_factor=2), nn.ReflectionPad2d(1), nn.Conv2d(c, c // 2, 3, bias=bias)]
            else:
                layers += [nn.ConvTranspose2d(c, c // 2, 3, stride=2, padding=1, output_padding=1, bias=bias)]
            layers += [norm_layer(norm, c // 2), nn.ReLU()]
        layers += [nn.ReflectionPad2d(3), nn.Conv2d(ngf, output_nc, 7), nn.Tanh()]
        self.model = nn.Sequential(*layers)

    def forward(self, x):
        return self.model(x)


class SkipBlock(nn.Module):
    """One level of a U-Net: x -> cat(x, up(deeper(down(x)))); the outermost one joins nothing.

    The official code activates in place, so what is joined is not x but LeakyReLU(x): the first module inside has changed it.
    """

    def __init__(self, outer, inner, deeper, norm, dropout=False, input_nc=None):
        """input_nc: of the pictures, for the outermost level; deeper is None in the innermost one."""
        super().__init__()
        bias, self.outermost = needs_bias(norm), input_nc is not None
        down = nn.Conv2d(input_nc if self.outermost else outer, inner, 4, stride=2, padding=1, bias=bias)
        up = nn.ConvTranspose2d(inner if deeper is None else 2 * inner, outer, 4, stride=2, padding=1, bias=bias or self.outermost)
        before = [] if self.outermost else [nn.LeakyReLU(0.2, True)]
        between = [] if deeper is None else [deeper]
        if between and not self.outermost:
            between.insert(0, norm_layer(norm, inner))
        after = [nn.Tanh()] if self.outermost else [norm_layer(norm, outer)]
        if dropout:
            after.append(nn.Dropout(0.5))
        self.model = nn.Sequential(*before, down, *between, nn.ReLU(True), up, *after)

    def forward(self, x):
        if self.outermost:
            return self.model(x)
        return torch.cat([x, self.model(x)], 1)


class UnetGenerator(nn.Module):
    """[N,input_nc,H,W] -> [N,output_nc,H,W]; H and W multiples of 2**n_downs. unet_256 has 8 downs, unet_128 has 7."""

    def __init__(self, ngf=64, n_downs=8, norm="instance", dropout=False, input_nc=3, output_nc=3):
        super().__init__()
        block = SkipBlock(8 * ngf, 8 * ngf, None, norm)
        for _ in range(n_downs - 5):
            block = SkipBlock(8 * ngf, 8 * ngf, block, norm, dropout)
        for c in (4 * ngf, 2 * ngf, ngf):
            block = SkipBlock(c, 2 * c, block, norm)
        self.model = SkipBlock(output_nc, ngf, block, norm, input_nc=input_nc)

    def forward(self, x):
        return self.model(x)


class PatchDiscriminator(nn.Module):
    """[N,input_nc,H,W] -> logits [N,1,h,w]. n_layers convolutions of stride 2, two of stride 1, all 4x4."""

    def __init__(self, ndf=64, n_layers=3, norm="instance", input_nc=3):
        super().__init__()
        bias = needs_bias(norm)
        width = [ndf * min(2**i, 8) for i in range(n_layers + 1)]
        layers = [nn.Conv2d(input_nc, ndf, 4, stride=2, padding=1), nn.LeakyReLU(0.2)]
        for i in range(n_layers):
            stride = 2 if i < n_layers - 1 else 1
            conv = nn.Conv2d(width[i], width[i + 1], 4, stride=stride, padding=1, bias=bias)
            layers += [conv, norm_layer(norm, width[i + 1]), nn.LeakyReLU(0.2)]
        layers += [nn.Conv2d(width[-1], 1, 4, padding=1)]
        self.model = nn.Sequential(*layers)

    def forward(self, x):
        return self.model(x)


class PixelDiscriminator(nn.Module):
    """[N,input_nc,H,W] -> logits [N,1,H,W], each of its pixel alone. The last convolution has a bias with instance norm alone."""

    def __init__(self, ndf=64, norm="instance", input_nc=3):
        super().__init__()
        bias = needs_bias(norm)
        self.net = nn.Sequential(
            nn.Conv2d(input_nc, ndf, 1), nn.LeakyReLU(0.2),
            nn.Conv2d(ndf, 2 * ndf, 1, bias=bias), norm_layer(norm, 2 * ndf), nn.LeakyReLU(0.2),
            nn.Conv2d(2 * ndf, 1, 1, bias=bias))

    def forward(self, x):
        return self.net(x)


def init_weights(net, rng, gain=0.02, bias_gain=0.0):
    """Official initialisation, drawn from rng (numpy RandomState: its bits never change).

    Convolution weights from N(0, gain), batch norm gamma from N(1, gain), beta 0, biases 0;
    bias_gain > 0 draws biases and beta too, so that a test sees a bias that is left out.
    """
    def fill(tensor, mean, std):
        values = mean + std * rng.standard_normal(tuple(tensor.shape))
        tensor.copy_(torch.from_numpy(values))

    with torch.no_grad():
        for module in net.modules():
            if isinstance(module, (nn.Conv2d, nn.ConvTranspose2d, nn.BatchNorm2d)):
                fill(module.weight, 1.0 if isinstance(module, nn.BatchNorm2d) else 0.0, gain)
                if module.bias is not None:
                    fill(module.bias, 0.0, bias_gain)


def dead_biases(net):
    """Names of the biases that an instance norm cancels: their true gradient is 0."""
    dead = set()
    for prefix, module in net.named_modules():
        if not isinstance(module, nn.Sequential):
            continue
        children = list(module.named_children())
        for (name, layer), (_, following) in zip(children, children[1:]):
            if isinstance(following, nn.InstanceNorm2d) and layer.bias is not None:
                dead.add(f"{prefix}.{name}.bias")
    return dead


def parameter_count(net):
    return sum(p.numel() for p in net.parameters())
