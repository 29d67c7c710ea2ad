"""Which attention windows are computed: by logits, by the look, or by a mask; and what that needs.

Where nobody but the look or a mask decides, all is known before the network runs. Rows of its maps
that no kept window reads are then not made: their values would reach nothing.
"""

from __future__ import annotations

import math
from collections.abc import Collection
from typing import NamedTuple

import numpy as np

from foveate.engine.deblur_session import WINDOW_PX, Mask, StageDecision
from foveate.engine.session import Float32
from foveate.engine.window_index import (
    blurred_windows,
    largest_in_windows,
    touched_rows,
    touched_windows,
)


class Decider:
    """Turns logits, or where there are none the look or the mask, into decisions; remembers them.

    Args:
        threshold: probability of blur from which on a window is kept.
        mask: (S, S) bool: decides in place of all others; None: none is given.
        look: (S/8, S/8) probabilities, where the net has a look and it is asked.
        entry: share of the threshold that the look's probability must exceed.
    """

    def __init__(
        self, threshold: float, mask: Mask | None, look: Float32 | None, entry: float
    ) -> None:
        """Nothing decided yet."""
        self._threshold, self._mask, self._look = threshold * entry, mask, look
        self._entry = entry
        self.decisions: list[StageDecision] = []

    def decide(self, block: str, logit: Float32 | None, size_px: int, shift_px: int) -> Mask:
        """What a deciding block keeps."""
        keep, confidence = self.decided(logit, size_px, shift_px)
        self.decisions.append(StageDecision(block, size_px, shift_px, keep, confidence))
        return keep

    def decided(self, logit: Float32 | None, size_px: int, shift_px: int) -> tuple[Mask, Float32]:
        """What a grid of windows keeps, and its confidence."""
        if self._mask is not None and logit is None and self._look is None:
            keep = blurred_windows(self._mask, size_px, shift_px)
            return keep, keep.astype(np.float32)
        if logit is not None:
            confidence = probability(logit)
            keep = logit > np.float32(math.log(self._threshold / (1 - self._threshold)))
        else:
            assert self._look is not None  # noqa: S101 - the session saw to it
            confidence = largest_in_windows(self._look, WINDOW_PX, size_px, shift_px)
            keep = confidence > self._threshold
        if self._mask is not None:
            keep = blurred_windows(self._mask, size_px, shift_px)
        return keep, confidence

    def at_full_resolution(self, stage: str, size_px: int) -> tuple[Mask, Float32]:
        """What the last stage computed, on the plain grid, and its confidence there.

        Where it has no blocks, or the gate decides afterwards, what the look or the mask says.
        """
        decided = [d for d in self.decisions if d.block.startswith(stage) and self._entry == 1]
        if not decided:
            return self.decided(None, size_px, 0)
        plain, *shifted = decided
        keep = plain.keep.copy()
        for decision in shifted:
            keep |= touched_windows(decision.keep)
        return keep, plain.confidence


class WantedRows(NamedTuple):
    """Rows of pixels, (S,) bool, under which a map must be made, by level.

    Attributes:
        encoder: of the maps on the way down, the coarsest one included.
        decoder: of those on the way up.
    """

    encoder: list[Mask]
    decoder: list[Mask]


def wanted_rows(
    decider: Decider, blocks: Collection[str], levels: int, size: int, left: Mask
) -> WantedRows:
    """What must be made for windows whose decisions are known beforehand.

    Halving and doubling are by 2 x 2: a token depends on those under it alone.

    Args:
        decider: with a look or a mask, for a net without predictors.
        blocks: names of all blocks.
        levels: of halving.
        size: side of an attention window in tokens.
        left: (S,) rows that the exit reads.
    """

    def kept(stage: str, level: int) -> Mask:
        rows = np.zeros_like(left)
        size_px = size << level
        for i, shift_px in enumerate((0, size_px // 2)):
            if f"{stage}.blocks.{i}" in blocks:
                rows |= touched_rows(decider.decided(None, size_px, shift_px)[0], size_px, shift_px)
        return rows

    decoder, below = [], left
    for level in range(levels):
        below = below | kept(f"decoderlayer_{levels - 1 - level}", level)
        decoder.append(below)
    above = below | kept("conv", levels)
    encoder = [above]
    for level in reversed(range(levels)):
        above = above | decoder[level] | kept(f"encoderlayer_{level}", level)
        encoder.append(above)
    return WantedRows(encoder[::-1], decoder)


def probability(logit: Float32) -> Float32:
    """The logistic function."""
    found: Float32 = 1 / (1 + np.exp(-logit.clip(-80, 80)))
    return found
