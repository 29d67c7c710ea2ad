"""Windows in which nothing is to be seen."""

import numpy as np
import pytest

from foveate.look.flat_windows import FLAT_LEVELS, flat_windows


def area(grey):
    return np.broadcast_to(np.asarray(grey, np.float32) / 255, (1, 3, *np.shape(grey))).copy()


def test_what_is_even_or_nearly_so_is_flat():
    random = np.random.default_rng(0)
    assert flat_windows(area(np.full((16, 24), 200))).all()
    assert flat_windows(area(np.full((16, 24), 200))).shape == (2, 3)
    assert flat_windows(area(128 + random.uniform(-3, 3, (64, 64)))).all()
    assert flat_windows(area(np.linspace(0, 35, 64)[:, None] * np.ones(64))).all()


@pytest.mark.parametrize(("y", "x"), [(0, 0), (0, 4), (4, 0), (4, 4)])
def test_a_quarter_that_stands_out_is_seen_in_its_own_window_alone(y, x):
    levels = np.full((24, 24), 100.0)
    levels[8 + y : 12 + y, 8 + x : 12 + x] += FLAT_LEVELS + 0.1
    seen = ~flat_windows(area(levels))
    assert (seen.sum(), seen[1, 1]) == (1, True)
    levels[levels > 100] = 100 + FLAT_LEVELS - 0.1
    assert flat_windows(area(levels)).all()


def test_each_colour_counts_a_third():
    coloured = area(np.full((8, 8), 100))
    coloured[0, 1, :4, :4] += 3 * (FLAT_LEVELS + 0.1) / 255
    assert not flat_windows(coloured).any()
    coloured[0, 2, :4, :4] -= 3 * (FLAT_LEVELS + 0.1) / 255
    assert flat_windows(coloured).all()
