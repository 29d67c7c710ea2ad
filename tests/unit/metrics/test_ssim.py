import math

import numpy as np
import pytest

from foveate.colour import luma
from foveate.errors import UsageError
from foveate.metrics.ssim import ssim_y

C1, C2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2


def pictures(height, width, seed=2):
    rng = np.random.default_rng(seed)
    hr = rng.integers(0, 256, (height, width, 3), np.uint8)
    return np.clip(hr + rng.integers(-30, 31, hr.shape), 0, 255).astype(np.uint8), hr


def naive_ssim_y(sr, hr, border):
    """The definition, one 11x11 neighbourhood at a time, with a two-dimensional Gaussian."""
    taps = [[math.exp(-(i * i + j * j) / 4.5) for i in range(-5, 6)] for j in range(-5, 6)]
    weights = np.array(taps) / np.sum(taps)
    height, width = hr.shape[:2]
    x = luma(sr)[border : height - border, border : width - border]
    y = luma(hr)[border : height - border, border : width - border]
    scores = []
    for row in range(x.shape[0] - 10):
        for column in range(x.shape[1] - 10):
            a, b = x[row : row + 11, column : column + 11], y[row : row + 11, column : column + 11]
            mean_a, mean_b = (weights * a).sum(), (weights * b).sum()
            variance_a = (weights * (a - mean_a) ** 2).sum()
            variance_b = (weights * (b - mean_b) ** 2).sum()
            covariance = (weights * (a - mean_a) * (b - mean_b)).sum()
            scores.append(
                (2 * mean_a * mean_b + C1)
                * (2 * covariance + C2)
                / ((mean_a**2 + mean_b**2 + C1) * (variance_a + variance_b + C2))
            )
    return sum(scores) / len(scores)


@pytest.mark.parametrize(
    ("height", "width", "border"), [(11, 11, 0), (17, 25, 2), (24, 15, 0), (19, 21, 4)]
)
def test_ssim_y_equals_the_definition_window_by_window(height, width, border):
    sr, hr = pictures(height, width)
    expected = naive_ssim_y(sr, hr, border)
    assert ssim_y(sr, hr, border_px=border) == pytest.approx(expected, abs=1e-9)


def test_equal_pictures_score_one():
    _, hr = pictures(20, 30)
    assert ssim_y(hr, hr, border_px=0) == pytest.approx(1, abs=1e-12)


def test_flat_pictures_score_by_their_means_alone():
    dark, bright = np.zeros((12, 12, 3), np.uint8), np.full((12, 12, 3), 255, np.uint8)
    expected = (2 * 16 * 235 + C1) / (16**2 + 235**2 + C1)
    assert ssim_y(dark, bright, border_px=0) == pytest.approx(expected, abs=1e-9)


def test_grey_is_taken_as_three_equal_bands():
    sr, hr = (picture[..., 0] for picture in pictures(15, 16))
    as_rgb = ssim_y(np.dstack([sr] * 3), np.dstack([hr] * 3), border_px=1)
    assert ssim_y(sr, hr, border_px=1) == pytest.approx(as_rgb, abs=1e-12)


def test_a_picture_smaller_than_the_gaussian_is_refused():
    sr, hr = pictures(14, 30)
    with pytest.raises(UsageError, match="11 px a side"):
        ssim_y(sr, hr, border_px=2)
