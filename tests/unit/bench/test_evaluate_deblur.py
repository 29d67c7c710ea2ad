"""Scores and windows of the deblurring evaluation, against hand-worked cases."""

import math
from types import SimpleNamespace

import numpy as np
import pytest

from foveate.bench.evaluate_deblur import evaluate_deblur
from foveate.errors import InputError, UsageError
from foveate.metrics.psnr import psnr_rgb, psnr_weighted
from foveate.metrics.ssim import ssim_y
from pictures import write_picture
from strategies import noise

HEIGHT, WIDTH = 20, 28  # 3 x 4 windows, the last ones cut


@pytest.fixture
def pairs(tmp_path):
    """Two pairs: a blurred window and a half of one more; and nothing blurred."""
    masks = np.zeros((2, HEIGHT, WIDTH, 1), np.uint8)
    masks[0, 8:16, 4:16] = 255
    for kind in ("blur", "sharp", "mask"):
        (tmp_path / kind).mkdir()
    for i, mask in enumerate(masks):
        sharp = noise(HEIGHT, WIDTH, seed=i)
        write_picture(tmp_path / "sharp" / f"{i}.png", sharp)
        write_picture(tmp_path / "blur" / f"{i}.png", np.where(mask > 0, sharp // 2, sharp))
        write_picture(tmp_path / "mask" / f"{i}.png", mask)
    return tmp_path


def keeps(*windows):
    """A deblurring that adds 1 in these windows of the first picture, and in none of the next."""
    calls = iter([windows, ()])

    def deblur(blurry, _):
        mask = np.zeros(blurry.shape[:2], bool)
        for row, column in next(calls):
            mask[8 * row : 8 * row + 8, 8 * column : 8 * column + 8] = True
        pixels = np.where(mask[..., None], np.minimum(blurry, 254) + 1, blurry).astype(np.uint8)
        return SimpleNamespace(pixels=pixels, mask=mask)

    return deblur


@pytest.mark.parametrize(
    ("windows", "precision", "recall"),
    [
        (((1, 0), (1, 1)), 1, 1),
        (((1, 0), (2, 3), (0, 0), (0, 1)), 1 / 4, 1 / 2),
        ((), 1, 0),
    ],
)
def test_windows_are_counted_over_all_pictures(pairs, windows, precision, recall):
    restored, blurry = evaluate_deblur("m", keeps(*windows), pairs).rows
    assert restored.kept == len(windows) / 24
    assert (restored.precision, restored.recall) == pytest.approx((precision, recall))
    assert (blurry.kept, blurry.precision, blurry.recall) == (0, 1, 0)


def test_scores_are_means_per_picture_and_the_masks_pixels_alone(pairs):
    sharp, blurry = noise(HEIGHT, WIDTH), noise(HEIGHT, WIDTH)
    blurry[8:16, 4:16] //= 2
    report = evaluate_deblur("m", keeps(), pairs, limit=1)
    names = [row.name for row in (*report.rows, *report.pictures)]
    assert names == ["m", "blurry", "0: m", "0: blurry"]
    row = report.rows[1]
    assert row.images == 1
    assert row.psnr == psnr_rgb(blurry, sharp, border_px=0)
    assert row.ssim == ssim_y(blurry, sharp, border_px=0)
    assert row.psnr_w == psnr_rgb(blurry[8:16, 4:16], sharp[8:16, 4:16], border_px=0)
    both = evaluate_deblur("m", keeps(), pairs).rows[1]
    assert both.psnr_w == row.psnr_w, "a picture without blur has no PSNR in its mask"


def test_psnr_of_an_empty_mask_is_nothing_and_of_equal_pixels_infinite():
    pixels, mask = noise(4, 5), np.zeros((4, 5), bool)
    assert math.isnan(psnr_weighted(pixels, pixels, mask))
    mask[0, 0] = True
    other = pixels.copy()
    other[1] ^= 255
    assert psnr_weighted(pixels, other, mask) == math.inf
    with pytest.raises(UsageError, match="sizes differ"):
        psnr_weighted(pixels, pixels, mask[:3])


def test_folders_that_hold_no_pairs_are_told(pairs):
    (pairs / "mask" / "1.png").unlink()
    with pytest.raises(InputError, match="1 has no sharp/ or no mask/"):
        evaluate_deblur("m", keeps(), pairs)
    write_picture(pairs / "mask" / "1.png", noise(HEIGHT, WIDTH + 1))
    with pytest.raises(InputError, match="does not belong to its pair"):
        evaluate_deblur("m", keeps(), pairs)
    with pytest.raises(UsageError, match="starts at 1"):
        evaluate_deblur("m", keeps(), pairs, limit=0)


def test_an_identical_picture_does_not_make_the_mean_infinite(pairs):
    report = evaluate_deblur("m", keeps(), pairs)
    assert report.pictures[3].psnr == 100
    assert report.rows[1].psnr == np.mean([report.pictures[1].psnr, 100])
