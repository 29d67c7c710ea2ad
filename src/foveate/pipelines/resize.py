"""Plain resizing of a picture's rows, alpha included: colours weigh as much as they are seen."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from foveate.media.resample import RowResampler

Pixels = NDArray[Any]


class PictureResampler:
    """RowResampler for pictures; straight alpha is multiplied in before and divided out after.

    Args:
        size_in: (height, width) of the rows that come.
        size_out: (height, width) wanted.
        bands: 1 grey, 2 grey and alpha, 3 RGB, 4 RGB and alpha.
        dtype: uint8 or uint16, of the rows in and out.
    """

    def __init__(
        self, size_in: tuple[int, int], size_out: tuple[int, int], bands: int, dtype: np.dtype[Any]
    ) -> None:
        """Computes the weights."""
        self._has_alpha = bands in (2, 4)
        self._white = np.float32(np.iinfo(dtype).max)
        self._dtype = dtype
        inner = np.dtype(np.float32) if self._has_alpha else dtype
        self._rows = RowResampler(size_in, size_out, bands, inner)

    def feed(self, rows: Pixels) -> Pixels:
        """Takes the next (n, W, bands) rows; gives all the rows that can be made by now."""
        if not self._has_alpha:
            return self._rows.feed(rows)
        seen = rows.astype(np.float32)
        seen[..., :-1] *= seen[..., -1:] / self._white
        return self._straight(self._rows.feed(seen))

    def _straight(self, seen: Pixels) -> Pixels:
        alpha = np.clip(seen[..., -1:], 0, self._white)
        share = alpha / self._white
        colours = np.zeros_like(seen[..., :-1])
        np.divide(seen[..., :-1], share, out=colours, where=share > 0)
        out = np.empty(seen.shape, self._dtype)
        out[..., :-1] = np.clip(colours, 0, self._white) + np.float32(0.5)
        out[..., -1:] = alpha + np.float32(0.5)
        return out
