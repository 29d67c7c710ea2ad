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
    first, kept = 0, None  # `kept` holds rows [first, first + len(kept))
    for index in range(grid.bands):
        area = grid.window(index, 0).area
        top, bottom = max(area.top - reach, 0), min(area.bottom + reach, grid.height)
        rows = _extended(kept, first, top, bottom, read_rows)
        following = max((index + 1) * grid.core_height - grid.halo - reach, 0)
        first, kept = following, rows[following - top :].copy()
        if prepare:
            rows = prepare.apply(rows)
        yield BandRows(area.top, rows[area.top - top : area.bottom - top])


def _extended(
    kept: Pixels | None, first: int, top: int, bottom: int, read_rows: ReadRows
) -> Pixels:
    old = kept[top - first :] if kept is not None else None
    missing = bottom - top - (len(old) if old is not None else 0)
    if missing <= 0 and old is not None:
        return old[: bottom - top]
    new = read_rows(missing)
    if len(new) != missing:
        raise ValueError(f"asked for {missing} rows, got {len(new)}")
    return new if old is None or not len(old) else np.concatenate((old, new))
