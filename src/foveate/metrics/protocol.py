"""What both metrics agree on before they measure: equal shapes, the border cut, and luma.

The protocol is the MATLAB one of the super-resolution papers: Y of BT.601 in studio range, in
floating point, from 8-bit RGB, with as many HR pixels cut from each side as the scale.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from foveate.colour import luma
from foveate.errors import UsageError

ImageU8 = NDArray[np.uint8]

BANDS = ((), (1,), (3,))


def luma_of(pixels: ImageU8) -> NDArray[np.float64]:
    """BT.601 luma, not rounded, of RGB, or of grey taken as R = G = B.

    Args:
        pixels: (H, W, 3) uint8 RGB, or (H, W) or (H, W, 1) uint8 grey.

    Returns:
        (H, W) float64, 16..235.
    """
    height, width = pixels.shape[:2]
    return luma(np.broadcast_to(pixels.reshape(height, width, -1), (height, width, 3)))


def cut_border(
    sr: ImageU8, hr: ImageU8, border_px: int, *, least_px: int = 1
) -> tuple[ImageU8, ImageU8]:
    """Both pictures without `border_px` pixels on each side (views, not copies).

    Raises:
        UsageError: not 8-bit grey or RGB, sizes differ, or less than `least_px` a side is left.
    """
    for pixels in (sr, hr):
        if (
            pixels.dtype != np.uint8
            or pixels.ndim not in (2, 3)
            or pixels.shape[2:]
            not in (
                (),
                (1,),
                (3,),
            )
        ):
            raise UsageError(
                "cannot compare pictures",
                f"expected uint8 (H, W), (H, W, 1) or (H, W, 3), got {pixels.dtype} {pixels.shape}",
            )
    if sr.shape[:2] != hr.shape[:2]:
        raise UsageError("cannot compare pictures", f"sizes differ: {sr.shape} and {hr.shape}")
    height, width = hr.shape[:2]
    if border_px < 0 or min(height, width) - 2 * border_px < least_px:
        raise UsageError(
            "cannot compare pictures",
            f"a border of {border_px} px leaves too little of {width}x{height}",
            f"the pictures must keep {least_px} px a side",
        )
    inside = (slice(border_px, height - border_px), slice(border_px, width - border_px))
    return sr[inside], hr[inside]
