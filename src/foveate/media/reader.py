"""Rows of a picture, upright, from top to bottom, in bounded memory."""

from __future__ import annotations

from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np
from numpy.typing import NDArray

from foveate.errors import InputError
from foveate.media.decode import damaged, open_decoder
from foveate.media.depth import widen_to_16
from foveate.media.picture import Picture, open_picture
from foveate.media.source import SourceFile
from foveate.media.vips import HeapTrimmer, collect_warnings, pyvips

Rows = NDArray[np.uint8 | np.uint16]
# Rows per call into libvips: what its own caches hold as one piece.
_FETCH_ROWS = 8


class RowReader:
    """Hands out the rows of one picture in order; a context manager.

    Args:
        picture: the facts by open_picture().

    Attributes:
        notes: what showed only while decoding, such as damage the decoder could mend.

    Raises:
        InputError: the file changed since it was opened, or is damaged.
    """

    def __init__(self, picture: Picture) -> None:
        """Opens the file again."""
        self.picture = picture
        self.notes: list[str] = []
        self._row = 0
        self._file = SourceFile(picture.source)
        try:
            self._source = self._open_source()
        except BaseException:
            self._file.close()
            raise

    def _open_source(self) -> _VipsRows | _ArrayRows:
        picture = self.picture
        if self._file.identity != picture.identity:
            cause = "the file changed while it was being read"
            raise InputError(f"cannot read {picture.name}", cause, "try again")
        if picture.format == "heic":
            from foveate.media.heic import decode_heic  # noqa: PLC0415 - an optional extra

            return _ArrayRows(decode_heic(self._file))
        decoded = open_decoder(self._file, picture.format)
        image = decoded.image.fliphor() if picture.orientation == 2 else decoded.image
        rows = _VipsRows(image, decoded.bits, picture.name, self.notes)
        if picture.orientation in (1, 2):
            return rows
        return _ArrayRows(upright(rows.read(0, image.height), picture.orientation))

    def read(self, rows: int) -> Rows:
        """The next `rows` rows.

        Returns:
            (n, W, bands) uint8 or uint16, full range, RGB order, C-contiguous; n is smaller
            than `rows` at the end, and 0 after it.

        Raises:
            InputError: the file is damaged or ends early.
        """
        count = min(rows, self.picture.height - self._row)
        block = self._source.read(self._row, count)
        self._row += count
        return block

    def close(self) -> None:
        """Closes the file; may be called twice."""
        self._source = _ArrayRows(np.empty((0, 0, 0), np.uint8))
        self._file.close()

    def __enter__(self) -> Self:
        """Returns itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Closes the file."""
        self.close()


def open_rows(picture: Picture) -> RowReader:
    """Begins to read the rows of a picture; see RowReader."""
    return RowReader(picture)


def read_pixels(source: Path | bytes, *, first_frame: bool = False) -> Rows:
    """A whole picture at once.

    Returns:
        (H, W, bands) uint8 or uint16, full range, upright.

    Raises:
        InputError: as open_picture() and RowReader.
    """
    picture = open_picture(source, first_frame=first_frame)
    with open_rows(picture) as reader:
        return reader.read(picture.height)


def upright(pixels: Rows, orientation: int) -> Rows:
    """Turns stored pixels as EXIF orientation 1..8 asks; a view, not a copy."""
    if orientation >= 5:
        pixels = pixels.transpose(1, 0, 2)
    # Which axes are mirrored after the transposition that 5..8 begin with.
    flip_rows, flip_columns = orientation in (3, 4, 7, 8), orientation in (2, 3, 6, 7)
    return pixels[:: -1 if flip_rows else 1, :: -1 if flip_columns else 1]


class _VipsRows:
    """Rows pulled through a libvips pipeline in the caller's thread."""

    def __init__(self, image: pyvips.Image, bits: int, name: str, notes: list[str]) -> None:
        self._image, self._bits, self._name, self._notes = image, bits, name, notes
        self._region = pyvips.Region.new(image)
        self._type = np.uint16 if image.format == "ushort" else np.uint8
        row_bytes = image.width * image.bands * np.dtype(self._type).itemsize
        self._heap = HeapTrimmer(row_bytes)

    def read(self, top: int, count: int) -> Rows:
        width, bands = self._image.width, self._image.bands
        block = np.empty((count, width, bands), self._type)
        step = _FETCH_ROWS
        warnings: list[str] = []
        try:
            with collect_warnings(warnings):
                for at in range(0, count, step):
                    part = block[at : at + step]
                    data = self._region.fetch(0, top + at, width, len(part))
                    part[...] = np.frombuffer(data, self._type).reshape(part.shape)
                    self._heap.rows_passed(len(part))
        except pyvips.Error as error:
            raise damaged(self._name, error, warnings) from error
        self._notes += [text for text in warnings if text not in self._notes]
        if block.dtype == np.uint16 and self._bits < 16:
            return widen_to_16(block, self._bits)
        return block


class _ArrayRows:
    """Rows of a picture that had to be decoded whole."""

    def __init__(self, pixels: Rows) -> None:
        self._pixels = pixels

    def read(self, top: int, count: int) -> Rows:
        return np.ascontiguousarray(self._pixels[top : top + count])
