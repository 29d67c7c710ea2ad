"""Structural similarity on luma.

Source: Wang, Bovik, Sheikh, Simoncelli 2004, "Image quality assessment: from error visibility to
structural similarity", sec. III: 11x11 Gaussian of sigma 1.5, K1 = 0.01, K2 = 0.03.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from foveate.metrics.protocol import ImageU8, cut_border, luma_of

TAPS = 11
SIGMA = 1.5
C1 = (0.01 * 255) ** 2
C2 = (0.03 * 255) ** 2


def ssim_y(sr: ImageU8, hr: ImageU8, *, border_px: int) -> float:
    """Mean structural similarity on luma, where the 11x11 Gaussian lies inside the picture.

    Args:
        sr: (H, W, 3) uint8 RGB, 0..255, or (H, W) grey taken as R = G = B. Our output.
        hr: the reference, same height and width.
        border_px: HR pixels cut from each side first, by convention the scale.

    Returns:
        At most 1.0, which equal pictures reach.

    Raises:
        UsageError: sizes differ, not 8 bit, or the cut leaves less than 11 px a side.
    """
    sr, hr = cut_border(sr, hr, border_px, least_px=TAPS)
    x, y = luma_of(sr), luma_of(hr)
    mean_x, mean_y = _blur(x), _blur(y)
    means = mean_x * mean_y
    covariance = _blur(x * y) - means
    squares = mean_x**2 + mean_y**2
    # Only the sum of the two variances is needed, so the squares are blurred once.
    variances = _blur(x**2 + y**2) - squares
    score = (2 * means + C1) * (2 * covariance + C2)
    score /= (squares + C1) * (variances + C2)
    return float(score.mean())


def _gaussian() -> NDArray[np.float64]:
    """(11,) float64 weights that add up to 1."""
    offsets = np.arange(TAPS, dtype=np.float64) - TAPS // 2
    weights: NDArray[np.float64] = np.exp(-(offsets**2) / (2 * SIGMA**2))
    weights /= weights.sum()
    return weights


def _blur(plane: NDArray[np.float64]) -> NDArray[np.float64]:
    """(H, W) -> (H - 10, W - 10): the separable Gaussian, rows first, valid area only."""
    height, width = plane.shape
    weights = _gaussian()
    rows = _weighted_sum([plane[k : height - TAPS + 1 + k] for k in range(TAPS)], weights)
    return _weighted_sum([rows[:, k : width - TAPS + 1 + k] for k in range(TAPS)], weights)


def _weighted_sum(
    shifts: list[NDArray[np.float64]], weights: NDArray[np.float64]
) -> NDArray[np.float64]:
    """The sum of 11 shifted views; the weights are symmetric, so equal ones share a product."""
    middle = TAPS // 2
    total: NDArray[np.float64] = shifts[middle] * weights[middle]
    pair = np.empty_like(total)
    for k in range(middle):
        np.add(shifts[k], shifts[TAPS - 1 - k], out=pair)
        pair *= weights[k]
        total += pair
    return total
