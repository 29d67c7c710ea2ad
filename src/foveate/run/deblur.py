"""What deblurring does with one window: copy what is sharp, restore what is blurred.

An attention window of 8 x 8 pixels is decided by the area whose core holds it, by no other. So the
decisions of all bands are one map of the picture, and what is made of it has no seams.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from foveate.engine.deblur_session import (
    WINDOW_PX,
    DeblurSession,
    Mask,
    Restored,
    StageDecision,
)
from foveate.engine.session import Float32
from foveate.geometry import Rect, Window
from foveate.models.card import WindowFacts
from foveate.plan.plan import Plan
from foveate.run.board import Band
from foveate.run.looking import Blurred, cells_of, least_of, on_grid, prepared, unlike_card
from foveate.run.pixels import to_network
from foveate.run.rows import BandRows, Prepare
from foveate.run.window import finish_colours

Pixels = NDArray[Any]


@dataclass
class Decided:
    """One band: what went in, what the network made of it, and what was decided.

    Every window writes to parts of its own, so workers need no lock.

    Attributes:
        cores: where the band is in the picture.
        original: (n, W, C) the input's samples.
        mask: (n, W) where the caller wants it restored; None: where it is blurred.
        network: (n, W, 1 or 3) the network's samples; defined where `keep` is.
        keep: (n/8, W/8), rounded up: attention windows to take from the network.
        confidence: the same shape, 0..1: their probability of blur.
        ran: (windows of the band,) whether the network was run.
        stages: of each window that was run, by its place in the band: all its decisions.
        work: of each window that was run: how often each of the network's parts was computed.
    """

    cores: Rect
    original: Pixels
    mask: Mask | None
    network: Pixels
    keep: Mask
    confidence: Float32
    ran: Mask
    stages: dict[int, tuple[StageDecision, ...]] = field(default_factory=dict)
    work: dict[int, Mapping[str, int]] = field(default_factory=dict)


class Deblurring:
    """The treatment for `run_windows`.

    Args:
        plan: of the picture; the grid's `multiple` is one of WINDOW_PX.
        threshold: probability of blur, exclusive, from which on a window is restored.
        masked: whether rows carry a last band that is above 0 where the picture is to be restored.
        blurred: without a mask: where the picture is blurred, by `look_over`.
        look_only: never runs the network.
        prepare: applied to an area before the network sees it; the result is not affected where
            the input is copied.
    """

    def __init__(
        self,
        plan: Plan,
        *,
        threshold: float,
        masked: bool = False,
        blurred: Blurred | None = None,
        look_only: bool = False,
        prepare: Prepare | None = None,
    ) -> None:
        """Keeps the rules; bands carry all that changes."""
        self._plan, self._threshold, self._masked = plan, threshold, masked
        self._blurred, self._look_only, self._prepare = blurred, look_only, prepare

    def begin(self, cores: Rect, rows: BandRows) -> Decided:
        """Nothing decided yet."""
        original, mask = self._parted(rows.pixels[cores.top - rows.top :][: cores.height])
        colours = 3 if original.shape[2] >= 3 else 1
        shape = -(-cores.height // WINDOW_PX), -(-cores.width // WINDOW_PX)
        return Decided(
            cores=cores,
            original=original,
            mask=mask,
            # Pages that no window writes to are never made: a sharp band costs nothing here.
            network=np.empty((cores.height, cores.width, colours), original.dtype),
            keep=np.zeros(shape, np.bool_),
            confidence=np.zeros(shape, np.float32),
            ran=np.zeros(self._plan.grid.columns, np.bool_),
        )

    def compute(self, session: DeblurSession, band: Band[Decided], window: Window) -> None:
        """Restores the window where that is called for.

        Raises:
            ModelError: the session's result has the wrong shape, NaN or infinity.
        """
        area = Rect(
            window.area.left, window.area.top - band.top, window.area.width, window.area.height
        )
        pixels, mask = self._parted(band.rows[area.top : area.bottom, area.left : area.right])
        inside, place = window.core.within(window.area), on_grid(window.core, band.out.cores)
        column = window.core.left // self._plan.grid.core_width
        look = None
        if mask is None:
            assert self._blurred is not None  # noqa: S101 - there is no mask
            look = _look(self._blurred.probability, window, session.card.window.minimum)
            own = look[cells_of(inside)]
            band.out.confidence[place] = own
            if self._blurred.everywhere:
                mask = np.ones(pixels.shape[:2], np.bool_)
            wanted = mask is not None or (own > least_of(session.card, self._threshold)).any()
        else:
            wanted = mask[inside.top : inside.bottom, inside.left : inside.right].any()
        if self._look_only or not wanted:
            return
        pixels = prepared(pixels, self._prepare)[..., : band.out.network.shape[2]]
        lr = to_network(pixels, self._plan.grid.multiple, session.card.window.minimum)
        restored = _restored(session, lr, self._threshold, mask, look)
        keep = restored.keep[cells_of(inside)]
        band.out.confidence[place] = restored.confidence[cells_of(inside)]
        band.out.keep[place] = keep
        band.out.ran[column] = True
        band.out.stages[column] = restored.stages
        band.out.work[column] = restored.work
        if keep.any():
            planes = restored.pixels[:, inside.top : inside.bottom, inside.left : inside.right]
            out = band.out.network[:, window.core.left : window.core.right]
            finish_colours(planes, pixels, window, self._plan, out)

    def _parted(self, pixels: Pixels) -> tuple[Pixels, Mask | None]:
        return (pixels[..., :-1], pixels[..., -1] > 0) if self._masked else (pixels, None)


def _look(probability: Float32, window: Window, side: int) -> Float32:
    """The picture's probabilities in one area; its last ones go on beyond it, as pixels do."""
    known = probability[cells_of(window.area)]
    beyond = [(0, side // WINDOW_PX - size) for size in known.shape]
    return np.pad(known, beyond, mode="edge")


def _beyond(mask: Mask, window: WindowFacts) -> Mask:
    """An area's mask and a halo more beyond the picture: at its border it has neighbours, too."""
    sides = [min(side + window.halo, window.minimum) for side in mask.shape]
    beyond = [(0, side - own) for side, own in zip(sides, mask.shape, strict=True)]
    return np.pad(mask, beyond, mode="edge")


def _restored(
    session: DeblurSession, lr: Float32, threshold: float, mask: Mask | None, look: Float32 | None
) -> Restored:
    side, whole = lr.shape[2], None
    if mask is not None:
        mask = _beyond(mask, session.card.window)
        whole = np.zeros((side, side), np.bool_)
        whole[: mask.shape[0], : mask.shape[1]] = mask
    restored = session.run(lr, threshold=threshold, mask=whole, look=look)
    grid = (side // WINDOW_PX, side // WINDOW_PX)
    found = restored.pixels.shape, restored.keep.shape, restored.confidence.shape
    if found != ((3, side, side), grid, grid):
        raise unlike_card(session, f"gave {found}, expected {(3, side, side)} and {grid}")
    return restored
