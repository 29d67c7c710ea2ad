"""Colour under full transparency, which viewers never show but scaling mixes into the edge."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Pixels = NDArray[np.uint8 | np.uint16]

# A pixel of the result depends on input pixels up to this far away, so a window needs this many
# more pixels around it. Colours farther from anything visible cannot reach a visible result.
REACH_PX = 24


def bleed(pixels: Pixels, *, reach_px: int = REACH_PX) -> Pixels:
    """Fills the colour of invisible pixels from the nearest visible edge.

    Step by step, each invisible pixel that touches a filled one (8 neighbours) takes the mean of
    its filled neighbours. After `reach_px` steps the rest keeps its colour. Integers only, so the
    result inside a window does not depend on how windows are cut, `reach_px` away from the cut.

    Args:
        pixels: (H, W, 2) grey and alpha or (H, W, 4) RGB and alpha; straight alpha, full range.
        reach_px: number of steps.

    Returns:
        The same shape and type; the input itself where there is nothing to fill. Alpha and all
        pixels with alpha above 0 are unchanged.
    """
    hidden = pixels[..., -1] == 0
    if not hidden.any() or hidden.all():
        return pixels
    height, width, bands = pixels.shape
    # A border that is neither filled nor to be filled saves every bounds check.
    padded = np.zeros((height + 2, width + 2, bands - 1), np.int32)
    padded[1:-1, 1:-1] = pixels[..., :-1]
    colours = padded.reshape(-1, bands - 1)
    filled = np.pad(~hidden, 1).reshape(-1)
    waiting = np.pad(hidden, 1).reshape(-1)
    row = width + 2
    around = np.array([-row - 1, -row, -row + 1, -1, 1, row - 1, row, row + 1])
    front = _first_front(filled.reshape(height + 2, row), waiting)
    for _ in range(reach_px):
        if not len(front):
            break
        _fill(front, colours, filled, around)
        waiting[front] = False
        reached = (front + around[:, None]).reshape(-1)
        front = np.unique(reached[waiting[reached]])
    result = pixels.copy()
    result[..., :-1] = padded[1:-1, 1:-1]
    return result


def _first_front(filled: NDArray[np.bool_], waiting: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Places of the waiting pixels that touch a filled one."""
    wide = filled.copy()
    wide[:, 1:] |= filled[:, :-1]
    wide[:, :-1] |= filled[:, 1:]
    tall = wide.copy()
    tall[1:] |= wide[:-1]
    tall[:-1] |= wide[1:]
    return np.flatnonzero(tall.reshape(-1) & waiting)


def _fill(
    front: NDArray[np.int64],
    colours: NDArray[np.int32],
    filled: NDArray[np.bool_],
    around: NDArray[np.int64],
) -> None:
    """Gives the pixels of the front the rounded mean of their filled neighbours."""
    sums = np.zeros((len(front), colours.shape[1]), np.int32)
    counts = np.zeros((len(front), 1), np.int32)
    for offset in around:
        there = filled[front + offset][:, None]
        sums += colours[front + offset] * there
        counts += there
    colours[front] = (sums + counts // 2) // counts
    filled[front] = True
