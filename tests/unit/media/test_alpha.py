import numpy as np
import pytest

from foveate.media.alpha import REACH_PX, bleed


def naive(pixels, reach):
    """Step by step over every pixel, as the rule is worded."""
    height, width = pixels.shape[:2]
    colour = pixels[..., :-1].astype(int)
    filled = pixels[..., -1] > 0
    for _ in range(reach):
        now, next_filled = colour.copy(), filled.copy()
        for y, x in np.argwhere(~filled):
            near = [
                (j, i)
                for j in range(max(y - 1, 0), min(y + 2, height))
                for i in range(max(x - 1, 0), min(x + 2, width))
                if filled[j, i]
            ]
            if near:
                total = sum(colour[j, i] for j, i in near)
                now[y, x] = (total + len(near) // 2) // len(near)
                next_filled[y, x] = True
        colour, filled = now, next_filled
    return np.concatenate([colour, pixels[..., -1:]], axis=2).astype(pixels.dtype)


def sparse(noise, height, width, bands, *, depth=8, visible=0.03):
    pixels = noise(height, width, bands, depth)
    hide = np.random.default_rng(5).random((height, width)) > visible
    pixels[..., -1] = np.where(hide, 0, np.maximum(pixels[..., -1], 1))
    return pixels


@pytest.mark.parametrize("bands", [2, 4])
@pytest.mark.parametrize("depth", [8, 16])
@pytest.mark.parametrize("reach", [1, 3, 16])
def test_fills_as_the_rule_says(noise, bands, depth, reach):
    pixels = sparse(noise, 23, 31, bands, depth=depth)
    assert np.array_equal(bleed(pixels, reach_px=reach), naive(pixels, reach))


def test_visible_pixels_and_alpha_are_untouched(noise):
    pixels = sparse(noise, 60, 50, 4)
    out = bleed(pixels)
    assert np.array_equal(out[..., 3], pixels[..., 3])
    visible = pixels[..., 3] > 0
    assert np.array_equal(out[visible], pixels[visible])


def test_the_input_is_not_changed(noise):
    pixels = sparse(noise, 30, 30, 4)
    before = pixels.copy()
    bleed(pixels)
    assert np.array_equal(pixels, before)


@pytest.mark.parametrize("alpha", [0, 255])
def test_nothing_to_fill_is_returned_as_it_is(noise, alpha):
    pixels = noise(9, 9, 4)
    pixels[..., 3] = alpha
    assert bleed(pixels) is pixels


@pytest.mark.parametrize("cut", [1, 17, 40, 63])
def test_windows_agree_with_the_whole_beyond_the_reach(noise, cut):
    pixels = sparse(noise, 96, 64, 4, visible=0.004)
    whole = bleed(pixels)
    top, bottom = max(cut - REACH_PX, 0), min(cut + 16 + REACH_PX, 96)
    window = bleed(pixels[top:bottom])
    assert np.array_equal(window[cut - top : cut - top + 16], whole[cut : cut + 16])


def test_a_black_hidden_background_takes_the_colour_of_the_edge():
    pixels = np.zeros((20, 20, 4), np.uint8)
    pixels[:, 10:] = (200, 100, 50, 255)
    assert (bleed(pixels)[:, :10, :3] == (200, 100, 50)).all()
