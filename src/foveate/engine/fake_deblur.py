"""A deblurring engine for tests: blur is where red is bright, and restoring adds a checkerboard."""

from __future__ import annotations

import threading
from collections.abc import Callable

import numpy as np

from foveate.engine.deblur_session import WINDOW_PX, Mask, Restored, StageDecision
from foveate.engine.session import Float32
from foveate.models.card import Card

STRIPS = {"enter": 4}  # of every run
CONTRAST = 0.04  # of the checkerboard: it changes every sample of 8 bits, and no mean


class FakeDeblurSession:
    """Decides by the mean red of an attention window, behind the session protocol.

    Attributes:
        looks: how often `look` was called.
        runs: how often `run` was called.
        given_back: after how many looks `give_back` was called last.
        is_closed: whether `close` was called.
    """

    def __init__(self, card: Card, spoil: Callable[[Restored], Restored] | None = None) -> None:
        """`spoil` maps the right answer to the wrong one that is returned; it may also raise."""
        self.card, self.name = card, "fake 1"
        self.looks, self.runs, self.given_back, self.is_closed = 0, 0, 0, False
        self._spoil = spoil
        self._busy = threading.Lock()

    def look(self, area: Float32) -> Float32:
        """The redness of each attention window."""
        with self._turn(area, is_fixed=False):
            self.looks += 1
            return _redness(area, WINDOW_PX)

    def run(
        self,
        area: Float32,
        *,
        threshold: float = 0.5,
        mask: Mask | None = None,
        look: Float32 | None = None,  # noqa: ARG002 - it decides by the area itself
    ) -> Restored:
        """Red windows get a checkerboard; an outer stage, the last one, and a shifted one."""
        with self._turn(area):
            self.runs += 1
            stages = tuple(
                _stage(block, (size_px, shift_px), area, threshold, mask)
                for block, size_px, shift_px in (
                    ("encoder.blocks.0", 16, 0),
                    ("decoder.blocks.0", 8, 0),
                    ("decoder.blocks.1", 8, 4),
                )
            )
            even = np.indices(area.shape[2:]).sum(0) % 2
            pixels = area[0] + (even * 2 - 1).astype(np.float32) * np.float32(CONTRAST)
            keep, confidence = stages[1].keep, stages[1].confidence
            work = {stage.block: int(stage.keep.sum()) for stage in stages} | STRIPS
            restored = Restored(pixels, keep, confidence, stages, work)
            return self._spoil(restored) if self._spoil else restored

    def give_back(self) -> None:
        """Notes when."""
        self.given_back = self.looks

    def close(self) -> None:
        """Marks the session closed."""
        self.is_closed = True

    def _turn(self, area: Float32, *, is_fixed: bool = True) -> threading.Lock:
        """One caller at a time, with an area as the card has it."""
        side, shape = self.card.window.minimum, area.shape[2:]
        if self.is_closed:
            raise RuntimeError("the session is closed")
        if self._busy.locked():
            raise RuntimeError("two callers in one session")
        fits = shape == (side, side) if is_fixed else min(shape) >= side
        if area.dtype != "float32" or area.shape[:2] != (1, 3) or not fits:
            raise ValueError(f"not (1, 3, {side}, {side}) float32: {area.dtype} {area.shape}")
        if not area.flags.c_contiguous:
            raise ValueError("not C-contiguous")
        return self._busy


def _redness(area: Float32, size_px: int) -> Float32:
    high, wide = (side // size_px for side in area.shape[2:])
    red: Float32 = area[0, 0].reshape(high, size_px, wide, size_px).mean((1, 3))
    return red


def _stage(
    block: str, grid: tuple[int, int], area: Float32, threshold: float, mask: Mask | None
) -> StageDecision:
    size_px, shift_px = grid
    confidence = _redness(np.roll(area, (-shift_px, -shift_px), (2, 3)), size_px)
    keep: Mask = np.asarray(confidence > threshold)
    if mask is not None:
        side = len(keep)
        rolled = np.roll(mask, (-shift_px, -shift_px), (0, 1))
        keep = np.asarray(rolled.reshape(side, size_px, side, size_px).any((1, 3)))
    return StageDecision(block, size_px, shift_px, keep, confidence)
