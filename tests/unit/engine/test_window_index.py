"""Index tables against rolling and splitting the map."""

import numpy as np
import pytest

from foveate.engine.window_index import (
    blurred_windows,
    cell_table,
    chunk_table,
    edge_table,
    touched_windows,
)


def split(pixels, size, shift):
    """(rows * columns, size * size, ...): the plain way."""
    pixels = np.roll(pixels, (-shift, -shift), (0, 1))
    rows = [pixels[y : y + size] for y in range(0, len(pixels), size)]
    return np.array(
        [
            row[:, x : x + size].reshape(size * size, *pixels.shape[2:])
            for row in rows
            for x in range(0, len(pixels), size)
        ]
    )


@pytest.mark.parametrize("shifted", [False, True])
@pytest.mark.parametrize(("side", "size"), [(8, 8), (16, 8), (40, 8), (12, 4), (6, 2)])
def test_tables_pick_what_rolling_and_splitting_gives(side, size, shifted):
    pixels = np.arange(side * side * 3).reshape(side, side, 3)
    shift = size // 2 if shifted else 0
    table = chunk_table(side, size, shifted=shifted)
    found = pixels.reshape(-1, size // 2 * 3)[table].reshape(-1, size * size, 3)
    assert (found == split(pixels, size, shift)).all()
    cells = 2 * side // size
    means = np.arange(cells * cells).reshape(cells, cells)
    chosen = means.reshape(-1)[cell_table(side, size, shifted=shifted)]
    assert (chosen == split(means, 2, int(shifted))).all()


def test_edges_tell_the_last_row_and_column():
    assert edge_table(24, 8).tolist() == [0, 0, 2, 0, 0, 2, 1, 1, 3]


def test_shifted_windows_touch_four_plain_ones_round_the_border():
    shifted = np.zeros((3, 4), bool)
    shifted[2, 3] = True
    assert np.argwhere(touched_windows(shifted)).tolist() == [[0, 0], [0, 3], [2, 0], [2, 3]]


def test_one_pixel_makes_its_window_a_blurred_one():
    mask = np.zeros((16, 16), bool)
    mask[0, 15] = True
    assert np.argwhere(blurred_windows(mask, 8, 0)).tolist() == [[0, 1]]
    assert np.argwhere(blurred_windows(mask, 8, 4)).tolist() == [[1, 1]]
