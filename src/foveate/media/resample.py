"""Resampling with the Keys bicubic kernel (a = -0.5), antialiased when it shrinks.

Pixel centres are aligned: x_in = (x_out + 0.5) * in / out - 0.5. Beyond the edge the picture is
mirrored, the edge pixel repeated. Every output sample is the same sequence of additions however
the rows are handed in, so results do not depend on chunks.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import DTypeLike, NDArray

Samples = NDArray[np.uint8 | np.uint16 | np.float32]

_TOP = {np.dtype(np.uint8): 255.0, np.dtype(np.uint16): 65535.0}
_GATHER_SAMPLES = 1 << 16
_BLOCK_ROWS = 32


def imresize(pixels: NDArray[np.uint8], out_height: int, out_width: int) -> NDArray[np.uint8]:
    """Bicubic resizing that equals MATLAB's imresize on uint8 to the bit.

    Height first, then width; rounded half up and clipped to uint8 after each, in double.

    Args:
        pixels: (H, W) or (H, W, C) uint8, 0..255.
        out_height: rows of the result.
        out_width: columns of the result.

    Returns:
        (out_height, out_width[, C]) uint8.
    """
    tall = _resize_rows_u8(pixels, out_height)
    wide = _resize_rows_u8(tall.swapaxes(0, 1), out_width)
    return np.ascontiguousarray(wide.swapaxes(0, 1))


def _resize_rows_u8(pixels: NDArray[np.uint8], length: int) -> NDArray[np.uint8]:
    places, weights = taps(len(pixels), length)
    total = np.zeros((length, *pixels.shape[1:]))
    shape = (length, *[1] * (pixels.ndim - 1))
    for tap in range(places.shape[1]):
        total += pixels[places[:, tap]] * weights[:, tap].reshape(shape)
    return np.clip(np.floor(total + 0.5), 0, 255).astype(np.uint8)


def taps(length_in: int, length_out: int) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Which samples make each output sample, and with which weights.

    Args:
        length_in: samples there are.
        length_out: samples to make.

    Returns:
        (length_out, T) places 0..length_in-1 and (length_out, T) weights, each row of sum 1.

    Source: R. Keys, "Cubic convolution interpolation for digital image processing", 1981, eq. (15)
    with a = -1/2; widened by the ratio when shrinking, as imresize does.
    """
    scale = length_out / length_in
    stretch = min(scale, 1.0)
    reach = 2.0 / stretch
    centre = (np.arange(length_out) + 0.5) / scale - 0.5
    count = int(np.ceil(2 * reach)) + 2
    places = np.floor(centre - reach).astype(np.int64)[:, None] + np.arange(count)
    weights = _keys((centre[:, None] - places) * stretch)
    weights /= weights.sum(axis=1, keepdims=True)
    used = np.flatnonzero((weights != 0).any(axis=0))
    places, weights = places[:, used[0] : used[-1] + 1], weights[:, used[0] : used[-1] + 1]
    mirrored = places % (2 * length_in)
    return np.where(mirrored < length_in, mirrored, 2 * length_in - 1 - mirrored), weights


def _keys(distance: NDArray[np.float64]) -> NDArray[np.float64]:
    x = np.abs(distance)
    near = 1.5 * x**3 - 2.5 * x**2 + 1
    far = -0.5 * x**3 + 2.5 * x**2 - 4 * x + 2
    return np.where(x <= 1, near, np.where(x <= 2, far, 0.0))


