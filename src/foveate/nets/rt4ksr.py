"""RT4KSR in PyTorch: the published network, its design ladder, and our additions.

Tensors in, tensors out; no pixels, files or engines here.
Source: Zamfir, Conde, Timofte, "Towards Real-Time 4K Image Super-Resolution", CVPRW 2023.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Literal

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from foveate.nets.blocks import (
    BicubicAnchor,
    ConvGelu,
    LayerNorm,
    NafBlock,
    RepBlock,
    RepConv,
    activation,
    gaussian_blur,
    pool_blur,
)

BodyName = Literal["rep", "conv", "naf", "naf_eca", "naf_shrink"]


@dataclass(frozen=True)
class RT4KSRConfig:
    """Every choice that makes one RT4KSR. The defaults are the authors' released graph.

    Attributes:
        scale: SR/LR size ratio, 2, 3 or 4.
        features: channels C of the deep features.
        blocks: number of body blocks.
        down: how deep features get small: "unshuffle" (paper), "pool" (a ladder step) or "none"
            (ladder step 1, and ours).
        body: the block: "rep" (paper: LayerNorm, RRB, GELU), or "conv", "naf", "naf_eca",
            "naf_shrink" (ladder steps).
        expand: RRB width over C; 0 trains a plain 3x3 convolution, which deploys at the same cost.
        norm: LayerNorm in the rep blocks and the tail.
        block_skip: adds each block's input to its output (an option of the authors' code).
        act: activation of the rep blocks.
        source: what the deep branch sees: "lr" (paper) or "hf", the picture less its blur (ours).
        body_skip: adds the head's output to the body's output (ours).
        act_ends: an activation after the head and after the tail too (ours). The paper has none,
            so head and first block, tail and upsampling are linear pairs.
        attention: "none" or "eca" inside the rep blocks (an option of the authors' code).
        hf: the high-frequency branch: "none", "gaussian" or "pool" (paper's two extractions).
        hf_body: what the HF branch holds: "rep" or "conv" (ladder).
        anchor: "none" (paper) or "bicubic": the resized input is added to the output (ours).
        output: "rgb" (paper) or "luma": one residual for all channels, needs the anchor (ours).
    """

    scale: int = 2
    features: int = 24
    blocks: int = 4
    down: Literal["unshuffle", "pool", "none"] = "unshuffle"
    body: BodyName = "rep"
    expand: int = 2
    norm: bool = True
    act: Literal["gelu", "relu", "leaky", "prelu"] = "gelu"
    source: Literal["lr", "hf"] = "lr"
    block_skip: bool = False
    body_skip: bool = False
    act_ends: bool = False
    attention: Literal["none", "eca"] = "none"
    hf: Literal["none", "gaussian", "pool"] = "none"
    hf_body: Literal["rep", "conv"] = "rep"
    anchor: Literal["none", "bicubic"] = "none"
    output: Literal["rgb", "luma"] = "rgb"

    def __post_init__(self) -> None:
        """Refuses combinations that mean nothing."""
        if self.output == "luma" and self.anchor == "none":
            raise ValueError(
                'output = "luma" adds one residual to an anchor: set anchor = "bicubic"'
            )

    def as_dict(self) -> dict[str, Any]:
        """The configuration as plain values, for checkpoints and cards."""
        return asdict(self)


class RT4KSR(nn.Module):
    """LR (N, 3, H, W) float RGB 0..1 -> SR (N, 3, sH, sW), same range, not clamped.

    H and W must be even when `down` is not "none". Receptive radius: `receptive_radius` LR pixels.
    Parameters of the authors' configuration: 152,233 (x2), 165,253 (x3), 183,481 (x4).
    Source: paper sec. 3; layer facts from the authors' code.
    Deviation: none with the default configuration. The authors compute the HF branch and drop it
    (gamma is 0 in their files); with hf="none" it is not computed, same output.
    """

    def __init__(self, config: RT4KSRConfig) -> None:
        """Builds the layers of `config` under the authors' tensor names."""
        super().__init__()
        self.config = config
        c = config.features
        self.stride = 1 if config.down == "none" else 2
        unshuffle = 2 if config.down == "unshuffle" else 1
        self.head = nn.Sequential(nn.Conv2d(3 * unshuffle**2, c, 3, padding=1))
        if config.hf != "none":
            self.gamma = nn.Parameter(torch.ones(1))
            self.hfb = nn.Sequential(
                RepConv(c, config.expand) if config.hf_body == "rep" else ConvGelu(c, act=False)
            )
        self.body = nn.Sequential(*[self._block(c) for _ in range(config.blocks)])
        rep = config.body == "rep"
        self.tail = (
            nn.Sequential(LayerNorm(c) if config.norm else nn.Identity(), RepConv(c, config.expand))
            if rep
            else nn.Sequential(ConvGelu(c, act=False))
        )
        self.act = activation(config.act, c) if config.act_ends else nn.Identity()
        colours = 3 if config.output == "rgb" else 1
        self.upsample = nn.Sequential(
            nn.Conv2d(c, colours * (config.scale * self.stride) ** 2, 3, padding=1),
            nn.PixelShuffle(config.scale * self.stride),
        )
        if config.anchor == "bicubic":
            self.anchor = BicubicAnchor(config.scale)
            # Starting at the anchor itself, the network learns only what is missing.
            for p in self.upsample.parameters():
                nn.init.zeros_(p)

    def _block(self, features: int) -> nn.Module:
        config = self.config
        if config.body == "rep":
            return RepBlock(
                features,
                config.expand,
                norm=config.norm,
                skip=config.block_skip,
                eca=config.attention == "eca",
                act=config.act,
            )
        if config.body == "conv":
            return ConvGelu(features)
        return NafBlock(features, eca=config.body != "naf", shrink=config.body == "naf_shrink")

    @property
    def multiple(self) -> int:
        """H and W must be multiples of this."""
        if self.config.body == "naf_shrink":
            return 2 * self.stride
        return max(self.stride, 2 if self.config.hf == "pool" else 1)

    @property
    def minimum(self) -> int:
        """H and W must be at least this: reflect padding by 2 needs 3 pixels."""
        return -(-3 // self.multiple) * self.multiple if self.config.hf == "gaussian" else 1

    @property
    def halo(self) -> int:
        """LR pixels around a core that make it exact, with origins on multiples of `stride`."""
        config = self.config
        reach = config.blocks + 3  # 3x3 convolutions: head, body, tail, upsample
        if config.body == "naf_shrink":
            reach += config.blocks * 2  # the convolution at half the resolution, and the halving
        return self.stride * reach + (2 if config.hf != "none" or config.source == "hf" else 0)

    @property
    def receptive_radius(self) -> int:
        """LR pixels one output pixel reaches to each side: one more inside a 2x2 cell."""
        return self.halo + self.stride - 1

    @property
    def is_local(self) -> bool:
        """Whether windows can be exact: no attention over the whole picture."""
        return self.config.attention == "none" and self.config.body in {"rep", "conv"}

    def _small(self, x: Tensor) -> Tensor:
        if self.config.down == "unshuffle":
            return F.pixel_unshuffle(x, 2)  # (N, 12, H/2, W/2)
        if self.config.down == "pool":
            return x  # pooled after the head: the head sees the full picture
        return x

    def _head(self, x: Tensor) -> Tensor:
        f = self.head(self._small(x))
        return F.avg_pool2d(f, 2) if self.config.down == "pool" else f  # (N, C, H/2, W/2)

    def forward(self, x: Tensor) -> Tensor:
        """One forward pass; see the class for shapes and ranges."""
        seen = x if self.config.source == "lr" else (x - gaussian_blur(x, "replicate")) * 4
        f = self.act(self._head(seen))
        body = self.body(f)
        if self.config.body_skip:
            body = body + f
        if self.config.hf != "none":
            blur = gaussian_blur(x) if self.config.hf == "gaussian" else pool_blur(x)
            body = self.gamma * body + F.gelu(self.hfb(self._head(x - blur)))
        y = self.upsample(self.act(self.tail(body)))  # (N, 3 or 1, sH, sW)
        return y + self.anchor(x) if self.config.anchor == "bicubic" else y
