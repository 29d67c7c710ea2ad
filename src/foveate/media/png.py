"""Plain 8-bit PNG files of our own making: masks, maps, synthetic pairs."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from foveate.media.encoding import Encoding
from foveate.media.metadata import Metadata
from foveate.media.writer import RowWriter, open_writer


def write_png(
    path: Path, strips: Iterable[NDArray[np.uint8]], height: int, *, overwrite: bool
) -> Path:
    """Writes strips (h, W, 1 to 4) uint8 of a picture from top to bottom; returns the path.

    Raises:
        OutputError: the place cannot be written, or holds a file and `overwrite` is not set.
    """
    with draw_png(path, strips, height, overwrite=overwrite) as writer:
        writer.commit()
    return path


def draw_png(
    path: Path, strips: Iterable[NDArray[np.uint8]], height: int, *, overwrite: bool
) -> RowWriter:
    """As `write_png`, but the file, completed, waits for commit(); close() drops it."""
    strips = iter(strips)
    first = next(strips)
    _, width, bands = first.shape
    writer = open_writer(
        path,
        Encoding("png", None, 8),
        width=width,
        height=height,
        bands=bands,
        depth=8,
        metadata=Metadata(),
        overwrite=overwrite,
    )
    try:
        writer.write(first)
        for strip in strips:
            writer.write(strip)
        writer.complete()
    except BaseException:
        writer.close()
        raise
    return writer
