"""An output decoded again before it gets its name: right size, whole, and the same picture."""

from __future__ import annotations

import os
import zlib
from functools import partial

import numpy as np
from numpy.typing import NDArray

from foveate.errors import OutputError
from foveate.media.decode import LOADERS
from foveate.media.encoding import Encoding
from foveate.media.metadata import Metadata, lost_metadata
from foveate.media.vips import HeapTrimmer, pyvips, reason

# Lossy formats may move the mean of a band by this much, in levels of 255, at high quality.
_MEAN_TOLERANCE = 2.0
_TINY_PIXELS = 4096
_BLOCK_BYTES = 1 << 18


class RowStatistics:
    """The mean of each band and a checksum, kept while rows go by.

    Args:
        width: pixels per row.
        bands: samples per pixel.
        depth: 8 or 16.
    """

    def __init__(self, width: int, bands: int, depth: int) -> None:
        """Nothing seen yet."""
        self.width, self.bands, self.depth = width, bands, depth
        self.checksum, self._rows = 1, 0
        self._sums = np.zeros(width * bands, np.uint64)

    def add(self, rows: NDArray[np.uint8 | np.uint16]) -> None:
        """Takes (n, W, bands) rows, C-contiguous, n below 65,536."""
        self.checksum = zlib.adler32(rows.data, self.checksum)
        self._sums += rows.reshape(len(rows), -1).sum(axis=0, dtype=np.uint32)
        self._rows += len(rows)

    def means(self) -> NDArray[np.float64]:
        """(bands,) means, 0..255 whatever the depth."""
        sums = self._sums.reshape(self.width, self.bands).sum(axis=0)
        full = 257.0 if self.depth == 16 else 1.0
        means: NDArray[np.float64] = sums / (self.width * self._rows * full)
        return means


def verify(
    descriptor: int,
    name: str,
    encoding: Encoding,
    written: RowStatistics,
    metadata: Metadata,
    *,
    shape: tuple[int, int, int],
) -> list[str]:
    """Decodes the file behind `descriptor` and compares it with what was written.

    Args:
        descriptor: the finished file.
        name: for messages.
        encoding: how it is stored.
        written: statistics of the rows that were written.
        metadata: what was to be stored.
        shape: (height, width, bands) that were written.

    Returns:
        Notes on metadata that did not get into the file.

    Raises:
        OutputError: it cannot be decoded, or holds another picture.
    """
    try:
        image = getattr(pyvips.Image, LOADERS[encoding.format])(
            pyvips.Source.new_from_descriptor(descriptor), access="sequential", fail_on="error"
        )
        opaque = shape[2] in (2, 4) and bool(written.means()[-1] == 255)
        _check_shape(image, name, encoding, shape, alpha_is_opaque=opaque)
        lost = lost_metadata(image, metadata, encoding.format, partial(_read_at, descriptor))
        found = _read_statistics(image)
    except pyvips.Error as error:
        cause = f"it could not be read back: {reason(error) or 'damaged'}"
        raise OutputError(f"cannot write {name}", cause, "try again or another format") from error
    if encoding.is_lossless and found.bands == written.bands:
        if found.checksum != written.checksum:
            raise _differs(name, "its samples are not those that were written")
        return lost
    off = np.abs(_as_many_bands(written.means(), found.bands) - found.means()).max()
    if off > mean_tolerance(encoding, shape[0] * shape[1]):
        raise _differs(name, f"its mean is {off:.1f} of 255 levels off")
    return lost


def _read_at(descriptor: int, offset: int, size: int) -> bytes:
    return os.pread(descriptor, size, offset)


def mean_tolerance(encoding: Encoding, pixels: int) -> float:
    """By how much of 255 levels a sound lossy file may move the mean of a band.

    A flat picture is off by up to half a step of the coarsest quantiser (JPEG's, chroma turned
    into blue), which grows as quality falls; in a tiny one nothing averages it out.
    """
    quality = encoding.quality or 100
    percent = 5000 / quality if quality < 50 else 200 - 2 * quality
    tolerance = _MEAN_TOLERANCE + min(0.02 * percent, 30.0)
    return tolerance + (4.0 if pixels < _TINY_PIXELS else 0.0)


def _check_shape(
    image: pyvips.Image,
    name: str,
    encoding: Encoding,
    shape: tuple[int, int, int],
    *,
    alpha_is_opaque: bool,
) -> None:
    height, width, bands = shape
    stored = {bands}
    if encoding.format in ("webp", "avif"):
        # Grey is stored as RGB, and WebP leaves out alpha that is opaque everywhere.
        rgb = 3 + (bands in (2, 4))
        stored = {rgb, 3} if alpha_is_opaque else {rgb}
    if (image.height, image.width) != (height, width) or image.bands not in stored:
        found = f"{image.width} x {image.height} in {image.bands} bands"
        raise _differs(name, f"it reads back as {found}, not {width} x {height} in {bands}")


def _read_statistics(image: pyvips.Image) -> RowStatistics:
    depth = 16 if image.format == "ushort" else 8
    statistics = RowStatistics(image.width, image.bands, depth)
    region = pyvips.Region.new(image)
    row = image.width * image.bands * depth // 8
    step = max(8, min(1024, _BLOCK_BYTES // row // 8 * 8))
    heap = HeapTrimmer(row)
    for top in range(0, image.height, step):
        count = min(step, image.height - top)
        data: NDArray[np.uint8 | np.uint16] = np.frombuffer(
            region.fetch(0, top, image.width, count), np.uint16 if depth == 16 else np.uint8
        )
        statistics.add(data.reshape(count, image.width, image.bands))
        heap.rows_passed(count)
    return statistics


def _as_many_bands(means: NDArray[np.float64], bands: int) -> NDArray[np.float64]:
    """The means of grey repeated, and of opaque alpha left out, as WebP and AVIF store them."""
    if len(means) < 3 <= bands:
        means = np.concatenate([np.repeat(means[:1], 3), means[1:]])
    return means[:bands]


def _differs(name: str, cause: str) -> OutputError:
    return OutputError(f"cannot write {name}", f"verification failed: {cause}", "try again")
