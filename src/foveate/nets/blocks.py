"""The building blocks of RT4KSR: LayerNorm, RRB, ladder blocks, blur, anchor."""

from __future__ import annotations

import math
from contextlib import AbstractContextManager, nullcontext

import torch
from torch import Tensor, nn
from torch.nn import functional as F


class LayerNorm(nn.Module):
    """LayerNorm over each pixel's channels, (N, C, H, W), biased variance, eps 1e-6."""

    def __init__(self, features: int) -> None:
        """Weight one, bias zero."""
        super().__init__()
        self.weight = nn.Parameter(torch.ones(features))
        self.bias = nn.Parameter(torch.zeros(features))

    def forward(self, x: Tensor) -> Tensor:
        """Normalises each pixel's channel vector."""
        x = x.permute(0, 2, 3, 1)  # (N, H, W, C)
        x = F.layer_norm(x, self.weight.shape, self.weight, self.bias, 1e-6)
        return x.permute(0, 3, 1, 2)  # (N, C, H, W)


class BiasedConv(nn.Conv2d):
    """A convolution with a bias, which its type says too."""

    bias: nn.Parameter


class RepConv(nn.Module):
    """The paper's RRB: 1x1 expand, 3x3 with inner skip, 1x1 reduce, outer skip.

    The forward pass folds the weights first and convolves once: the same function, borders
    included, at the deployed cost, also in training. `forward_expanded` is the published order of
    operations. `expand` 0 holds the folded 3x3 itself. Source: paper sec. 3.3, fig. 4.
    """

    def __init__(self, features: int, expand: int) -> None:
        """Builds the expanded tensors, or the folded one when `expand` is 0."""
        super().__init__()
        self.expand = expand
        if expand:
            wide = features * expand
            self.expand_conv = BiasedConv(features, wide, 1)
            self.fea_conv = BiasedConv(wide, wide, 3)
            self.reduce_conv = BiasedConv(wide, features, 1)
        else:
            self.rep_conv = BiasedConv(features, features, 3, padding=1)

    def folded(self) -> tuple[Tensor, Tensor]:
        """Weight (C, C, 3, 3) and bias (C,) of the one convolution that equals this block."""
        if not self.expand:
            return self.rep_conv.weight, self.rep_conv.bias
        a, b0 = self.expand_conv.weight[:, :, 0, 0], self.expand_conv.bias  # (M, C), (M,)
        r, b2 = self.reduce_conv.weight[:, :, 0, 0], self.reduce_conv.bias  # (C, M), (C,)
        k, b1 = self.fea_conv.weight, self.fea_conv.bias  # (M, M, 3, 3), (M,)
        wide, features = a.shape
        centre = torch.zeros(1, 1, 3, 3, dtype=k.dtype, device=k.device)
        centre[..., 1, 1] = 1
        k = k + torch.eye(wide, dtype=k.dtype, device=k.device)[:, :, None, None] * centre
        rk = (r @ k.reshape(wide, -1)).reshape(features, wide, 9)  # (C, M, 9)
        weight = torch.matmul(a.t(), rk).reshape(features, features, 3, 3)  # (C, C, 9)
        weight = (
            weight + torch.eye(features, dtype=k.dtype, device=k.device)[:, :, None, None] * centre
        )
        bias = b2 + r @ b1 + torch.matmul(rk.sum(2), b0)
        return weight, bias

    def fold(self) -> None:
        """Replaces the expanded tensors by `rep_conv`, computed in float64."""
        if not self.expand:
            return
        weight, bias = self.double().folded()
        rep = BiasedConv(weight.shape[1], weight.shape[0], 3, padding=1)
        rep.weight.data, rep.bias.data = weight.float().detach(), bias.float().detach()
        del self.expand_conv, self.fea_conv, self.reduce_conv
        self.rep_conv, self.expand = rep, 0

    @torch.no_grad()
    def unfold(self, weight: Tensor, bias: Tensor) -> None:
        """Sets the expanded tensors so that they fold to `weight` (C, C, 3, 3) and `bias` (C,).

        The first C of the expanded channels carry the convolution; between them and the others
        only the 3x3 keeps its start, so that every tensor still learns.
        """
        c = weight.shape[0]
        for convolution in (self.expand_conv, self.reduce_conv):
            nn.init.zeros_(convolution.weight)
            convolution.weight[:c, :c, 0, 0] = torch.eye(c)
        for convolution in (self.expand_conv, self.fea_conv, self.reduce_conv):
            nn.init.zeros_(convolution.bias)
        both_skips = 2 * torch.eye(c)
        self.fea_conv.weight[:c, :c] = weight
        self.fea_conv.weight[:c, :c, 1, 1] -= both_skips
        self.reduce_conv.bias.copy_(bias)

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) -> the same."""
        weight, bias = self.folded()
        return F.conv2d(x, weight, bias, padding=1)

    def forward_expanded(self, x: Tensor) -> Tensor:
        """The published order: the ring around the expanded features holds their bias, not zero."""
        e = self.expand_conv(x)
        ring = self.expand_conv.bias[None, :, None, None].expand_as(e)
        padded = F.pad(e - ring, (1, 1, 1, 1)) + F.pad(ring, (1, 1, 1, 1), mode="replicate")
        return self.reduce_conv(self.fea_conv(padded) + e) + x


class RepBlock(nn.Module):
    """LayerNorm -> RRB -> GELU, with the authors' two unused options: ECA and a block residual."""

    def __init__(
        self, features: int, expand: int, *, norm: bool, skip: bool, eca: bool, act: str
    ) -> None:
        """Names follow the authors' file: `norm`, `conv1`."""
        super().__init__()
        self.act = activation(act, features)
        self.norm = LayerNorm(features) if norm else nn.Identity()
        self.conv1 = RepConv(features, expand)
        self.ca = EfficientChannelAttention(features) if eca else nn.Identity()
        self.skip = skip

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) -> the same."""
        y = self.ca(self.act(self.conv1(self.norm(x))))
        return y + x if self.skip else y


def activation(name: str, features: int) -> nn.Module:
    """GELU (paper, exact erf), ReLU, "leaky" (slope 0.05, as in the authors' code) or PReLU."""
    if name == "prelu":
        return nn.PReLU(features, init=0.1)
    return {"gelu": nn.GELU(), "relu": nn.ReLU(), "leaky": nn.LeakyReLU(0.05)}[name]


class EfficientChannelAttention(nn.Module):
    """ECA: a 1-D convolution over the pooled channels gives each channel a factor in 0..1.

    Kernel size: the odd number next to |log2(C) + 1| / 2. Source: Wang et al., CVPR 2020.
    """

    def __init__(self, features: int) -> None:
        """One 1-D kernel for all channels."""
        super().__init__()
        size = int(abs(math.log2(features) + 1) / 2)
        size += 1 - size % 2
        self.conv = nn.Conv1d(1, 1, size, padding=size // 2, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) -> the same."""
        pooled = x.mean((2, 3))[:, None]  # (N, 1, C)
        return x * torch.sigmoid(self.conv(pooled))[:, 0, :, None, None]


class ChannelAttention(nn.Module):
    """NAFNet's simplified channel attention: global average, 1x1, multiply."""

    def __init__(self, features: int) -> None:
        """One 1x1 convolution on the pooled vector."""
        super().__init__()
        self.conv = nn.Conv2d(features, features, 1)

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) -> the same."""
        return x * self.conv(x.mean((2, 3), keepdim=True))


class NafBlock(nn.Module):
    """The ladder's NAFNet-like block: LN, separable conv to 2C, GELU, attention, 1x1, skip."""

    def __init__(self, features: int, *, eca: bool, shrink: bool) -> None:
        """`shrink` halves the resolution inside the block (a ladder step)."""
        super().__init__()
        wide = 2 * features
        self.norm = LayerNorm(features)
        self.depthwise = nn.Conv2d(features, features, 3, padding=1, groups=features)
        self.expand = nn.Conv2d(features, wide, 1)
        self.attention = EfficientChannelAttention(wide) if eca else ChannelAttention(wide)
        self.reduce = nn.Conv2d(wide, features, 1)
        self.shrink = shrink

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) -> the same; H and W may be odd."""
        z = self.norm(x)
        if self.shrink:
            z = F.avg_pool2d(z, 2, ceil_mode=True)
        z = self.reduce(self.attention(F.gelu(self.expand(self.depthwise(z)))))
        if self.shrink:
            z = F.interpolate(z, scale_factor=2, mode="nearest")[..., : x.shape[2], : x.shape[3]]
        return x + z


class ConvGelu(nn.Module):
    """A plain 3x3 convolution and GELU: the ladder's first step."""

    def __init__(self, features: int, *, act: bool = True) -> None:
        """`act` False leaves the GELU out."""
        super().__init__()
        self.conv = nn.Conv2d(features, features, 3, padding=1)
        self.act = act

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) -> the same."""
        return F.gelu(self.conv(x)) if self.act else self.conv(x)


def gaussian_blur(x: Tensor, pad: str = "reflect") -> Tensor:
    """Gaussian 5x5, sigma 1, per channel, padding 2. (N, 3, H, W); "reflect" needs H, W >= 3."""
    taps = torch.tensor([math.exp(-0.5 * k * k) for k in range(-2, 3)], dtype=torch.float64)
    taps = (
        (taps / taps.sum()).to(x).repeat(3, 1, 1, 1)
    )  # (3, 1, 1, 5): literal sizes, so that it exports
    x = F.pad(x, (2, 2, 2, 2), mode=pad)
    with without_autocast(x):  # what is left of x - blur is small
        x = F.conv2d(x, taps.transpose(2, 3), groups=3)
        return F.conv2d(x, taps, groups=3)


def without_autocast(x: Tensor) -> AbstractContextManager[object]:
    """Operations keep the precision of `x`; no effect while a graph is exported or counted."""
    if x.is_meta or torch.onnx.is_in_onnx_export():
        return nullcontext()
    return torch.autocast(x.device.type, enabled=False)


def pool_blur(x: Tensor) -> Tensor:
    """Average pooling by 2, then nearest-neighbour back up. (N, C, H, W) with even H, W."""
    return F.interpolate(F.avg_pool2d(x, 2), scale_factor=2, mode="nearest")


class BicubicAnchor(nn.Module):
    """Bicubic enlargement (a = -0.5, centres aligned) by two fixed convolutions and a shuffle.

    (N, 3, H, W) -> (N, 3, sH, sW). Equals MATLAB's imresize except in the outer two pixels (edge
    pixels are replicated here). All channels share one kernel, so grey in gives grey out.
    Cost: 15 s (1 + s) MACs per LR pixel.
    """

    rows: Tensor
    columns: Tensor

    def __init__(self, scale: int) -> None:
        """Lays the five taps of every output phase into the two kernels."""
        super().__init__()
        self.scale = scale
        taps = torch.tensor(
            [[cubic((a + 0.5) / scale - 0.5 - k) for k in range(-2, 3)] for a in range(scale)]
        )
        self.register_buffer("rows", taps.reshape(scale, 1, 5, 1), persistent=False)
        self.register_buffer(
            "columns", taps.reshape(scale, 1, 1, 5).repeat(scale, 1, 1, 1), persistent=False
        )

    def forward(self, x: Tensor) -> Tensor:
        """Enlarges each channel on its own."""
        n, c, h, w = x.shape
        s = self.scale
        x = F.pad(x, (2, 2, 2, 2), mode="replicate").reshape(n * c, 1, h + 4, w + 4)
        with without_autocast(x):  # bfloat16 cannot hold 256 levels
            x = F.conv2d(x, self.rows.to(x.dtype))  # (N*C, s, H, W+4)
            x = F.conv2d(x, self.columns.to(x.dtype), groups=s)  # (N*C, s*s, H, W)
        return F.pixel_shuffle(x, s).reshape(n, c, h * s, w * s)


def cubic(t: float) -> float:
    """Keys' cubic kernel with a = -0.5, the one MATLAB's imresize uses."""
    t = abs(t)
    if t <= 1:
        return 1.5 * t**3 - 2.5 * t**2 + 1
    if t < 2:
        return -0.5 * t**3 + 2.5 * t**2 - 4 * t + 2
    return 0.0
