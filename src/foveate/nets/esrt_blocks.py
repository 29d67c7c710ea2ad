"""ESRT's convolutional blocks: learned scales, ARFB, HPB, upsampler.

Scales are multiplied into the weights of the convolution before them, not into its feature maps:
the same function and gradients, without passes over memory.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from foveate.nets.blocks import BiasedConv


class Scale(nn.Module):
    """One learned factor. Kept 0-D in use, so that it never widens bfloat16 to float32."""

    def __init__(self, start: float = 1.0) -> None:
        """Holds `scale` (1,)."""
        super().__init__()
        self.scale = nn.Parameter(torch.full((1,), start))

    def forward(self, x: Tensor) -> Tensor:
        """X times the factor."""
        return x * self.scale.reshape(())

    def plus(self, x: Tensor, y: Tensor) -> Tensor:
        """X times the factor, plus y."""
        return torch.addcmul(y, x, self.scale.reshape(()).to(x.dtype))


class ConvRelu(nn.Module):
    """Convolution without bias, then ReLU."""

    def __init__(self, inputs: int, outputs: int, kernel: int) -> None:
        """Zero padding keeps the size."""
        super().__init__()
        self.conv = nn.Conv2d(inputs, outputs, kernel, padding=kernel // 2, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """(N, inputs, H, W) -> (N, outputs, H, W)."""
        return F.relu(self.conv(x))


class ChannelAttention(nn.Module):
    """A factor in 0..1 per channel, from the channels' averages over the picture.

    Deviation: at the usual start both hidden units are dead in some of the fifteen attentions, and
    stay so, because they see one averaged vector per picture. Here they start a little alive.
    """

    def __init__(self, features: int) -> None:
        """Two 1x1 convolutions, a sixteenth as wide between."""
        super().__init__()
        first = VectorConv(features, features // 16, 1)
        second = VectorConv(features // 16, features, 1)
        self.conv_du = nn.Sequential(first, nn.ReLU(), second, nn.Sigmoid())
        with torch.no_grad():
            first.weight.mul_(0.1)
            first.bias.fill_(0.1)

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) -> the same."""
        return x * self.conv_du(x.mean((2, 3)))[:, :, None, None]


class VectorConv(BiasedConv):
    """A 1x1 convolution of pictures of one pixel, (N, inputs) -> (N, outputs).

    As a linear layer: torch's path for such pictures took 2.6 % of a training step.
    """

    def forward(self, x: Tensor) -> Tensor:
        """Each vector on its own."""
        return F.linear(x, self.weight.flatten(1), self.bias)


class ResidualUnit(nn.Module):
    """RU: a * z + b * E(PReLU(D(z))), D halving and E restoring the channels. Source: paper."""

    def __init__(self, features: int) -> None:
        """D is `conv`, E `conv1`, the PReLU `relu`, a `weight1` and b `weight2`."""
        super().__init__()
        self.conv = nn.Conv2d(features, features // 2, 3, padding=1)
        self.relu = nn.PReLU(features // 2)
        self.conv1 = nn.Conv2d(features // 2, features, 3, padding=1)
        self.weight1 = Scale()
        self.weight2 = Scale()

    def forward(self, z: Tensor) -> Tensor:
        """(N, C, H, W) -> the same."""
        e, b = self.conv1, self.weight2
        y = F.conv2d(self.relu(self.conv(z)), b(e.weight), b(e.bias), padding=1)
        return self.weight1.plus(z, y)


class ARFB(nn.Module):
    """Adaptive residual feature block: two RUs, fused, attended, added to the input.

    (N, C, H, W) -> the same. `weight1` is in the authors' files and never used; it takes no
    gradient. Source: paper (HPB, ARFB); order of concatenation from the authors' code.
    """

    def __init__(self, features: int) -> None:
        """Names follow the authors' files: `alise` is the 1x1, `layer4` the 3x3."""
        super().__init__()
        self.layer1 = ResidualUnit(features)
        self.layer2 = ResidualUnit(features)
        self.alise = ConvRelu(2 * features, features, 1)
        self.atten = ChannelAttention(features)
        self.layer4 = ConvRelu(features, features, 3)
        self.weight1 = Scale()
        self.weight2 = Scale()
        self.weight3 = Scale()
        self.weight4 = Scale()
        self.weight5 = Scale()
        self.weight1.scale.requires_grad_(False)

    def forward(self, z: Tensor) -> Tensor:
        """The second unit stands first in the concatenation."""
        p = self.layer1(z)
        q = self.layer2(p)
        fuse = self.alise.conv
        factors = [s.scale.expand(fuse.out_channels) for s in (self.weight2, self.weight3)]
        weight = fuse.weight * torch.cat(factors)[:, None, None]  # (C, 2C, 1, 1)
        v = self.atten(F.relu(F.conv2d(torch.cat([q, p], dim=1), weight)))
        return self.weight5.plus(self.layer4(v), self.weight4(z))


class ResidualPair(nn.Module):
    """Two 3x3 convolutions, a ReLU between, and a skip: what stands in for an ARFB (ablation)."""

    def __init__(self, features: int) -> None:
        """Both convolutions have biases."""
        super().__init__()
        self.conv = nn.Conv2d(features, features, 3, padding=1)
        self.conv1 = nn.Conv2d(features, features, 3, padding=1)

    def forward(self, z: Tensor) -> Tensor:
        """(N, C, H, W) -> the same."""
        return z + self.conv1(F.relu(self.conv(z)))


class HPB(nn.Module):
    """High preserving block: five passes at half the size, beside what halving takes away.

    (N, C, H, W) -> the same, H and W at least 2. Halving drops an odd last row or column; enlarging
    stretches the rest over it. Without `high_path` the enlarged features go on alone.
    Source: paper (HFM, HPB); five passes of one block from the authors' code.
    """

    def __init__(self, features: int, *, high_path: bool, arfb: bool) -> None:
        """Names follow the authors' files."""
        super().__init__()
        block = ARFB if arfb else ResidualPair
        self.high_path = high_path
        self.encoder = block(features)
        self.decoder_low = block(features)
        if high_path:
            self.decoder_high = block(features)
        self.alise2 = ConvRelu(features * (2 if high_path else 1), features, 1)
        self.att = ChannelAttention(features)
        self.alise = block(features)

    def forward(self, z: Tensor) -> Tensor:
        """High frequencies are what the halved features lack before their five passes."""
        size = (int(z.shape[2]), int(z.shape[3]))  # numbers: an exported graph has one size
        e = self.encoder(z)
        low = F.avg_pool2d(e, 2)  # (N, C, H/2, W/2)
        high = e - enlarge(low, size) if self.high_path else None
        for _ in range(5):
            low = self.decoder_low(low)
        y = enlarge(low, size)
        if high is not None:
            y = torch.cat([y, self.decoder_high(high)], dim=1)
        return z + self.alise(self.att(self.alise2(y)))


def enlarge(x: Tensor, size: tuple[int, int]) -> Tensor:
    """Bilinear to `size`, corner pixels on corner pixels."""
    return F.interpolate(x, size=size, mode="bilinear", align_corners=True)


def upsampler(features: int, scale: int) -> nn.Sequential:
    """3x3 convolution and pixel shuffle by 2 or 3; by 4 in two steps of 2. (N, C, sH, sW)."""
    layers: list[nn.Module] = []
    for step in (2, 2) if scale == 4 else (scale,):
        layers += [nn.Conv2d(features, features * step**2, 3, padding=1), nn.PixelShuffle(step)]
    return nn.Sequential(*layers)
