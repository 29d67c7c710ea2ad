"""Cuts a stream of LR rows into the rows that each band of windows needs."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from foveate.geometry import Grid

Pixels = NDArray[Any]
ReadRows = Callable[[int], Pixels]


@dataclass(frozen=True)
class Prepare:
    """A treatment of LR rows that must see `reach` pixels around a pixel, such as alpha bleeding.

    Attributes:
        apply: (H, W, C) -> the same shape and dtype; may change its argument.
        reach: rows above and below a pixel that its result depends on.
    """

    apply: Callable[[Pixels], Pixels]
    reach: int


@dataclass(frozen=True)
class BandRows:
    """The LR rows [top, top + len(pixels)) that one band's windows look at."""

    top: int
    pixels: Pixels


def read_bands(grid: Grid, read_rows: ReadRows, prepare: Prepare | None) -> Iterator[BandRows]:
    """Reads each row once, in order, and keeps it only while a band needs it.

    Args:
        grid: the picture's windows.
        read_rows: gives the next n rows, (n, W, C), all n of them.
        prepare: applied to each band, with as much context as it reaches.

    Yields:
        One `BandRows` per band; its pixels are the receiver's.
    """
    reach = prepare.reach if prepare else 0
    kept = None  # the last rows read, from `first` on
    first = 0
    for index in range(grid.bands):
        area = grid.window(index, 0).area
        top, bottom = max(area.top - reach, 0), min(area.bottom + reach, grid.height)
        rows = _extended(None if kept is None else kept[top - first :], bottom - top, read_rows)
        following = min(index + 1, grid.bands - 1)
        first = max(grid.window(following, 0).area.top - reach, 0)
        kept = rows[first - top :].copy()
        if prepare:
            rows = prepare.apply(rows)
        band = BandRows(area.top, rows[area.top - top : area.bottom - top])
        del rows  # the band is the receiver's alone: it may go before the next one is asked for
        yield band
        del band


def _extended(old: Pixels | None, count: int, read_rows: ReadRows) -> Pixels:
    """`old` and the rows that follow it, `count` in all."""
    missing = count - (0 if old is None else len(old))
    if old is not None and not missing:
        return old
    new = read_rows(missing)
    if len(new) != missing:
        raise ValueError(f"asked for {missing} rows, got {len(new)}")
    return new if old is None or not len(old) else np.concatenate((old, new))