class RowResampler:
    """Resamples rows as they come, holding only those that are still needed.

    Args:
        size_in: (height, width) of the picture.
        size_out: (height, width) wanted; any ratio, also different ones.
        bands: samples per pixel.
        dtype: of the rows to make: uint8 or uint16 (rounded half up, clipped) or float32 (neither).
            Samples keep their range: uint16 rows in make 0..65535 out.
    """

    def __init__(
        self,
        size_in: tuple[int, int],
        size_out: tuple[int, int],
        bands: int,
        dtype: DTypeLike = np.uint8,
    ) -> None:
        """Computes the weights."""
        self._bands, self._dtype = bands, np.dtype(dtype)
        self._height, self._width_out = size_in[0], size_out[1]
        self._columns = _Columns(size_in[1], size_out[1])
        places, weights = taps(size_in[0], size_out[0])
        self._places, self._weights = places, weights.astype(np.float32)
        # Rows are made in order, so one that needs a late row holds up those after it.
        self._last = np.maximum.accumulate(places.max(axis=1))
        # Mirrored places near the end look back: what is needed from output row y onwards.
        self._first = np.minimum.accumulate(places.min(axis=1)[::-1])[::-1]
        self._held: dict[int, NDArray[np.float32]] = {}
        self._seen = self._made = 0

    def feed(self, rows: Samples) -> Samples:
        """Takes the next rows and makes all that can be made.

        Args:
            rows: (n, W_in, bands) uint8, uint16 or float32; n may be 0.

        Returns:
            (m, W_out, bands) of the type chosen; m may be 0.
        """
        parts = [self._make_rows()]
        for top in range(0, len(rows), _BLOCK_ROWS):
            block = rows[top : top + _BLOCK_ROWS]
            wide = self._columns.resample(block)
            self._held.update({self._seen + index: row for index, row in enumerate(wide)})
            self._seen += len(block)
            parts.append(self._make_rows())
        made = [part for part in parts if len(part)] or parts[:1]
        return made[0] if len(made) == 1 else np.concatenate(made)

    def flush(self) -> Samples:
        """Ends the picture: the rows not yet handed out (none, when all rows were fed).

        Raises:
            ValueError: rows are missing.
        """
        if self._seen != self._height:
            raise ValueError(f"{self._seen} rows of {self._height} were fed")
        return self.feed(np.empty((0, 0, self._bands), np.float32))

    @property
    def rows_held(self) -> int:
        """Rows of width W_out now held, as float32."""
        return len(self._held)

    def _make_rows(self) -> Samples:
        """All rows that the held ones allow."""
        end = int(np.searchsorted(self._last, self._seen))
        made = np.empty((end - self._made, self._width_out * self._bands), self._dtype)
        work = np.empty((2, self._width_out * self._bands), np.float32)
        for row in made:
            self._make_row(row, work)
            self._made += 1
        self._forget()
        return made.reshape(len(made), self._width_out, self._bands)

    def _make_row(self, row: Samples, work: NDArray[np.float32]) -> None:
        total, product = work
        places, weights = self._places[self._made], self._weights[self._made]
        np.multiply(self._held[places[0]], weights[0], out=total)
        for place, weight in zip(places[1:], weights[1:], strict=True):
            if weight != 0:
                np.multiply(self._held[place], weight, out=product)
                np.add(total, product, out=total)
        if self._dtype == np.float32:
            row[...] = total
            return
        total += 0.5
        np.clip(total, 0, _TOP[self._dtype], out=total)
        row[...] = total  # the conversion cuts off, which rounds after adding a half

    def _forget(self) -> None:
        keep = self._first[self._made] if self._made < len(self._first) else self._height
        for index in [index for index in self._held if index < keep]:
            del self._held[index]


class _Columns:
    """Resamples the width of a block of rows.

    Columns become rows, so that each tap copies long runs: (W, n * bands).
    """

    def __init__(self, width_in: int, width_out: int) -> None:
        self._places, weights = taps(width_in, width_out)
        self._weights = weights.astype(np.float32)

    def resample(self, rows: Samples) -> NDArray[np.float32]:
        """(n, W_in, bands) of any type to (n, W_out * bands) float32."""
        count, width, bands = rows.shape
        columns = np.empty((width, count, bands), np.float32)
        columns[...] = rows.swapaxes(0, 1)
        flat = columns.reshape(width, count * bands)
        width_out, many = self._places.shape
        result = np.empty((count, width_out, bands), np.float32)
        step = max(1, _GATHER_SAMPLES // flat.shape[1])
        for left in range(0, width_out, step):
            places = self._places[left : left + step]
            weights = self._weights[left : left + step, :, None]
            total = flat[places[:, 0]]
            total *= weights[:, 0]
            for tap in range(1, many):
                part = flat[places[:, tap]]
                part *= weights[:, tap]
                total += part
            block = total.reshape(len(places), count, bands)
            result[:, left : left + step] = block.swapaxes(0, 1)
        return result.reshape(count, width_out * bands)
