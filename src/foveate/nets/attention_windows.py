"""Attention windows as tensors: shift, split, join, edges; their labels; the padding they need.

An attention window is an M x M group of tokens; T = M * M. In an odd block the map is rolled by
-shift first, so the attention windows of the last row and column hold tokens of both ends.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F


def split_windows(x: Tensor, size: int, shift: int) -> Tensor:
    """(B, H, W, C) -> (B, H/M, W/M, T, C), rolled by -shift first, tokens row by row."""
    if shift:
        x = torch.roll(x, (-shift, -shift), (1, 2))
    b, height, width, c = x.shape
    x = x.reshape(b, height // size, size, width // size, size, c)
    return x.transpose(2, 3).reshape(b, height // size, width // size, size * size, c)


def join_windows(windows: Tensor, size: int, shift: int) -> Tensor:
    """(B, H/M, W/M, T, C) -> (B, H, W, C): undoes `split_windows`."""
    b, rows, columns, _, c = windows.shape
    x = windows.reshape(b, rows, columns, size, size, c).transpose(2, 3)
    x = x.reshape(b, rows * size, columns * size, c)
    return torch.roll(x, (shift, shift), (1, 2)) if shift else x


def window_tokens(kept: Tensor, size: int, shift: int) -> Tensor:
    """(B, H/M, W/M) bool -> (n, T) int64: places of the tokens of each kept attention window.

    A place counts tokens of (B, H, W) in order; attention windows come in the order of `kept`.
    """
    height, width = kept.shape[1] * size, kept.shape[2] * size
    image, row, column = kept.nonzero()[:, :, None].unbind(1)  # (n, 1) each
    along = torch.arange(size) + shift
    y, x = (row * size + along) % height, (column * size + along) % width  # (n, M)
    return ((image * height + y)[:, :, None] * width + x[:, None]).flatten(1)


def window_edges(rows: int, columns: int) -> Tensor:
    """(rows, columns) int64: 1 in the last row, 2 in the last column, 3 in the corner, else 0.

    It chooses among `shift_masks`: where a shifted attention window lies decides what it mixes.
    """
    edges = torch.zeros(rows, columns, dtype=torch.int64)
    edges[-1] += 1
    edges[:, -1] += 2
    return edges


def shift_masks(size: int) -> Tensor:
    """(4, T, T) float32: -100 where two tokens come from opposite ends of the map, else 0.

    Indexed by `window_edges`; one table serves every map size and batch. -100, not minus infinity:
    so the authors' code has it.
    """
    wrapped = torch.arange(size) >= size - size // 2
    row, column = (t.reshape(-1) for t in torch.meshgrid(wrapped, wrapped, indexing="ij"))
    rows, columns = row[:, None] != row, column[:, None] != column  # (T, T)
    return torch.stack([rows & False, rows, columns, rows | columns]).float() * -100


def relative_index(size: int) -> Tensor:
    """(T, T) int64: the row of the bias table for query token p and key token r.

    (yp - yr + M - 1) * (2M - 1) + (xp - xr + M - 1).
    """
    y, x = (
        t.reshape(-1) for t in torch.meshgrid(torch.arange(size), torch.arange(size), indexing="ij")
    )
    return (y[:, None] - y + size - 1) * (2 * size - 1) + (x[:, None] - x + size - 1)


def reflect_index(size: int) -> Tensor:
    """((M + 2)^2,) int64: the token at each place of an attention window padded by reflection."""
    along = torch.tensor([1, *range(size), size - 2])
    return (along[:, None] * size + along).reshape(-1)


def window_labels(mask: Tensor, size_px: int, shift_px: int, share: float = 0.0) -> Tensor:
    """(B, 1, H, W) blur mask -> (B, H/size_px, W/size_px): 1.0 for a blurred attention window.

    Args:
        mask: a pixel counts as blurred where it is above 0.
        size_px: side of the attention window in pixels of the picture: M times the stage's scale.
        shift_px: the block's shift in pixels; the mask is rolled by it, borders wrap around.
        share: blurred means that more than this share of its pixels is; 0: any pixel (ours, the
            authors' rule was not released).
    """
    if shift_px:
        mask = torch.roll(mask, (-shift_px, -shift_px), (2, 3))
    return (F.avg_pool2d((mask > 0).float(), size_px)[:, 0] > share).float()


def centred_padding(height: int, width: int, multiple: int) -> tuple[int, int, int, int]:
    """(padded height, padded width, top, left) of the zero padding the authors evaluate with."""
    tall, wide = -(-height // multiple) * multiple, -(-width // multiple) * multiple
    return tall, wide, (tall - height) // 2, (wide - width) // 2
