"""The deblurring model that ships restores what moved in photos, and nothing else of them."""

import numpy as np
import pytest

import foveate
from foveate.bench.deblur_shares import draw_disc, move_along_rows
from foveate.media.reader import read_pixels
from foveate.metrics.psnr import psnr_weighted

PHOTOS = ("101087", "126007", "21077", "253027")
LENGTH_PX = 9


@pytest.fixture
def photos(shared):
    return [read_pixels(shared / f"data/test/BSD100/HR/{name}.png") for name in PHOTOS]


@pytest.mark.parametrize("told", [False, True])
def test_what_moved_gains_and_the_rest_keeps_its_bits(photos, told):
    gains = []
    for sharp in photos:
        moved = draw_disc(0.15, *sharp.shape[:2])
        blurry = move_along_rows(sharp, moved, LENGTH_PX)
        made = foveate.deblur(blurry, mask=moved if told else None)
        assert np.array_equal(made.pixels[~made.mask], blurry[~made.mask])
        assert not told or np.array_equal(made.mask, moved)
        before, after = (psnr_weighted(p, sharp, moved) for p in (blurry, made.pixels))
        gains.append(after - before)
        found, right = ((made.mask & moved).sum() / part.sum() for part in (moved, made.mask))
        print(f"{gains[-1]:.2f} dB, {found:.0%} of it restored, {right:.0%} of that is it")
    assert np.mean(gains) > 0.3
