"""What may differ, by how much, and what may not, on random decisions."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from foveate.engine.deblur_session import WINDOW_PX
from foveate.geometry import Rect
from foveate.run.composite import FEATHER_PX, compose, feather
from foveate.run.deblur import Decided
from strategies import DTYPES, noise, sizes


def decided(pixels, network, keep, mask, heights):
    """The bands of a picture whose decisions are known."""
    bands, top = [], 0
    colours = 3 if pixels.shape[2] >= 3 else 1
    for height in heights:
        rows = slice(top, top + height)
        cells = slice(top // WINDOW_PX, -(-(top + height) // WINDOW_PX))
        bands.append(
            Decided(
                cores=Rect(0, top, pixels.shape[1], height),
                original=pixels[rows],
                mask=None if mask is None else mask[rows],
                network=network[rows, :, :colours],
                keep=keep[cells],
                confidence=keep[cells].astype(np.float32),
                ran=np.ones(1, bool),
            )
        )
        top += height
    return bands


def naive_depth(inside):
    """By the definition: the nearest pixel outside, in chessboard steps."""
    height, width = inside.shape
    outside = np.argwhere(~inside)
    depth = np.full((height, width), FEATHER_PX)
    for y, x in np.ndindex(height, width):
        if len(outside):
            depth[y, x] = min(FEATHER_PX, np.abs(outside - (y, x)).max(1).min())
    return depth


@given(sizes(40), sizes(40), st.integers(0, 99), st.sampled_from([0.5, 0.9, 0.99]))
def test_depth_is_the_distance_to_what_is_outside(width, height, seed, share):
    inside = np.random.default_rng(seed).random((height, width)) < share
    assert (feather(inside) == naive_depth(inside)).all()


@settings(max_examples=60)
@given(
    st.tuples(st.integers(1, 40), st.integers(1, 60), st.integers(0, 9)),
    st.tuples(st.sampled_from(DTYPES), st.integers(1, 4)),
    st.booleans(),
    st.sampled_from([0.1, 0.7, 1]),
)
def test_outside_nothing_changes_and_inside_it_is_between_input_and_network(
    size, samples, masked, strength
):
    (last, width, seed), (dtype, bands) = size, samples
    random = np.random.default_rng(seed)
    height = 32 + last
    pixels, network = (noise(height, width, bands, dtype, seed + i) for i in range(2))
    cells = -(-height // WINDOW_PX), -(-width // WINDOW_PX)
    keep = random.random(cells) < random.choice([0, 0.2, 0.8, 1])
    mask = random.random((height, width)) < 0.97 if masked else None
    before = pixels.copy()
    inside = keep.repeat(WINDOW_PX, 0).repeat(WINDOW_PX, 1)[:height, :width]
    if dtype == "float32":  # what no window wrote to may be anything
        network[~inside] = random.choice([np.nan, np.inf])
    parts = list(compose(decided(pixels, network, keep, mask, (16, 16, last)), strength))

    rows = np.concatenate([part.rows for part in parts])
    may = np.concatenate(
        [np.zeros(p.rows.shape[:2], bool) if p.mask is None else p.mask for p in parts]
    )
    assert (pixels == before).all()
    assert rows.dtype == pixels.dtype
    assert (rows[~may] == pixels[~may]).all()
    colours = 3 if bands >= 3 else 1
    assert (rows[..., colours:] == pixels[..., colours:]).all()

    inside = inside if mask is None else inside & mask
    depth = naive_depth(inside)  # of the whole picture at once: bands must not show
    if bands in (2, 4):
        depth[pixels[..., -1] == 0] = 0
    assert (may == (depth > 0)).all()
    weight = np.float64(strength) * depth[..., None] / FEATHER_PX
    weight = np.where(may[..., None], weight, 0)
    network = np.where(may[..., None], network, 0)[..., :colours]
    expected = pixels[..., :colours] * (1 - weight) + network * weight
    error = np.abs(rows[..., :colours] - expected)
    assert error.max() <= (1e-6 if dtype == "float32" else 0.51)
    if strength == 1:
        deep = depth == FEATHER_PX
        assert (rows[..., :colours][deep] == network[deep]).all()


@pytest.mark.parametrize("dtype", DTYPES)
def test_deep_inside_the_samples_are_the_networks(dtype):
    pixels, network = noise(48, 40, 3, dtype), noise(48, 40, 3, dtype, 1)
    keep = np.zeros((6, 5), bool)
    keep[1:5, 1:4] = True
    rows = np.concatenate(
        [part.rows for part in compose(decided(pixels, network, keep, None, (16, 16, 16)))]
    )
    deep = slice(8 + FEATHER_PX - 1, 40 - FEATHER_PX + 1), slice(8 + 5, 32 - 5)
    assert (rows[deep] == network[deep]).all()
    assert (rows[8, 8:32] != network[8, 8:32]).any()
