"""Samples to network values and back: the one place that divides, pads, rounds and clamps."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from foveate.engine.session import Float32
from foveate.errors import ModelError
from foveate.geometry import round_up
from foveate.run.scratch import Scratch

Pixels = NDArray[Any]
STRIP_ROWS = 32  # a strip of a window's SR rows stays in the core's own cache through all passes
_scratch = Scratch()


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
        (1, 3, H', W') float32 RGB, 0..1; grey as R = G = B. The thread's next call writes over it.
    """
    height, width, bands = area.shape
    padded = [max(round_up(side, multiple), minimum) for side in (height, width)]
    lr = _scratch.array("lr", (1, 3, *padded), np.float32)
    plane = _scratch.array("plane", (height, width), area.dtype)
    white = np.float32(white_of(area.dtype))
    for band in range(bands):
        inside = lr[0, band, :height, :width]
        # Samples side by side are converted and divided several at once.
        np.copyto(plane, area[:, :, band])
        np.copyto(inside, plane)
        if area.dtype == np.float32:
            np.clip(inside, 0, 1, out=inside)
        else:
            np.divide(inside, white, out=inside)
    lr[0, :bands, :height, width:] = lr[0, :bands, :height, width - 1 : width]
    lr[0, :bands, height:] = lr[0, :bands, height - 1 : height]
    lr[0, bands:] = lr[0, 0]
    return lr


def from_network(planes: Float32, out: Pixels) -> None:
    """Clamps, scales and rounds half up into `out`.

    Args:
        planes: (C, H, W) float32, about 0..1.
        out: (H, W, C) uint8, uint16 or float32, written.

    Raises:
        ModelError: a value is NaN or infinite.
    """
    white = np.float32(white_of(out.dtype))
    half = np.float32(0 if out.dtype == np.float32 else 0.5)
    # The planes are far from the core: read once, into a strip that all other passes work on.
    shape = (planes.shape[0], STRIP_ROWS, planes.shape[2])
    strip = _scratch.array("strip", shape, np.float32)
    is_finite = _scratch.array("is finite", shape, np.bool_)
    for top in range(0, planes.shape[1], STRIP_ROWS):
        rows = min(STRIP_ROWS, planes.shape[1] - top)
        with np.errstate(over="ignore"):
            values = np.multiply(planes[:, top : top + rows], white, out=strip[:, :rows])
        if not np.isfinite(values, out=is_finite[:, :rows]).all():
            raise ModelError(
                "the network's result is not a picture",
                "it holds NaN or infinite values",
                "try another --engine or model",
            )
        if half:
            np.add(values, half, out=values)
        np.clip(values, half, white + half, out=values)
        for band in range(planes.shape[0]):
            np.copyto(out[top : top + rows, :, band], values[band], casting="unsafe")
