"""Peak signal-to-noise ratio, on luma and on RGB."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from foveate.errors import UsageError
from foveate.metrics.protocol import ImageU8, cut_border, luma_of

PEAK = 255.0


def psnr_y(sr: ImageU8, hr: ImageU8, *, border_px: int) -> float:
    """Peak signal-to-noise ratio on luma, with peak 255 as the papers have it.

    Args:
        sr: (H, W, 3) uint8 RGB, 0..255, or (H, W) grey taken as R = G = B. Our output.
        hr: the reference, same height and width.
        border_px: HR pixels cut from each side first, by convention the scale.

    Returns:
        Decibels; math.inf when the luma of the cut pictures is equal.

    Raises:
        UsageError: sizes differ, not 8 bit, or the cut leaves nothing.
    """
    sr, hr = cut_border(sr, hr, border_px)
    return _decibels(luma_of(sr) - luma_of(hr))


def psnr_rgb(sr: ImageU8, hr: ImageU8, *, border_px: int) -> float:
    """Peak signal-to-noise ratio over all samples of R, G and B.

    Args:
        sr: (H, W, 3) uint8 RGB, 0..255, or (H, W) grey taken as R = G = B. Our output.
        hr: the reference, same height and width.
        border_px: HR pixels cut from each side first.

    Returns:
        Decibels; math.inf when the cut pictures are equal.

    Raises:
        UsageError: sizes differ, not 8 bit, or the cut leaves nothing.
    """
    sr, hr = (np.atleast_3d(pixels) for pixels in cut_border(sr, hr, border_px))
    return _decibels(np.subtract(sr, hr, dtype=np.float64))


def psnr_weighted(sr: ImageU8, hr: ImageU8, mask: NDArray[np.bool_]) -> float:
    """Peak signal-to-noise ratio over R, G and B of the pixels of a mask: PSNR_w.

    Args:
        sr: (H, W, 3) uint8 RGB, 0..255, or (H, W) grey. Our output.
        hr: the reference, same height and width.
        mask: (H, W) bool, the pixels that count.

    Returns:
        Decibels; math.inf when they are equal, NaN when the mask is empty.

    Raises:
        UsageError: sizes differ, or not 8 bit.

    Source: LMD-ViT's evaluation, in 8 bits.
    """
    sr, hr = (np.atleast_3d(pixels) for pixels in cut_border(sr, hr, 0))
    if mask.shape != sr.shape[:2]:
        raise UsageError(
            "cannot compare pictures", f"sizes differ: {sr.shape[:2]} and mask {mask.shape}"
        )
    if not mask.any():
        return math.nan
    return _decibels(np.subtract(sr[mask], hr[mask], dtype=np.float64))


def _decibels(difference: NDArray[np.float64]) -> float:
    """PSNR of a difference on the 0..255 scale."""
    flat = difference.ravel()
    error = float(np.dot(flat, flat)) / flat.size
    return math.inf if error == 0 else 10 * math.log10(PEAK**2 / error)
