"""Blurred parts: whatever hangs together and gives evidence enough; or the whole picture."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from foveate.look.blurred_parts import (
    UNSEEN,
    all_show_blur,
    blurred_parts,
    is_blurred_everywhere,
    log_odds,
)

SHAPES = st.tuples(st.integers(1, 12), st.integers(1, 12))
ODDS = arrays(np.float32, SHAPES, elements=st.floats(0, 1, width=32))


def naive(probability, least, evidence, threshold, flat):
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
        odds = [max(log_odds(probability[at]) - log_odds(threshold), 0) for at in part]
        shown = sum(odd for odd, at in zip(odds, part, strict=True) if not flat[at])
        if shown > evidence * (sum(odd > 0 for odd in odds) + UNSEEN):
            for at in part:
                found[at] = True
    return found


@given(ODDS, st.floats(0, 1), st.floats(0.01, 3), st.floats(0.05, 0.95), st.integers(0, 99))
def test_it_is_what_walking_from_window_to_window_finds(
    probability, least, evidence, threshold, seed
):
    flat = np.random.default_rng(seed).random(probability.shape) < seed / 100
    found = blurred_parts(probability, least, evidence, threshold, flat)
    assert (found == naive(probability, least, evidence, threshold, flat)).all()


def test_where_nothing_is_to_be_seen_nothing_is_shown():
    part = np.full((40, 40), 0.9, np.float32)  # log-odds of 2.2
    nothing, all_of_it = np.zeros(part.shape, bool), np.ones(part.shape, bool)
    assert all_show_blur(part, 4.3, 0.5, nothing)
    assert not all_show_blur(part, 4.5, 0.5, nothing)
    assert not all_show_blur(part, 0.0, 0.5, all_of_it)
    assert blurred_parts(part, 0.3, 2, flat=nothing).all()
    assert not blurred_parts(part, 0.3, 0.01, flat=all_of_it).any()
    half = nothing.copy()
    half[:20] = True
    assert blurred_parts(part, 0.3, 1, flat=half).all(), "what is flat hangs together with the rest"
    assert not blurred_parts(part, 0.3, 1.2, flat=half).any(), "what is flat does not count"


def test_a_winding_part_is_found_to_its_end():
    part = np.zeros((15, 15), np.float32)
    part[::2] = 0.4
    part[1::4, -1] = part[3::4, 0] = 0.4
    part[0, 0] = 0.99
    evidence = float(log_odds(part[0, 0])) / (1 + UNSEEN)
    assert (blurred_parts(part, 0.3, 0.99 * evidence) == (part > 0)).all()
    assert not blurred_parts(part, 0.3, 1.01 * evidence).any()


def test_many_suspicions_are_worth_a_certainty_and_ignorance_is_worth_nothing():
    part = np.full((40, 40), 0.5, np.float32)
    assert not blurred_parts(part, 0.3, 0.1).any()
    part[3:5, 3:5] = 0.9  # log-odds of 2.2 each
    assert blurred_parts(part, 0.3, 8.7 / (4 + UNSEEN)).all()
    assert not blurred_parts(part, 0.3, 8.9 / (4 + UNSEEN)).any()
    part[3:13, 3:13] = 0.9
    assert blurred_parts(part, 0.3, 1.9).all()
    part[3:13, 3:13] = 0.51
    assert not blurred_parts(part, 0.3, 0.1).any()


def test_without_evidence_asked_for_every_window_counts_for_itself():
    probability = np.random.default_rng(0).random((9, 7), np.float32)
    assert (blurred_parts(probability, 0.5, 0.0) == (probability > 0.5)).all()


@pytest.mark.parametrize("threshold", [0.1, 0.5, 0.9])
def test_evidence_is_what_exceeds_the_threshold(threshold):
    """Odds shifted as the threshold's are: the same parts, the same pictures."""
    odds = np.random.default_rng(1).normal(0.5, 2, (30, 40))
    half = (1 / (1 + np.exp(-odds))).astype(np.float32)
    shifted = (1 / (1 + np.exp(-odds - log_odds(threshold)))).astype(np.float32)
    least = 1 / (1 + np.exp(1 - log_odds(threshold)))
    found = blurred_parts(half, 1 / (1 + np.exp(1)), 1.0)
    assert found.any()
    assert (blurred_parts(shifted, least, 1.0, threshold) == found).all()
    for asked in (-1.0, -0.6, -0.5):
        expected = is_blurred_everywhere(half, asked)
        assert is_blurred_everywhere(shifted, asked, threshold) == expected


@pytest.mark.parametrize("odds", [1.0, 16.0])
def test_what_moved_does_not_outvote_what_is_sharp(odds):
    """However certain the windows of half of a picture are, what counts is the other half."""
    probability = np.full((8, 8), 1 / (1 + np.exp(3)), np.float32)
    probability[4:] = 1 / (1 + np.exp(-odds))
    assert not is_blurred_everywhere(probability, -1.4)
    assert is_blurred_everywhere(probability, -1.6)


def test_certainty_is_finite():
    assert np.isfinite(log_odds(np.float32([0, 1]))).all()
    assert blurred_parts(np.ones((2, 2), np.float32), 0.3, 4.0).all()
