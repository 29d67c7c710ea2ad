"""EXIF put into encoded files, byte for byte, and the JFIF header of a JPEG.

libvips would take the block apart and write it anew, which breaks maker notes; so the encoders
write none, and it goes into the stream of JPEG and PNG, or into the finished WebP. Without EXIF
libvips also leaves out JFIF, and the resolution with it.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable

# The largest block a JPEG segment holds, beside its length field and its name.
JPEG_EXIF_LIMIT = 0xFFFF - 2 - 6
JPEG_HEAD, PNG_HEAD = 2, 8 + 25


class HeadInserter:
    """Passes an encoder's bytes on, and puts others behind the head of the file.

    Args:
        head: bytes of the head: JPEG_HEAD or PNG_HEAD.
        insert: what goes behind it.
        write: takes the bytes.
    """

    def __init__(
        self, head: int, insert: bytes, write: Callable[[bytes | memoryview], None]
    ) -> None:
        """Waits for the first bytes."""
        self._held, self._head, self._insert, self._write = b"", head, insert, write

    def write(self, data: bytes | memoryview) -> None:
        """Takes the encoder's next bytes."""
        if not self._insert:
            self._write(data)
            return
        self._held += bytes(data)
        if len(self._held) >= self._head:
            head, rest = self._held[: self._head], self._held[self._head :]
            self._write(head + self._insert + rest)
            self._held, self._insert = b"", b""


def jfif_segment(dots_per_mm: tuple[float, float] | None) -> bytes:
    """An APP0 segment with the resolution in dots per inch, or none."""
    per_inch = [min(max(round(dots * 25.4), 1), 0xFFFF) for dots in dots_per_mm or ()]
    unit, sides = (1, per_inch) if per_inch else (0, [1, 1])
    return b"\xff\xe0" + struct.pack(">H5sHBHHBB", 16, b"JFIF\0", 0x0102, unit, *sides, 0, 0)


def jpeg_segment(exif: bytes) -> bytes:
    """An APP1 segment; `exif` has at most JPEG_EXIF_LIMIT bytes."""
    return b"\xff\xe1" + struct.pack(">H", len(exif) + 8) + b"Exif\0\0" + exif


def png_chunk(exif: bytes) -> bytes:
    """An eXIf chunk."""
    checksum = zlib.crc32(b"eXIf" + exif)
    return struct.pack(">I", len(exif)) + b"eXIf" + exif + struct.pack(">I", checksum)


def webp_with_exif(data: bytes, exif: bytes, *, width: int, height: int) -> bytes:
    """A finished WebP file with an EXIF chunk added, in the extended layout that this needs.

    Args:
        data: a whole WebP file without EXIF.
        exif: the block.
        width: pixels.
        height: pixels.
    """
    chunks = _riff_chunks(data)
    if chunks[0][0] != b"VP8X":
        # Bit 4 of a lossless picture's fifth byte says that alpha is used.
        alpha = chunks[0][0] == b"VP8L" and chunks[0][1][4] & 0x10
        flags = 0x10 if alpha or any(kind == b"ALPH" for kind, _ in chunks) else 0
        sides = struct.pack("<I", width - 1)[:3] + struct.pack("<I", height - 1)[:3]
        chunks.insert(0, (b"VP8X", bytes([flags, 0, 0, 0]) + sides))
    head = chunks[0][1]
    chunks[0] = (b"VP8X", bytes([head[0] | 0x08]) + head[1:])
    at = next((i for i, (kind, _) in enumerate(chunks) if kind == b"XMP "), len(chunks))
    chunks.insert(at, (b"EXIF", exif))
    body = b"".join(
        kind + struct.pack("<I", len(part)) + part + b"\0" * (len(part) % 2)
        for kind, part in chunks
    )
    return b"RIFF" + struct.pack("<I", len(body) + 4) + b"WEBP" + body


def _riff_chunks(data: bytes) -> list[tuple[bytes, bytes]]:
    chunks, at = [], 12
    while at + 8 <= len(data):
        size = int.from_bytes(data[at + 4 : at + 8], "little")
        chunks.append((data[at : at + 4], data[at + 8 : at + 8 + size]))
        at += 8 + size + size % 2
    return chunks
