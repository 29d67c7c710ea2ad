"""Writes a picture row by row: encoded in its own thread, verified, then put in its place."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Self

import numpy as np
from numpy.typing import NDArray

from foveate.atomic import AtomicFile, output_error
from foveate.errors import OutputError, ResourceError
from foveate.media.depth import convert_depth
from foveate.media.encode import Encoder
from foveate.media.encoding import Encoding, check_limits
from foveate.media.feed import RowFeed
from foveate.media.fit import fit_metadata
from foveate.media.metadata import Metadata
from foveate.media.stream import StreamFile
from foveate.media.verify import RowStatistics, verify
from foveate.media.vips import HeapTrimmer, reason

Rows = NDArray[np.uint8 | np.uint16]

# Some encoders cannot be stopped; a cancelled one ends on its own, its file already removed.
_PATIENCE_S = 0.5


@dataclass(frozen=True)
class Written:
    """An output that is in its place and was verified.

    Attributes:
        name: where it is.
        bytes: its size.
        notes: what of the metadata could not be kept.
    """

    name: str
    bytes: int
    notes: tuple[str, ...]


class RowWriter:
    """Takes the rows of one picture in order; a context manager.

    Leaving the context without finish() or commit() leaves nothing behind. Arguments: see
    open_writer().
    """

    def __init__(
        self,
        *,
        place: AtomicFile | StreamFile,
        encoding: Encoding,
        metadata: Metadata,
        shape: tuple[int, int, int],
        depth: int,
        notes: tuple[str, ...],
    ) -> None:
        """Starts the encoder; `shape` is (height, width, bands)."""
        self._place, self._encoding, self._notes = place, encoding, notes
        self._shape, self._depth, self._metadata = shape, depth, metadata
        height, width, bands = shape
        fed_depth = 16 if encoding.depth > 8 else 8
        self._type = np.uint16 if fed_depth == 16 else np.uint8
        self._feed = RowFeed(width, height, bands, fed_depth)
        self._strip: Rows = np.empty((0, width, bands), self._type)
        self._filled = self._row = 0
        self._heap = HeapTrimmer(width * bands * fed_depth // 8)
        self._statistics = RowStatistics(width, bands, fed_depth)
        self._encoder = Encoder(self._feed, place.descriptor, encoding, metadata)

    def write(self, rows: Rows) -> None:
        """Takes the next rows; waits while the encoder is behind.

        Args:
            rows: (n, W, bands) uint8 or uint16 as `depth` says, RGB order, full range; may be
                changed afterwards.

        Raises:
            OutputError: the output could not be written.
            ValueError: the rows do not fit: wrong width, bands or type, or too many.
        """
        expected = np.uint16 if self._depth == 16 else np.uint8
        if rows.shape[1:] != self._shape[1:] or rows.dtype != expected:
            raise ValueError(f"rows of {rows.shape} {rows.dtype} do not fit {self._shape}")
        if self._row + len(rows) > self._shape[0]:
            raise ValueError(f"more rows than the {self._shape[0]} announced")
        while len(rows):
            taken = self._fill_strip(rows)
            rows = rows[taken:]

    def _fill_strip(self, rows: Rows) -> int:
        """Copies rows into the strip under way; hands it to the encoder when it is full."""
        if self._filled == 0:
            count = min(self._feed.strip_rows, self._shape[0] - self._row)
            self._strip = np.empty((count, *self._shape[1:]), self._type)
        taken = min(len(rows), len(self._strip) - self._filled)
        part = self._strip[self._filled : self._filled + taken]
        convert_depth(rows[:taken], part)
        self._filled += taken
        self._row += taken
        if self._filled == len(self._strip):
            self._filled = 0
            self._statistics.add(self._strip)
            self._heap.rows_passed(len(self._strip))
            if not self._feed.put(self._strip):
                self._raise_failure()
        return taken

    def finish(self) -> Written:
        """Completes the output and puts it in its place; raises as complete() and commit() do."""
        self.complete()
        return self.commit()

    def complete(self) -> None:
        """Waits for the encoder and verifies the output, which has no name yet.

        Raises:
            OutputError: it could not be written, or does not hold what was written.
            ValueError: rows are missing.
        """
        if self._row != self._shape[0]:
            raise ValueError(f"{self._row} rows of {self._shape[0]} were written")
        self._encoder.wait()
        if self._encoder.failure:
            self._raise_failure()
        name = str(self._place.path)
        lost = verify(
            self._place.descriptor,
            name,
            self._encoding,
            self._statistics,
            self._metadata,
            shape=self._shape,
        )
        self._notes = (*self._notes, *lost)

    def commit(self) -> Written:
        """Puts the completed output in its place.

        Raises:
            OutputError: the system will not.
        """
        size = os.fstat(self._place.descriptor).st_size
        self._place.commit()
        return Written(str(self._place.path), size, self._notes)

    def _raise_failure(self) -> None:
        self._encoder.wait()
        error, name = self._encoder.failure, self._place.path
        if isinstance(error, OSError):
            raise output_error(error, name) from error
        if isinstance(error, MemoryError):
            raise ResourceError(f"cannot write {name}", "not enough memory") from error
        cause = reason(error) if error else ""
        raise OutputError(f"cannot write {name}", cause or "the encoder failed") from error

    def __enter__(self) -> Self:
        """Returns itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Closes it."""
        self.close()

    def close(self) -> None:
        """Stops the encoder and removes the file, unless it was put in its place."""
        self._feed.close()
        self._encoder.wait(_PATIENCE_S)
        self._place.close()


def open_writer(
    destination: Path | BinaryIO,
    encoding: Encoding,
    *,
    width: int,
    height: int,
    bands: int,
    depth: int,
    metadata: Metadata,
    overwrite: bool,
    strip_metadata: bool = False,
) -> RowWriter:
    """Begins to write a picture.

    Args:
        destination: a path, or a binary stream such as sys.stdout.buffer.
        encoding: by choose_encoding().
        width: pixels.
        height: pixels.
        bands: 1 grey, 2 grey and alpha, 3 RGB, 4 RGB and alpha.
        depth: 8 or 16: bits of the rows that will be written.
        metadata: of the input; EXIF is corrected here for the new size.
        overwrite: whether an existing file, the input itself included, may be replaced.
        strip_metadata: keep nothing but the colour profile.

    Raises:
        OutputError: the place or the size is not possible.
    """
    check_limits(encoding, width, height)
    metadata, notes = fit_metadata(metadata, encoding, width, height, strip=strip_metadata)
    place: AtomicFile | StreamFile = (
        AtomicFile(destination, overwrite=overwrite)
        if isinstance(destination, Path)
        else StreamFile(destination)
    )
    try:
        return RowWriter(
            place=place,
            encoding=encoding,
            metadata=metadata,
            shape=(height, width, bands),
            depth=depth,
            notes=notes,
        )
    except BaseException:
        place.close()
        raise
