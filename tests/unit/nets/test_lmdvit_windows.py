"""Attention windows: each index, mask and label against the naive formula."""

import pytest

torch = pytest.importorskip("torch", reason="needs the extra 'train'")
pytestmark = pytest.mark.train

from foveate.nets.attention_windows import (
    join_windows,
    relative_index,
    shift_masks,
    split_windows,
    window_edges,
    window_labels,
)


@pytest.mark.parametrize("shift", [0, 2])
def test_windows_hold_the_shifted_map_row_by_row_and_join_to_it(shift):
    x = torch.arange(2 * 8 * 12 * 3).reshape(2, 8, 12, 3)
    windows = split_windows(x, 4, shift)
    assert windows.shape == (2, 2, 3, 16, 3)
    for b, row, column, y, z in ((0, 0, 0, 0, 1), (1, 1, 2, 3, 3), (1, 0, 1, 2, 0)):
        there = x[b, (4 * row + y + shift) % 8, (4 * column + z + shift) % 12]
        assert torch.equal(windows[b, row, column, 4 * y + z], there)
    assert torch.equal(join_windows(windows, 4, shift), x)


def test_relative_index_has_the_published_values():
    index = relative_index(8)
    pairs = ((0, 0), (0, 1), (1, 0), (0, 63), (63, 0))
    assert [int(index[pair]) for pair in pairs] == [112, 111, 113, 0, 224]
    assert int(index[9, 2]) == (1 - 0 + 7) * 15 + (1 - 2 + 7)


@pytest.mark.parametrize(("height", "width"), [(16, 24), (8, 8), (8, 16)])
def test_shift_masks_are_the_regions_of_the_whole_shifted_map(height, width):
    def region(place, size):
        return 0 if place < size - 8 else 1 if place < size - 4 else 2

    ids = torch.tensor(
        [[3 * region(y, height) + region(x, width) for x in range(width)] for y in range(height)]
    )
    windows = split_windows(ids[None, :, :, None], 8, 0)[0, ..., 0]  # (rows, columns, T)
    expected = (windows[..., :, None] != windows[..., None, :]).float() * -100
    assert torch.equal(shift_masks(8)[window_edges(height // 8, width // 8)], expected)


@pytest.mark.parametrize(("share", "shift"), [(0.0, 0), (0.0, 8), (0.25, 8)])
def test_a_window_is_labelled_by_its_pixels_across_the_border(share, shift):
    torch.manual_seed(0)
    mask = torch.zeros(2, 1, 32, 48)
    mask[0, 0, :12, 40:] = mask[0, 0, :12, :4] = 0.3
    mask[0, 0, 20, 3] = 1
    labels = window_labels(mask, 16, shift, share)
    for row in range(2):
        for column in range(3):
            ys = [(16 * row + shift + i) % 32 for i in range(16)]
            xs = [(16 * column + shift + i) % 48 for i in range(16)]
            blurred = (mask[0, 0][ys][:, xs] > 0).double().mean().item()
            assert labels[0, row, column] == (blurred > share), (row, column)
    assert not labels[1].any()
    assert labels[0].any()
    assert not labels[0].all()
