"""RGB to and from luma and chroma (ITU-R BT.601, studio range), in numpy."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

# ITU-R BT.601: studio range, for components 0..255. Rows: Y, Cb, Cr.
_MATRIX = np.array(
    [[65.481, 128.553, 24.966], [-37.797, -74.203, 112.0], [112.0, -93.786, -18.214]]
)
_OFFSET = np.array([16.0, 128.0, 128.0])


def luma(rgb: NDArray[np.uint8 | np.float32 | np.float64]) -> NDArray[np.float64]:
    """Luma of RGB, not rounded: Y = 16 + (65.481 R + 128.553 G + 24.966 B) / 255.

    Args:
        rgb: (..., 3) RGB, 0..255.

    Returns:
        (...) float64, 16..235.
    """
    return np.asarray(np.asarray(rgb, np.float64) @ (_MATRIX[0] / 255) + _OFFSET[0])


def rgb_to_ycbcr(rgb: NDArray[np.uint8 | np.float32 | np.float64]) -> NDArray[np.float64]:
    """RGB to Y, Cb, Cr, not rounded.

    Args:
        rgb: (..., 3) RGB, 0..255.

    Returns:
        (..., 3) float64; Y 16..235, Cb and Cr 16..240.
    """
    return np.asarray(np.asarray(rgb, np.float64) @ (_MATRIX.T / 255) + _OFFSET)


def ycbcr_to_rgb(ycbcr: NDArray[np.float32 | np.float64]) -> NDArray[np.float64]:
    """The inverse of rgb_to_ycbcr(), neither rounded nor clipped.

    Args:
        ycbcr: (..., 3) Y 16..235, Cb and Cr 16..240.

    Returns:
        (..., 3) float64 RGB, 0..255 for colours that exist.
    """
    centred = np.asarray(ycbcr, np.float64) - _OFFSET
    return np.asarray(centred @ (np.linalg.inv(_MATRIX).T * 255))
