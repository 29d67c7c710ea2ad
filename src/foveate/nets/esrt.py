"""ESRT in PyTorch: the published network, its ablations, and our additions.

Tensors in, tensors out; no pixels, files or engines here.
Source: Lu et al., "Transformer for Single Image Super-Resolution", CVPRW 2022.
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Any, Literal

import torch
from torch import Tensor, nn

from foveate.nets.attention import Attend, Attention
from foveate.nets.blocks import BiasedConv, BicubicAnchor
from foveate.nets.esrt_blocks import HPB, ConvRelu, Scale, upsampler
from foveate.nets.esrt_transformer import EfficientTransformer, SplitAttention


@dataclass(frozen=True)
class ESRTConfig:
    """Every choice that makes one ESRT. The defaults are the authors' released graph.

    Attributes:
        scale: SR/LR size ratio, 2, 3 or 4.
        features: channels C everywhere, a multiple of 16.
        transformers: Efficient Transformers in sequence, each with its convolution: 0, 1 or 2.
        segments: runs of tokens that attend among themselves: 1 (all together), 2, 4 or 8.
        attention: "emha", or "original": all channels, all tokens (`segments` does not apply).
        high_path: the high-frequency half of the HPBs.
        arfb: ARFBs; without them a plain residual pair of convolutions stands in each place.
        global_path: the branch from the head's features straight to the output.
        anchor: "none" (paper) or "bicubic": the resized input is added to the output (ours).
    """

    scale: int = 2
    features: int = 32
    transformers: int = 1
    segments: int = 4
    attention: Literal["emha", "original"] = "emha"
    high_path: bool = True
    arfb: bool = True
    global_path: bool = True
    anchor: Literal["none", "bicubic"] = "none"

    def __post_init__(self) -> None:
        """Refuses values that the graph has no meaning for."""
        choices = {
            "scale": (2, 3, 4),
            "transformers": (0, 1, 2),
            "segments": (1, 2, 4, 8),
            "attention": ("emha", "original"),
            "anchor": ("none", "bicubic"),
        }
        for name, allowed in choices.items():
            if getattr(self, name) not in allowed:
                raise ValueError(f"{name} = {getattr(self, name)!r}: one of {allowed}")
        if self.features < 16 or self.features % 16:
            raise ValueError(f"features = {self.features}: a multiple of 16")

    def as_dict(self) -> dict[str, Any]:
        """The configuration as plain values, for checkpoints and cards."""
        return asdict(self)


class ESRT(nn.Module):
    """LR (N, 3, H, W) float RGB 0..1 -> SR (N, 3, sH, sW), same range, not clamped.

    H and W are free, odd too, from `minimum` up. Receptive field: the whole picture (averages in
    the channel attentions, attention over bands of rows), so windows are approximate.
    Parameters of the authors' configuration: 677,783 (x2), 770,263 (x3), 751,767 (x4), twelve of
    them unused.
    Source: paper sec. 3; layer facts from the authors' code.
    Deviation: none with the default configuration. Where paper and code differ the code is
    followed: one transformer, not a series; the global branch starts at the head's features and
    ends in a ReLU, so it only adds light.

    With the bicubic anchor a new net is the anchor: the last convolution starts at zero, and the
    global branch is multiplied by a factor that starts at zero. Its own convolution must not: at
    zero the ReLU would pass no gradient, ever. The factor gets its gradient from the first step,
    the branch from the second, and a negative factor lets it take light away too.
    """

    def __init__(self, config: ESRTConfig) -> None:
        """Builds the layers of `config` under the authors' tensor names."""
        super().__init__()
        self.config = config
        c = config.features
        self.head = nn.Sequential(nn.Conv2d(3, c, 3, padding=1))
        self.body = nn.Sequential(Backbone(config))
        self.reduce = nn.Conv2d(c, c, 3, padding=1)
        last = BiasedConv(c, 3, 3, padding=1)
        self.tail = nn.Sequential(upsampler(c, config.scale), last)
        if config.global_path:
            self.up = nn.Sequential(upsampler(c, config.scale), ConvRelu(c, 3, 3))
        if config.anchor == "bicubic":
            self.anchor = BicubicAnchor(config.scale)
            nn.init.zeros_(last.weight)
            nn.init.zeros_(last.bias)
            if config.global_path:
                self.gate = Scale(0.0)
        self.attend = Attend()

    @property
    def attend(self) -> Attention:
        """How attention is computed. Assign another to change it; the result stays the same."""
        return self._attend

    @attend.setter
    def attend(self, attend: Attention) -> None:
        self._attend = attend
        for module in self.modules():
            if isinstance(module, SplitAttention):
                module.attend = attend

    @property
    def multiple(self) -> int:
        """H and W must be multiples of this."""
        return 1

    @property
    def minimum(self) -> int:
        """H and W must be at least this: halving needs 2 pixels, each segment one."""
        split = self.config.transformers and self.config.attention == "emha"
        return max(2, math.isqrt(self.config.segments - 1) + 1 if split else 1)

    @property
    def is_local(self) -> bool:
        """Whether windows can be exact: channel attention averages over the whole picture."""
        return False

    def forward(self, x: Tensor) -> Tensor:
        """One forward pass; see the class for shapes and ranges."""
        h = self.head(x)  # (N, C, H, W)
        y = self.tail(self.reduce(self.body(h)))  # (N, 3, sH, sW)
        if self.config.anchor == "none":
            return y + self.up(h) if self.config.global_path else y
        if self.config.global_path:
            y = self.gate.plus(self.up(h), y)
        return y + self.anchor(x)


class Backbone(nn.Module):
    """Three HPBs, fused, then the transformers: w1 * input + w2 * result. (N, C, H, W)."""

    def __init__(self, config: ESRTConfig) -> None:
        """Names follow the authors' files; a second transformer is `attention2`, `alise2`."""
        super().__init__()
        c = config.features
        parts = {"high_path": config.high_path, "arfb": config.arfb}
        self.encoder1 = HPB(c, **parts)
        self.encoder2 = HPB(c, **parts)
        self.encoder3 = HPB(c, **parts)
        self.reduce = nn.Conv2d(3 * c, c, 3, padding=1)
        original = config.attention == "original"
        self.numbers = ("", "2")[: config.transformers]
        for n in self.numbers:
            et = EfficientTransformer(c, config.segments, original=original)
            self.add_module(f"attention{n}", et)
            self.add_module(f"alise{n}", nn.Conv2d(c, c, 3, padding=1))
        self.weight1 = Scale()
        self.weight2 = Scale()

    def forward(self, h: Tensor) -> Tensor:
        """(N, C, H, W) -> the same."""
        f1 = self.encoder1(h)
        f2 = self.encoder2(f1)
        f3 = self.encoder3(f2)
        g = self.reduce(torch.cat([f1, f2, f3], dim=1))
        for n in self.numbers:
            g = getattr(self, f"alise{n}")(getattr(self, f"attention{n}")(g))
        return self.weight1.plus(h, self.weight2(g))
