"""EXIF blocks corrected in place, so that maker notes, which hold offsets, stay valid.

An EXIF block is a TIFF structure: a header, directories of 12-byte entries, and values.
"""

from __future__ import annotations

import contextlib
import struct
from dataclasses import dataclass

ORIENTATION, WIDTH, HEIGHT = 0x0112, 0x0100, 0x0101
EXIF_IFD, GPS_IFD, INTEROP_IFD = 0x8769, 0x8825, 0xA005
PIXEL_X, PIXEL_Y = 0xA002, 0xA003
THUMBNAIL_AT, THUMBNAIL_SIZE = 0x0201, 0x0202
# Corrected, pointing elsewhere, or about how the pixels are stored: these an output has of its own.
_NOT_CONTENT = {ORIENTATION, WIDTH, HEIGHT, EXIF_IFD, GPS_IFD, INTEROP_IFD, PIXEL_X, PIXEL_Y}
_NOT_CONTENT |= {0x011A, 0x011B, 0x0128, 0x0213}
TYPE_BYTES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4}
SHORT, LONG = 3, 4


@dataclass(frozen=True)
class Entry:
    """One entry of a directory: where it stands, and where its value does."""

    at: int
    tag: int
    kind: int
    count: int
    value_at: int

    @property
    def size(self) -> int:
        """Bytes of the value."""
        return TYPE_BYTES.get(self.kind, 1) * self.count


class ExifBlock:
    """A TIFF structure opened for reading and for changes in place.

    Raises:
        ValueError: it is not one.
    """

    def __init__(self, data: bytes) -> None:
        """Reads the header."""
        self.data = bytearray(data)
        if data[:4] not in (b"II*\0", b"MM\0*"):
            raise ValueError("no TIFF header")
        self.order = "<" if data[:2] == b"II" else ">"
        self.first = self.number(4, LONG)

    def number(self, at: int, kind: int) -> int:
        """The SHORT or LONG at `at`.

        Raises:
            ValueError: it lies outside the block.
        """
        try:
            (value,) = struct.unpack_from(
                self.order + ("H" if kind == SHORT else "I"), self.data, at
            )
        except struct.error as error:
            raise ValueError(f"offset {at} lies outside its {len(self.data)} bytes") from error
        return int(value)

    def put(self, at: int, kind: int, value: int) -> None:
        """Writes a SHORT or LONG at `at`."""
        struct.pack_into(self.order + ("H" if kind == SHORT else "I"), self.data, at, value)

    def directory(self, at: int) -> tuple[list[Entry], int]:
        """The entries of the directory at `at`, and where its link to the next one stands.

        Raises:
            ValueError: it does not fit into the block.
        """
        count = self.number(at, SHORT)
        link = at + 2 + 12 * count
        if link > len(self.data):
            raise ValueError(f"a directory of {count} entries does not fit")
        return [self._entry(at + 2 + 12 * index) for index in range(count)], link

    def _entry(self, at: int) -> Entry:
        tag, kind = self.number(at, SHORT), self.number(at + 2, SHORT)
        count = self.number(at + 4, LONG)
        inside = TYPE_BYTES.get(kind, 1) * count <= 4
        return Entry(at, tag, kind, count, at + 8 if inside else self.number(at + 8, LONG))

    def value(self, entry: Entry) -> int:
        """The first number of a SHORT or LONG entry."""
        return self.number(entry.value_at, SHORT if entry.kind == SHORT else LONG)

    def set_value(self, entry: Entry, value: int) -> None:
        """Makes an entry a single number, SHORT where it was and fits, else LONG."""
        kind = SHORT if entry.kind == SHORT and value <= 0xFFFF else LONG
        self.put(entry.at + 2, SHORT, kind)
        self.put(entry.at + 4, LONG, 1)
        self.put(entry.at + 8, LONG, 0)
        self.put(entry.at + 8, kind, value)


def check_exif(exif: bytes) -> str:
    """Why this block cannot be used; an empty text when it can."""
    try:
        corrected_exif(exif, 1, 1)
    except ValueError as error:
        return str(error)
    return ""


def exif_fields(exif: bytes) -> set[int]:
    """The tags that say something about the picture, of a block that check_exif() accepts.

    The directories of EXIF and GPS count with the first one; what of them is broken does not.
    """
    block = ExifBlock(exif)
    tags: set[int] = set()
    entries, _ = block.directory(block.first)
    for entry in entries:
        tags.add(entry.tag)
        if entry.tag in (EXIF_IFD, GPS_IFD):
            with contextlib.suppress(ValueError):
                tags |= {sub.tag for sub in block.directory(block.value(entry))[0]}
    return tags - _NOT_CONTENT


def corrected_exif(exif: bytes, width: int, height: int) -> bytes:
    """The block for a picture of new size whose pixels are upright.

    Orientation becomes 1, the pixel sizes become `width` and `height`, the thumbnail goes.

    Raises:
        ValueError: the block is broken.
    """
    block = ExifBlock(exif)
    entries, link = block.directory(block.first)
    for entry in entries:
        if entry.tag in (ORIENTATION, WIDTH, HEIGHT):
            block.set_value(entry, {ORIENTATION: 1, WIDTH: width, HEIGHT: height}[entry.tag])
        if entry.tag == EXIF_IFD:
            for sub in block.directory(block.value(entry))[0]:
                if sub.tag in (PIXEL_X, PIXEL_Y):
                    block.set_value(sub, width if sub.tag == PIXEL_X else height)
    if link + 4 <= len(block.data):
        _drop_thumbnail(block, link)
    return bytes(block.data)


def _drop_thumbnail(block: ExifBlock, link: int) -> None:
    """Unlinks the second directory; cuts its picture off the end of the block, or blanks it."""
    second = block.number(link, LONG)
    block.put(link, LONG, 0)
    if second == 0:
        return
    try:
        entries, _ = block.directory(second)
        facts = {entry.tag: block.value(entry) for entry in entries}
    except ValueError:
        return
    start, size = facts.get(THUMBNAIL_AT, 0), facts.get(THUMBNAIL_SIZE, 0)
    end = min(start + size, len(block.data))
    if not 8 <= start < end:
        return
    if len(block.data) - end <= 8:
        del block.data[start:]
    else:
        block.data[start:end] = bytes(end - start)
