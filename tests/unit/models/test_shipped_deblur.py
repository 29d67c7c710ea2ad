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
        both = (made.mask & moved).sum()
        found, right = both / moved.sum(), both / max(made.mask.sum(), 1)
        print(f"{gains[-1]:.2f} dB, {found:.0%} of it restored, {right:.0%} of that is it")
    assert np.mean(gains) > 0.3


def blank_pictures():
    """Pictures in which nothing can be told blurred: there is nothing to see in them."""
    random = np.random.default_rng(0)
    sky = np.linspace(255, 150, 300)[:, None, None] * np.ones((300, 400, 3))
    page = np.full((400, 600, 3), 255.0)
    page[100:130, 100:300:4] = 0  # strokes
    for level in (0, 1, 128, 254, 255):
        yield f"all {level}", np.full((300, 400, 3), float(level))
    yield "white, larger than an area", np.full((600, 800, 3), 255.0)
    yield "a pixel", np.full((1, 1, 3), 7.0)
    yield "sky", sky
    yield "sky with noise", sky + random.normal(0, 2, sky.shape)
    yield "noise", 128 + random.uniform(-3, 3, sky.shape)
    yield "page", page


@pytest.mark.parametrize(("name", "picture"), list(blank_pictures()))
def test_a_picture_with_nothing_to_see_is_not_touched(name, picture):
    pixels = np.rint(picture).clip(0, 255).astype(np.uint8)
    made = foveate.deblur(pixels)
    assert not made.mask.any(), name
    assert np.array_equal(made.pixels, pixels)


def test_the_map_of_a_picture_blurred_all_over_shows_no_grid(shared):
    """Cut so that its cores lie elsewhere, it gets the same map where a border of cores was."""
    cut, core, cell = 192, 384, 8
    blurry = read_pixels(shared / "data/deblur_real/single/nafnet_demo_blurry.jpg")[:704, :960]
    whole, rest = (
        foveate.deblur(part, mask=np.ones(part.shape[:2], np.bool_)).blur_map
        for part in (blurry, np.ascontiguousarray(blurry[cut:, cut:]))
    )
    more = rest - whole[cut // cell :, cut // cell :]
    borders = [(core * i - cut) // cell for i in (1, 2)]
    across = [more[:, at - 1 : at + 1] for at in borders] + [more[borders[0] - 1 : borders[0] + 1]]
    means = [float(part.mean()) for part in across]
    print(means)  # 0.4 where windows in the halo are not computed
    assert max(map(abs, means)) < 0.02
