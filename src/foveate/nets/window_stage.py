"""A stage of LMD-ViT: blocks at one resolution, on the attention windows that are kept."""

from __future__ import annotations

from collections.abc import Callable

from torch import Tensor, nn

from foveate.nets.attention_windows import (
    join_windows,
    split_windows,
    window_edges,
    window_tokens,
)
from foveate.nets.lmdvit_config import LMDViTConfig, drop_paths
from foveate.nets.predictors import ConfidencePredictor, LightPredictor
from foveate.nets.window_block import WindowBlock

PREDICTORS = {"paper": ConfidencePredictor, "light": LightPredictor}

# (logits or None, size_px, shift_px) -> logits, keep
Decide = Callable[[Tensor | None, int, int], tuple[Tensor, Tensor]]


class Stage(nn.Module):
    """Blocks at one resolution, every second one shifted; (B, H, W, C) -> the same.

    Blocks 0 and 1 decide (AdaWPT-F), for the plain and for the shifted grid; later ones reuse the
    decision of their grid (AdaWPT-P). Nothing passes between stages.
    """

    def __init__(self, config: LMDViTConfig, index: int) -> None:
        """`index`: position in `config.depths`."""
        super().__init__()
        features, predictor = config.features[index], PREDICTORS.get(config.predictor)
        self.size = config.window
        self.scale: int = 2 ** (config.levels - abs(config.levels - index))
        self.blocks = nn.ModuleList(
            WindowBlock(
                features,
                config.heads[index],
                config.window,
                ratio=config.mlp_ratio,
                modulator=config.modulators and index > config.levels,
                drop_path=rate,
                score_predictor=predictor(features) if predictor and i < 2 else None,
            )
            for i, rate in enumerate(drop_paths(config)[index])
        )

    def forward(
        self, x: Tensor, decide: Decide, *, dense: bool
    ) -> tuple[Tensor, list[tuple[Tensor, Tensor, int, int]]]:
        """The blocks in turn, and (logits, keep, size_px, shift_px) of each that decided."""
        decided = []
        for i, block in enumerate(self.blocks):
            shift = self.size // 2 * (i % 2)
            if i < 2:
                logits, where = None, (self.size * self.scale, shift * self.scale)
                if isinstance(predictor := block.score_predictor, nn.Module):
                    logits = predictor(split_windows(x, self.size, shift))
                decided.append((*decide(logits, *where), *where))
            x = run_block(block, x, decided[i % 2][1], self.size, shift, dense=dense)
        return x, decided


def run_block(
    block: nn.Module, x: Tensor, keep: Tensor, size: int, shift: int, *, dense: bool
) -> Tensor:
    """One block on the attention windows that are kept: (B, H, W, C) -> the same.

    Args:
        block: a `WindowBlock`, the mathematics.
        x: the block's input.
        keep: (B, H/M, W/M) 0 or 1, on the shifted grid.
        size: M.
        shift: 0 or M // 2.
        dense: True computes all and lets the pruned ones pass unchanged (the paper's training);
            False gathers the kept ones, computes them and scatters them back (the paper's window
            compound): the same values for the cost of what is kept. With nothing kept, x itself.
    """
    kept = keep > 0.5  # the hard Gumbel-softmax is 1 but for rounding
    if dense:
        windows = split_windows(x, size, shift)  # (B, H/M, W/M, T, C)
        edges = window_edges(*keep.shape[1:]).expand_as(keep).flatten() if shift else None
        y = block(windows.flatten(0, 2), edges, keep.flatten().to(x.dtype))
        return join_windows(y.reshape(windows.shape), size, shift)
    if not kept.any():
        return x
    tokens = x.reshape(-1, x.shape[3])  # no other copy of the map than the result: 10 % of a step
    at = window_tokens(kept, size, shift)
    edges = window_edges(*keep.shape[1:]).expand_as(keep)[kept] if shift else None
    y = block(tokens.index_select(0, at.flatten()).reshape(*at.shape, -1), edges)
    return tokens.index_copy(0, at.flatten(), y.flatten(0, 1).to(x.dtype)).reshape(x.shape)
