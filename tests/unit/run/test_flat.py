import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from foveate.run.flat import all_within, even_mask, grey_mask, luma
from strategies import noise, sizes


@given(sizes(40), sizes(40), st.integers(0, 9), st.integers(0, 99))
def test_all_within_is_the_minimum_over_the_square(width, height, radius, seed):
    claims = np.random.default_rng(seed).random((height, width)) < 0.98
    naive = np.array(
        [
            [
                claims[
                    max(y - radius, 0) : y + radius + 1, max(x - radius, 0) : x + radius + 1
                ].all()
                for x in range(width)
            ]
            for y in range(height)
        ]
    )
    assert (all_within(claims, radius) == naive).all()


@given(sizes(60), sizes(60), st.integers(0, 9), st.integers(0, 9))
def test_the_quick_look_misses_no_grey_square(width, height, radius, seed):
    area = noise(height, width, seed=seed)
    rng = np.random.default_rng(seed)
    top, left = rng.integers(0, height), rng.integers(0, width)
    area[top : top + 25, left : left + 25] = 77
    expected = all_within((area == area[..., :1]).all(axis=2), radius)
    mask = grey_mask(area, radius)
    assert (expected == (False if mask is None else mask)).all()


@pytest.mark.parametrize("width", range(30, 60))
def test_the_quick_look_sees_a_grey_strip_at_the_far_edges(width):
    radius = 9
    area = np.arange(40 * width * 3).reshape(40, width, 3)  # nowhere grey
    area[:, width - radius - 1 :] = 7
    expected = np.zeros((40, width), bool)
    expected[:, width - 1] = True
    assert (grey_mask(area, radius) == expected).all()
    assert (grey_mask(area.transpose(1, 0, 2), radius) == expected.T).all()


def test_even_means_equal_all_around():
    plane = np.zeros((20, 20), np.uint8)
    plane[:, 10:] = 9
    even = even_mask(plane, 4)
    assert even[:, :7].all()
    assert not even[:, 7:13].any()
    assert even[:, 14:].all()


@pytest.mark.parametrize("value", [0.0, 1 / 3, 0.7, 1.0])
def test_luma_of_grey_is_that_grey_exactly(value):
    planes = np.full((3, 2, 2), value, np.float32)
    assert (luma(planes) == np.float32(value)).all()


def test_luma_weighs_as_bt601():
    colours = np.array([0.2, 0.5, 0.9], np.float32)
    assert luma(colours.reshape(3, 1, 1).copy()) == pytest.approx(colours @ [0.299, 0.587, 0.114])
