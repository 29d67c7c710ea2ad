"""Rows handed to a libvips encoder as it asks for them.

They pass as an uncompressed TIFF that exists only while it is read: the header is made up front,
each strip is a block of rows. Unlike an uncompressed PNG it needs no checksums and no byte
swapping (measured: 1 to 2 ms per megapixel against 5), and libvips reads a strip in one call.
"""

from __future__ import annotations

import struct
import threading
from collections import deque

import numpy as np
from numpy.typing import NDArray

from foveate.media.vips import pyvips

_STRIP_BYTES = 1 << 19
_QUEUE_BYTES = 4 << 20
# libvips reads ahead when it looks at the start of a file; that must not consume pixels.
_PIXELS_AT = 1 << 16
_SHORT, _LONG8 = 3, 16


class RowFeed:
    """A bounded queue of strips, written by one thread and read by libvips in another.

    Args:
        width: pixels per row.
        height: rows in all.
        bands: 1 grey, 2 grey and alpha, 3 RGB, 4 RGB and alpha.
        depth: 8 or 16.
    """

    def __init__(self, width: int, height: int, bands: int, depth: int) -> None:
        """Makes the header."""
        row = width * bands * depth // 8
        self.strip_rows = max(1, min(height, _STRIP_BYTES // row, 64))
        self._limit = max(2, _QUEUE_BYTES // (row * self.strip_rows))
        counts = [self.strip_rows] * (height // self.strip_rows)
        counts += [height % self.strip_rows] if height % self.strip_rows else []
        sizes = [count * row for count in counts]
        self._header = _header(width, height, bands, depth, strip_rows=self.strip_rows, sizes=sizes)
        self._size = len(self._header) + sum(sizes)
        self._at = 0
        self._next_pixel = len(self._header)
        self._strips: deque[NDArray[np.uint8]] = deque()
        self._changed = threading.Condition()
        self._open = True

    def put(self, strip: NDArray[np.uint8 | np.uint16]) -> bool:
        """Queues the next `strip_rows` rows; waits while the queue is full.

        Args:
            strip: (strip_rows, W, bands), C-contiguous, native byte order; not changed afterwards.

        Returns:
            False when nobody reads any more.
        """
        with self._changed:
            self._changed.wait_for(lambda: len(self._strips) < self._limit or not self._open)
            if self._open:
                self._strips.append(strip.reshape(-1).view(np.uint8))
                self._changed.notify_all()
            return self._open

    def close(self) -> None:
        """Ends the stream: a reader that wants more gets none, a writer no longer waits."""
        with self._changed:
            self._open = False
            self._strips.clear()
            self._changed.notify_all()

    def as_vips(self) -> pyvips.SourceCustom:
        """The source to load the TIFF from, once."""
        source = pyvips.SourceCustom()
        source.on_read(self._read)
        source.on_seek(self._seek)
        return source

    def _read(self, size: int) -> bytes | memoryview:
        if self._at < len(self._header):
            data: bytes | memoryview = self._header[self._at : self._at + size]
        else:
            data = self._next_bytes(size)
            self._next_pixel += len(data)
        self._at += len(data)
        return data

    def _next_bytes(self, size: int) -> memoryview:
        """The next strip, or the part of it that is asked for."""
        with self._changed:
            self._changed.wait_for(lambda: self._strips or not self._open)
            if not self._strips:
                return memoryview(b"")
            strip = self._strips[0]
            if len(strip) <= size:
                self._strips.popleft()
                self._changed.notify_all()
            else:
                self._strips[0] = strip[size:]
            return strip[:size].data

    def _seek(self, offset: int, whence: int) -> int:
        target = (0, self._at, self._size)[whence] + offset
        # Pixels can only be read forwards; libtiff asks for each strip in turn.
        if target >= len(self._header) and target not in (self._next_pixel, self._size):
            return -1
        self._at = target
        return target


def _header(
    width: int, height: int, bands: int, depth: int, *, strip_rows: int, sizes: list[int]
) -> bytes:
    """The start of a little-endian BigTIFF with one directory, up to the first pixel."""
    entries = [
        (256, _LONG8, [width]),
        (257, _LONG8, [height]),
        (258, _SHORT, [depth] * bands),
        (259, _SHORT, [1]),  # not compressed
        (262, _SHORT, [2 if bands >= 3 else 1]),  # RGB, or grey with 0 as black
        (273, _LONG8, [0] * len(sizes)),
        (277, _SHORT, [bands]),
        (278, _LONG8, [strip_rows]),
        (279, _LONG8, sizes),
        (284, _SHORT, [1]),  # bands side by side
    ]
    if bands in (2, 4):
        entries.append((338, _SHORT, [2]))  # alpha, not premultiplied
    tables_at = 16 + 8 + 20 * len(entries) + 8
    start = max(_PIXELS_AT, tables_at + (16 * len(sizes) if len(sizes) > 1 else 0))
    offsets = [start + sum_ for sum_ in _running_sums(sizes)]
    directory, tables = b"", b""
    for tag, kind, values in entries:
        stored = offsets if tag == 273 else values
        packed = struct.pack(f"<{len(stored)}{'H' if kind == _SHORT else 'Q'}", *stored)
        if len(packed) > 8:
            packed, tables = struct.pack("<Q", tables_at + len(tables)), tables + packed
        directory += struct.pack("<HHQ", tag, kind, len(stored)) + packed.ljust(8, b"\0")
    head = struct.pack("<2sHHHQQ", b"II", 43, 8, 0, 16, len(entries))
    return (head + directory + bytes(8) + tables).ljust(start, b"\0")


def _running_sums(sizes: list[int]) -> list[int]:
    """The sum of all sizes before each."""
    sums = [0]
    for size in sizes[:-1]:
        sums.append(sums[-1] + size)
    return sums
