import math

import numpy as np
import pytest

from foveate.errors import UsageError
from foveate.metrics.protocol import luma_of
from foveate.metrics.psnr import psnr_rgb, psnr_y


def pictures(height=9, width=12, seed=1):
    rng = np.random.default_rng(seed)
    hr = rng.integers(0, 256, (height, width, 3), np.uint8)
    noise = rng.integers(-20, 21, hr.shape)
    return np.clip(hr + noise, 0, 255).astype(np.uint8), hr


def naive_luma(pixel):
    red, green, blue = (int(value) for value in pixel)
    return 16 + (65.481 * red + 128.553 * green + 24.966 * blue) / 255


def naive_psnr_y(sr, hr, border):
    height, width = hr.shape[:2]
    errors = [
        (naive_luma(sr[row, column]) - naive_luma(hr[row, column])) ** 2
        for row in range(border, height - border)
        for column in range(border, width - border)
    ]
    return 10 * math.log10(255**2 / (sum(errors) / len(errors)))


@pytest.mark.parametrize("border", [0, 1, 4])
def test_psnr_y_equals_the_formula_pixel_by_pixel(border):
    sr, hr = pictures()
    assert psnr_y(sr, hr, border_px=border) == pytest.approx(naive_psnr_y(sr, hr, border), abs=1e-9)


@pytest.mark.parametrize(
    ("rgb", "y"), [((0, 0, 0), 16), ((255, 255, 255), 235), ((255, 0, 0), 81.481)]
)
def test_luma_of_known_colours(rgb, y):
    assert luma_of(np.full((1, 1, 3), rgb, np.uint8))[0, 0] == pytest.approx(y, abs=1e-12)


def test_luma_is_not_rounded():
    y = luma_of(np.full((1, 1, 3), (1, 0, 0), np.uint8))[0, 0]
    assert y == pytest.approx(16 + 65.481 / 255, abs=1e-12)


@pytest.mark.parametrize("shape", [(9, 12), (9, 12, 1)])
def test_grey_is_taken_as_three_equal_bands(shape):
    grey_sr, grey_hr = (picture[..., 0] for picture in pictures())
    as_rgb = psnr_y(np.dstack([grey_sr] * 3), np.dstack([grey_hr] * 3), border_px=2)
    measured = psnr_y(grey_sr.reshape(shape), grey_hr.reshape(shape), border_px=2)
    assert measured == pytest.approx(as_rgb, abs=1e-9)


def test_a_grey_picture_compares_with_an_rgb_one():
    grey, _ = (picture[..., 0] for picture in pictures())
    assert psnr_y(grey, np.dstack([grey] * 3), border_px=0) > 200
    assert psnr_rgb(grey, np.dstack([grey] * 3), border_px=0) == math.inf


def test_psnr_rgb_counts_every_sample_alike():
    hr = np.zeros((4, 4, 3), np.uint8)
    sr = hr.copy()
    sr[..., 2] = 3
    assert psnr_rgb(sr, hr, border_px=1) == pytest.approx(10 * math.log10(255**2 / 3), abs=1e-12)


def test_equal_pictures_have_infinite_psnr():
    _, hr = pictures()
    assert psnr_y(hr, hr, border_px=1) == math.inf
    assert psnr_rgb(hr, hr, border_px=1) == math.inf


def test_dark_minus_bright_does_not_wrap():
    dark, bright = np.zeros((3, 3, 3), np.uint8), np.full((3, 3, 3), 255, np.uint8)
    assert psnr_rgb(dark, bright, border_px=0) == 0


@pytest.mark.parametrize(
    ("sr", "hr", "border"),
    [
        (np.zeros((4, 5, 3), np.uint8), np.zeros((5, 4, 3), np.uint8), 0),
        (np.zeros((4, 4, 3), np.uint8), np.zeros((4, 4, 3), np.uint8), 2),
        (np.zeros((4, 4, 3), np.uint8), np.zeros((4, 4, 3), np.uint8), -1),
        (np.zeros((4, 4, 3), np.uint16), np.zeros((4, 4, 3), np.uint16), 0),
        (np.zeros((4, 4, 4), np.uint8), np.zeros((4, 4, 4), np.uint8), 0),
    ],
    ids=["sizes differ", "nothing left", "negative border", "16 bit", "four bands"],
)
def test_what_cannot_be_compared_is_refused(sr, hr, border):
    with pytest.raises(UsageError, match="cannot compare pictures"):
        psnr_y(sr, hr, border_px=border)
