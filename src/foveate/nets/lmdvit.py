"""LMD-ViT in PyTorch: a U-shape of window transformers that compute blurred windows only.

Tensors in, tensors out; no pixels, files or engines here.
Source: Li, Zhao, Zhou, Feng, Li, Loy, "Adaptive Window Pruning for Efficient Local Motion
Deblurring", ICLR 2024 (arXiv 2306.14268); every layer fact from the authors' released code.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from foveate.nets.attention_windows import window_labels
from foveate.nets.blur_look import BlurLook
from foveate.nets.lmdvit_config import SHIPPED, LMDViTConfig
from foveate.nets.predictors import decide_at, decide_by_chance, logit_of
from foveate.nets.window_stage import Stage

__all__ = ["SHIPPED", "Decision", "LMDViT", "LMDViTConfig", "Restored"]


class Decision(NamedTuple):
    """What one predictor said, and which attention windows were computed.

    Attributes:
        block: the deciding block, such as "decoderlayer_3.blocks.0".
        logits: (B, rows, columns, 2), class 0 keeps; on the block's shifted grid. Where the coarse
            look decides, they are its own.
        keep: (B, rows, columns) 0 or 1.
        size_px: side of an attention window in pixels of the picture.
        shift_px: the grid's shift in pixels: the window at row r begins at y = r size_px + shift_px
            and goes round the border.
    """

    block: str
    logits: Tensor
    keep: Tensor
    size_px: int
    shift_px: int


class Restored(NamedTuple):
    """What the net gives: the picture, its gate (B, 1, H, W) and the decisions in block order.

    And the logits of the coarse look, (B, H/8, W/8), where the net has one. Where the gate has the
    last word, its logits on the same grid and, unless a mask decided, what they kept: elsewhere
    `restored` is the blurry picture.
    """

    restored: Tensor
    gate: Tensor
    decisions: list[Decision]
    look: Tensor | None = None
    last: Tensor | None = None
    kept: Tensor | None = None


class LMDViT(nn.Module):
    """Blurry (B, 3, H, W) float RGB 0..1 -> restored, the same, not clamped.

    H and W must be multiples of `config.multiple`. With the paper's predictor the receptive field
    is the whole picture, whose mean its features hold.
    Parameters of the authors' configuration: 54,549,163. MACs per pixel: 149,857 and 1,271,316
    times the share of attention windows kept.
    Deviation: one picture of the batch may keep what another prunes, at inference too (the authors'
    code fails there); `window` never shrinks with the picture (nor does theirs at its size, 512).
    """

    def __init__(self, config: LMDViTConfig) -> None:
        """Builds the layers of `config` under the authors' tensor names."""
        super().__init__()
        self.config = config
        levels, features = config.levels, config.features
        self.input_proj = _named("proj", nn.Conv2d(3, config.width, 3, padding=1), nn.LeakyReLU())
        self.output_proj = _named("proj", nn.Conv2d(features[-1], 4, 3, padding=1))
        for i in range(levels):
            c = features[i]
            setattr(self, f"encoderlayer_{i}", Stage(config, i))
            k = config.down
            down = _named("conv", nn.Conv2d(c, 2 * c, k, stride=2, padding=k // 2 - 1))
            setattr(self, f"dowsample_{i}", down)  # the authors' spelling
        self.conv = Stage(config, levels)
        for i in range(levels):
            above, c = features[levels + i : levels + i + 2]
            up = _named("deconv", nn.ConvTranspose2d(above, c // 2, 2, stride=2))
            setattr(self, f"upsample_{i}", up)
            setattr(self, f"decoderlayer_{i}", Stage(config, levels + 1 + i))
        self.look = BlurLook(config.look) if config.look else None
        self.apply(_initialise)
        for name in ("weight", "bias"):  # starts as the identity
            nn.init.zeros_(self.output_proj.get_parameter(f"proj.0.{name}"))

    def forward(
        self,
        blurry: Tensor,
        *,
        mask: Tensor | None = None,
        doubtful: bool = False,
        threshold: float = 0.5,
        dense: bool | None = None,
        looked: Tensor | None = None,
    ) -> Restored:
        """One forward pass.

        Args:
            blurry: (B, 3, H, W) RGB 0..1.
            mask: (B, 1, H, W): decides in the predictors' place; attention windows that hold a
                pixel above 0 are kept. The predictors still speak, so that they can be taught.
            doubtful: with a mask, windows that the look alone would have computed are kept, too.
            threshold: least probability of blur, exclusive, for which a window is kept (times
                `config.entry`); in training the paper's hard Gumbel-softmax decides.
            dense: how blocks compute, see `run_block`; by default True in training only. False in
                training gives the decisions no gradient but that of the pruning loss.
            looked: (N, 3, H, W) more pictures, which the coarse look alone sees: it is trained on
                many at little cost. Their logits follow in `Restored.look`. `blurry` may then be
                empty, and nothing else is computed.
        """
        levels, decisions = self.config.levels, list[Decision]()
        dense = self.training if dense is None else dense
        look = None
        if self.look is not None:
            with torch.autocast("cpu", enabled=False):  # bf16 rounds away what blur is told by
                look = self.look(blurry if looked is None else torch.cat([blurry, looked]))
        if not len(blurry):
            return Restored(blurry, blurry[:, :1], [], look)

        def decide(logits: Tensor | None, size_px: int, shift_px: int) -> tuple[Tensor, Tensor]:
            if logits is None:
                assert self.look is not None  # noqa: S101 - the configuration saw to it
                assert look is not None  # noqa: S101 - as above
                logits = self.look.of_window(look[: len(blurry)], size_px, shift_px)
            told = decide_at(logits, threshold * self.config.entry)
            if mask is not None:
                kept = window_labels(mask, size_px, shift_px)
                return logits, torch.maximum(kept, told) if doubtful else kept
            return logits, decide_by_chance(logits) if self.training else told

        def run(name: str, x: Tensor) -> Tensor:
            x, decided = getattr(self, name)(x.permute(0, 2, 3, 1), decide, dense=dense)
            decisions.extend(Decision(f"{name}.blocks.{i}", *d) for i, d in enumerate(decided))
            return x.permute(0, 3, 1, 2)

        x, skips = self.input_proj(blurry), []
        for i in range(levels):
            x = run(f"encoderlayer_{i}", x)
            skips.append(x)
            x = getattr(self, f"dowsample_{i}")(x)
        x = run("conv", x)
        for i in range(levels):
            x = torch.cat([getattr(self, f"upsample_{i}")(x), skips.pop()], 1)
            x = run(f"decoderlayer_{i}", x)
        residual, gate = self.output_proj(x).split((3, 1), 1)
        share = gate.sigmoid().clamp(min=self.config.gate_floor)
        result = Restored(blurry + residual * share, share, decisions, look)
        if self.config.entry == 1:
            return result
        last = F.avg_pool2d(gate, BlurLook.cell_px)[:, 0]
        result = result._replace(last=last if self.training else last - self.config.doubt)
        return (
            result
            if self.training or mask is not None
            else self._decided(result, blurry, threshold)
        )

    def _decided(self, result: Restored, blurry: Tensor, threshold: float) -> Restored:
        """The gate's last word: the network's pixels where look and gate both say blurred."""
        assert result.look is not None  # noqa: S101 - the configuration saw to it
        assert result.last is not None  # noqa: S101 - the caller saw to it
        entered = result.look[: len(blurry)] > logit_of(threshold * self.config.entry)
        kept = entered & (result.last > logit_of(threshold))
        where = kept.repeat_interleave(BlurLook.cell_px, 1).repeat_interleave(BlurLook.cell_px, 2)
        return result._replace(
            restored=torch.where(where[:, None], result.restored, blurry), kept=kept
        )


def _named(name: str, *layers: nn.Module) -> nn.Sequential:
    """Layers under a name of their own, as the authors' file has them: NAME.0, NAME.1, ..."""
    return nn.Sequential(OrderedDict({name: nn.Sequential(*layers)}))


def _initialise(module: nn.Module) -> None:
    """Linear weights from a truncated normal of 0.02, biases 0; the rest as PyTorch has it."""
    if isinstance(module, nn.Linear):
        nn.init.trunc_normal_(module.weight, std=0.02)
        nn.init.zeros_(module.bias)
