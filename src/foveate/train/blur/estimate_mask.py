"""The mask of a real pair of which none was drawn: where the blurry picture is blurred."""

from __future__ import annotations

import itertools

import numpy as np
from numpy.typing import NDArray

from foveate.colour import luma

Pixels = NDArray[np.uint8]
Plane = NDArray[np.float32]
AROUND = 5  # px, odd: side of the square over which a difference is averaged
LEAST, MOST = 2.5, 6.0  # levels: bounds of the threshold
OVER_NOISE = 2.5


def estimate_mask(blurry: Pixels, sharp: Pixels) -> NDArray[np.bool_]:
    """Where the mean luma difference around a pixel stands out from the noise.

    Pairs of two exposures lie a pixel off and differ a little in brightness, so the difference is
    the least over shifts of -1, 0, 1 px, its median taken off. Noise is what differs in the
    quietest tenth of the picture; the threshold is bounded, as a picture that is blurred all over
    has no quiet tenth.

    Args:
        blurry: (H, W, 3) uint8 RGB.
        sharp: (H, W, 3), the same scene.

    Returns:
        (H, W) bool.
    """
    ours, other = luma(blurry).astype(np.float32), luma(sharp).astype(np.float32)
    ours -= np.median(ours - other)
    height, width = ours.shape
    wide = np.pad(other, 1, mode="edge")
    least = np.full(ours.shape, np.inf, np.float32)
    for y, x in itertools.product(range(3), range(3)):
        away = np.abs(ours - wide[y : y + height, x : x + width])
        np.minimum(least, _mean_around(away), out=least)
    noise = float(np.percentile(least, 10))
    return least > np.clip(OVER_NOISE * noise, LEAST, MOST)


def _mean_around(plane: Plane) -> Plane:
    """(H, W) means over AROUND x AROUND, edges repeated."""
    for axis in range(2):
        reach = [(0, 0), (0, 0)]
        reach[axis] = (AROUND // 2, AROUND // 2)
        wide = np.pad(plane, reach, mode="edge")
        length = plane.shape[axis]
        plane = sum(
            (wide.take(range(k, k + length), axis) for k in range(1, AROUND)),
            start=wide.take(range(length), axis),
        ) / np.float32(AROUND)
    return plane
