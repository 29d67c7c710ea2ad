"""Attention windows of channels-last maps as index tables: what is kept is gathered by them.

A map (H, W, C) is taken as rows of chunks, each half an attention window wide: a chunk is
contiguous, and since a shifted grid moves by half an attention window, both grids are made of whole
chunks. T = M * M tokens, row by row.
"""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray

from foveate.engine.deblur_session import Mask
from foveate.engine.session import Float32

Index = NDArray[np.intp]


@cache
def chunk_table(side: int, size: int, *, shifted: bool) -> Index:
    """The chunks of each attention window of a square map.

    Args:
        side: of the map, in tokens; a multiple of `size`.
        size: M, even.
        shifted: whether the grid begins M / 2 tokens further down and right; it goes round the
            border.

    Returns:
        ((side / M)^2, 2 M) positions among the side * 2 side / M chunks; windows row by row.
    """
    half = size // 2
    start = np.arange(0, side, size) + (half if shifted else 0)
    y = (start[:, None] + np.arange(size)) % side  # (rows, M)
    x = (start[:, None] // half + np.arange(2)) % (side // half)  # (columns, 2)
    table = y[:, None, :, None] * (side // half) + x[None, :, None, :]
    return table.reshape(len(start) ** 2, 2 * size)


@cache
def cell_table(side: int, size: int, *, shifted: bool) -> Index:
    """As `chunk_table`, for maps of one cell per M/2 x M/2 tokens: ((side / M)^2, 4)."""
    return chunk_table(2 * side // size, 2, shifted=shifted)


@cache
def edge_table(side: int, size: int) -> NDArray[np.int64]:
    """Which shift mask each attention window of the shifted grid needs.

    ((side / M)^2,): 1 in the last row, 2 in the last column, 3 in the corner, else 0.
    """
    last = np.arange(side // size) == side // size - 1
    edges: NDArray[np.int64] = last[:, None] + 2 * last.astype(np.int64)
    return edges.reshape(-1)


def blurred_windows(mask: Mask, size_px: int, shift_px: int) -> Mask:
    """Which attention windows hold a pixel of `mask`.

    Args:
        mask: (S, S) bool.
        size_px: side of an attention window in pixels.
        shift_px: where the grid begins; it goes round the border.

    Returns:
        (S / size_px, S / size_px) bool.
    """
    if shift_px:
        mask = np.roll(mask, (-shift_px, -shift_px), (0, 1))
    count = len(mask) // size_px
    blocks = mask.reshape(count, size_px, count, size_px)
    return np.asarray(blocks.any((1, 3)))


def largest_in_windows(cells: Float32, cell_px: int, size_px: int, shift_px: int) -> Float32:
    """The largest cell that each attention window touches.

    Args:
        cells: (S / cell_px, S / cell_px).
        cell_px: side of a cell in pixels.
        size_px: side of an attention window in pixels.
        shift_px: where the grid begins; it goes round the border.

    Returns:
        (S / size_px, S / size_px).
    """
    unit = min(cell_px, size_px, shift_px or size_px)
    fine = cells.repeat(cell_px // unit, 0).repeat(cell_px // unit, 1)
    fine = np.roll(fine, (-(shift_px // unit),) * 2, (0, 1))
    count, side = len(fine) * unit // size_px, size_px // unit
    largest: Float32 = fine.reshape(count, side, count, side).max((1, 3))
    return largest


def touched_windows(shifted: Mask) -> Mask:
    """Attention windows of the plain grid that a window of the shifted grid reaches; (R, C)."""
    below = shifted | np.roll(shifted, 1, 0)
    return below | np.roll(below, 1, 1)


def touched_rows(keep: Mask, size_px: int, shift_px: int) -> Mask:
    """(S,) bool: rows of pixels that a kept window of a grid (S/size_px, S/size_px) covers."""
    return np.roll(keep.any(1).repeat(size_px), shift_px)
