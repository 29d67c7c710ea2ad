"""Samples to network values and back: the one place that divides, pads, rounds and clamps."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from foveate.engine.session import Float32
from foveate.errors import ModelError
from foveate.geometry import round_up

Pixels = NDArray[Any]
STRIP_ROWS = 32  # a strip of a window's SR rows stays in the core's own cache through all passes


def white_of(dtype: np.dtype[Any]) -> float:
    """The sample that means 1.0: 255, 65535, or 1.0 for float32."""
    return 1.0 if dtype == np.float32 else float(np.iinfo(dtype).max)


def to_network(area: Pixels, multiple: int, minimum: int = 1) -> Float32:
    """Turns a window's samples into what a session takes.

    Args:
        area: (H, W, 1 or 3) uint8, uint16 or float32 in 0..1; grey or RGB.
        multiple: the network's; the right and bottom edges are repeated up to it.
        minimum: the network's least height and width; the edges are repeated up to it, too.

    Returns:
        (1, 3, H', W') float32 RGB, 0..1; grey as R = G = B.
    """
    height, width, bands = area.shape
    padded = [max(round_up(side, multiple), minimum) for side in (height, width)]
    lr = np.empty((1, 3, *padded), np.float32)
    white = np.float32(white_of(area.dtype))
    for band in range(bands):
        inside = lr[0, band, :height, :width]
        np.divide(area[:, :, band], white, out=inside, dtype=np.float32)
        if area.dtype == np.float32:
            np.clip(inside, 0, 1, out=inside)
    lr[0, :bands, :height, width:] = lr[0, :bands, :height, width - 1 : width]
    lr[0, :bands, height:] = lr[0, :bands, height - 1 : height]
    lr[0, bands:] = lr[0, 0]
    return lr


def from_network(planes: Float32, out: Pixels) -> None:
    """Clamps, scales and rounds half up into `out`; `planes` is used up.

    Args:
        planes: (C, H, W) float32, about 0..1.
        out: (H, W, C) uint8, uint16 or float32, written.

    Raises:
        ModelError: a value is NaN or infinite.
    """
    white = np.float32(white_of(out.dtype))
    half = np.float32(0 if out.dtype == np.float32 else 0.5)
    for top in range(0, planes.shape[1], STRIP_ROWS):
        strip = planes[:, top : top + STRIP_ROWS]
        _refuse_nonfinite(strip)
        if half:
            np.multiply(strip, white, out=strip)
            np.add(strip, half, out=strip)
        np.clip(strip, half, white + half, out=strip)
        for band in range(planes.shape[0]):
            np.copyto(out[top : top + STRIP_ROWS, :, band], strip[band], casting="unsafe")


def _refuse_nonfinite(strip: Float32) -> None:
    with np.errstate(invalid="ignore", over="ignore"):
        total = strip.sum()  # NaN and infinity survive a sum, and it is one quick pass
    if not np.isfinite(total):
        raise ModelError(
            "the network's result is not a picture",
            "it holds NaN or infinite values",
            "try another --engine or model",
        )
