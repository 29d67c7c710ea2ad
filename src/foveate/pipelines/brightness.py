"""The last guard against a wrong result: its brightness must be that of the input."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from foveate.errors import ModelError
from foveate.media.resample import taps

Pixels = NDArray[Any]
LIMIT_LEVELS = 2.0  # of 255, against the bicubic enlargement; photos were seen to move by 0.2
# Where black meets white everywhere, as in dithered scans, cutting off overshoot moves the mean by
# up to a fifth of the mean step between neighbours, in any sound enlargement.
LIMIT_OF_STEP = 0.3


class BrightnessGuard:
    """Compares the mean of the rows written with the mean that bicubic enlargement would have.

    Bicubic enlargement is linear: its mean is a weighted mean of the input's samples, so nothing is
    enlarged for this.

    Args:
        size_in: (height, width) of the input.
        size_out: (height, width) of the output.
        white: the sample that means 1.0.
    """

    def __init__(self, size_in: tuple[int, int], size_out: tuple[int, int], white: float) -> None:
        """Computes every input row's and column's share of the output."""
        self._rows, self._columns = (_shares(a, b) for a, b in zip(size_in, size_out, strict=True))
        self._white = white
        self._row = 0
        self._expected = self._written = self._steps = 0.0
        self._pixels_in, self._pixels_out = math.prod(size_in), math.prod(size_out)
        self._is_opaque = True

    def read(self, rows: Pixels) -> None:
        """Adds the next rows of the input, (n, W, C)."""
        shares = self._rows[self._row : self._row + len(rows)]
        self._row += len(rows)
        means = _grey(rows)
        self._expected += float(shares @ (means @ self._columns))
        for axis in (0, 1):
            self._steps += float(np.abs(np.diff(means, axis=axis)).sum()) / 2
        if rows.shape[2] in (2, 4):
            self._is_opaque &= bool(rows[..., -1].min() == self._white)

    def write(self, rows: Pixels) -> None:
        """Adds the next rows of the output."""
        colours = rows[..., :3] if rows.shape[2] >= 3 else rows[..., :1]
        self._written += float(colours.sum(dtype=np.float64)) / colours.shape[2]

    def check(self, name: str, model: str) -> None:
        """Holds the means against each other; not where alpha hides colours, which may change.

        Raises:
            ModelError: they differ by more than the limit.
        """
        level = 255 / self._white
        difference = abs(self._written / self._pixels_out - self._expected) * level
        limit = max(LIMIT_LEVELS, LIMIT_OF_STEP * level * self._steps / self._pixels_in)
        limit += 255 / self._pixels_out**0.5  # a tiny picture is mostly edges
        if self._is_opaque and difference > limit:
            raise ModelError(
                f"refused the result for {name}",
                f"{model} changed the mean brightness by {difference:.1f} of 255 levels",
                "try another --engine or --model, and report this",
            )


def _shares(length_in: int, length_out: int) -> NDArray[np.float64]:
    places, weights = taps(length_in, length_out)
    return np.bincount(places.ravel(), weights.ravel(), length_in) / length_out


def _grey(rows: Pixels) -> NDArray[np.float32]:
    colours = rows[..., :3] if rows.shape[2] >= 3 else rows[..., :1]
    means: NDArray[np.float32] = colours.mean(axis=2, dtype=np.float32)
    return means
