"""Keeps what must stay plain plain: grey areas of colour pictures, and even alpha.

A network may tint grey or ripple a constant. Both rules look at the halo around a pixel and no
further, so they give the same on any grid.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from foveate.engine.session import Float32

Pixels = NDArray[Any]
Mask = NDArray[np.bool_]


def grey_mask(area: Pixels, radius: int) -> Mask | None:
    """Where every pixel within `radius` has R = G = B.

    Args:
        area: (H, W, 3) samples; its borders count as borders of the picture.
        radius: pixels to each side, a square.

    Returns:
        (H, W), or None when there is no such pixel.
    """
    # Every square of the picture holds a pixel of this lattice: most photos end here.
    step = radius + 1
    if not _is_grey(area[::step, ::step]).any():
        return None
    mask = all_within(_is_grey(area), radius)
    return mask if mask.any() else None


def even_mask(plane: Pixels, radius: int) -> Mask:
    """Where all samples within `radius` - 1 pixels are equal.

    Args:
        plane: (H, W) samples; its borders count as borders of the picture.
        radius: the reach of the rule, >= 1.

    Returns:
        (H, W).
    """
    as_before = np.ones(plane.shape, np.bool_)  # as the pixel to the left and the one above
    as_before[:, 1:] = plane[:, 1:] == plane[:, :-1]
    as_before[1:] &= plane[1:] == plane[:-1]
    return all_within(as_before, radius - 1)


def all_within(claims: Mask, radius: int) -> Mask:
    """Where `claims` (H, W) holds on the whole square of `radius` around a pixel."""
    return _all_along(_all_along(claims, radius).T, radius).T


def luma(planes: Float32) -> Float32:
    """BT.601 luma (H, W) of RGB (3, H, W), which it uses up; exactly G where R = G = B."""
    red, green, blue = planes
    for other, weight in ((red, 0.299), (blue, 0.114)):
        np.subtract(other, green, out=other)
        np.multiply(other, np.float32(weight), out=other)
    np.add(green, red, out=green)
    np.add(green, blue, out=green)
    return green  # type: ignore[no-any-return]  # a row of a float32 array


def _is_grey(area: Pixels) -> Mask:
    return (area[..., 0] == area[..., 1]) & (area[..., 1] == area[..., 2])  # type: ignore[no-any-return]  # comparing untyped arrays gives Any


def _all_along(claims: Mask, radius: int) -> Mask:
    length = claims.shape[1]
    breaks = np.zeros((claims.shape[0], length + 1), np.int32)
    np.cumsum(~claims, axis=1, out=breaks[:, 1:])
    at = np.arange(length)
    last, first = np.minimum(at + radius + 1, length), np.maximum(at - radius, 0)
    return breaks[:, last] == breaks[:, first]  # type: ignore[no-any-return]  # comparing untyped arrays gives Any
