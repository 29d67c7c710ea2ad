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
# In light, a level of the samples near white is two. Restored photos were seen to move by 6: where
# an exposure is cut off at white, motion does not keep the mean of light.
LIMIT_LIGHT_LEVELS = 8.0
# Where black meets white everywhere, as in dithered scans, cutting off overshoot moves the mean by
# up to a fifth of the mean step between neighbours, in any sound enlargement.
LIMIT_OF_STEP = 0.3
GAMMA = 2.2  # near enough to any picture's to compare means of light


class BrightnessGuard:
    """Compares the mean of the rows written with the mean that bicubic enlargement would have.

    Bicubic enlargement is linear: its mean is a weighted mean of the input's samples, so nothing is
    enlarged for this. With alpha, colours count as much as they are seen: hidden ones may change.

    Args:
        size_in: (height, width) of the input.
        size_out: (height, width) of the output.
        white: the sample that means 1.0; an integer where light is compared.
        light: compares the means of linear light. Motion keeps that, and not the mean of samples,
            which are brighter where bright and dark were mixed: restored, they are darker again.
    """

    def __init__(
        self,
        size_in: tuple[int, int],
        size_out: tuple[int, int],
        white: float,
        *,
        light: bool = False,
    ) -> None:
        """Computes every input row's and column's share of the output."""
        self._rows, self._columns = (_shares(a, b) for a, b in zip(size_in, size_out, strict=True))
        self._white = white
        self._light = None
        if light:
            self._light = (np.linspace(0, 1, int(white) + 1) ** GAMMA * white).astype(np.float32)
        self._row = 0
        self._pixels_in, self._pixels_out = math.prod(size_in), math.prod(size_out)
        # By what is compared: the brightness that is seen, and alpha.
        self._expected, self._written, self._steps = np.zeros((3, 2))

    def read(self, rows: Pixels) -> None:
        """Adds the next rows of the input, (n, W, C)."""
        shares = self._rows[self._row : self._row + len(rows)]
        self._row += len(rows)
        for index, plane in enumerate(self._planes(rows)):
            self._expected[index] += shares @ (plane @ self._columns)
            for axis in (0, 1):
                self._steps[index] += np.abs(np.diff(plane, axis=axis)).sum() / 2

    def write(self, rows: Pixels) -> None:
        """Adds the next rows of the output."""
        for index, plane in enumerate(self._planes(rows)):
            self._written[index] += plane.sum(dtype=np.float64)

    def check(self, name: str, model: str) -> None:
        """Holds the means against each other.

        Raises:
            ModelError: they differ by more than the limit.
        """
        level = 255 / self._white
        differences = np.abs(self._written / self._pixels_out - self._expected) * level
        # Where alpha is uneven, so are the colours that are seen; the product of two smooth planes
        # is not the smooth product.
        steps = self._steps + np.array([self._steps[1], 0])
        least = LIMIT_LEVELS if self._light is None else LIMIT_LIGHT_LEVELS
        limits = np.maximum(least, LIMIT_OF_STEP * level * steps / self._pixels_in)
        limits += 255 / self._pixels_out**0.5  # a tiny picture is mostly edges
        for what, difference, limit in zip(
            ("brightness", "transparency"), differences, limits, strict=True
        ):
            if difference > limit:
                raise ModelError(
                    f"refused the result for {name}",
                    f"{model} changed the mean {what} by {difference:.1f} of 255 levels",
                    "try another --engine or --model, and report this",
                )

    def _planes(self, rows: Pixels) -> list[NDArray[np.float32]]:
        """The brightness that is seen, and alpha where there is one."""
        colours = 3 if rows.shape[2] >= 3 else 1
        grey = np.zeros(rows.shape[:2], np.float32)
        for band in range(colours):  # ten times as fast as a mean over the last axis
            grey += self._seen(rows[..., band])
        grey /= np.float32(colours)
        if rows.shape[2] == colours:
            return [grey]
        alpha = rows[..., -1].astype(np.float32)
        return [grey * (alpha / np.float32(self._white)), alpha]

    def _seen(self, plane: Pixels) -> Pixels:
        """Samples, with no copy of them, or the light they stand for, 0..white."""
        return plane if self._light is None else self._light[plane]


def _shares(length_in: int, length_out: int) -> NDArray[np.float64]:
    places, weights = taps(length_in, length_out)
    return np.bincount(places.ravel(), weights.ravel(), length_in) / length_out
