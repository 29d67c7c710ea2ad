"""Blurred parts: whatever hangs together with a window beyond doubt, and nothing else."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from foveate.look.blurred_parts import blurred_parts

ODDS = arrays(
    np.float32,
    st.tuples(st.integers(1, 12), st.integers(1, 12)),
    elements=st.floats(0, 1, width=32),
)


def naive(probability, least, certain, count):
    """Each part by walking from one neighbour to another."""
    found, left = np.zeros(probability.shape, bool), probability > least
    while left.any():
        part, waiting = [], [tuple(np.argwhere(left)[0])]
        while waiting:
            y, x = waiting.pop()
            if 0 <= y < len(left) and 0 <= x < left.shape[1] and left[y, x]:
                left[y, x] = False
                part.append((y, x))
                waiting += [(y + dy, x + dx) for dy in (-1, 0, 1) for dx in (-1, 0, 1)]
        if sum(probability[at] > certain for at in part) >= count:
            for at in part:
                found[at] = True
    return found


@given(ODDS, st.floats(0, 1), st.floats(0, 1), st.integers(1, 6))
def test_it_is_what_walking_from_window_to_window_finds(probability, least, certain, count):
    found = blurred_parts(probability, least, certain, count)
    assert (found == naive(probability, least, certain, count)).all()


def test_a_winding_part_is_found_to_its_end():
    part = np.zeros((15, 15), np.float32)
    part[::2] = 0.4
    part[1::4, -1] = part[3::4, 0] = 0.4
    part[0, 0] = 0.95
    assert (blurred_parts(part, 0.3, 0.9) == (part > 0)).all()
    assert not blurred_parts(part, 0.3, 0.9, 2).any()
    part[0, 0] = 0.85
    assert not blurred_parts(part, 0.3, 0.9).any()


def test_without_a_certainty_every_window_counts_for_itself():
    probability = np.random.default_rng(0).random((9, 7), np.float32)
    assert (blurred_parts(probability, 0.5, 0.0) == (probability > 0.5)).all()
