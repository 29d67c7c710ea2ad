"""EXIF and IPTC in TIFF files, where they are directories of the file itself.

libvips reads IPTC from TIFF cut short, and neither reads nor writes EXIF there.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Callable
from dataclasses import dataclass

from foveate.media.exif import EXIF_IFD, GPS_IFD, INTEROP_IFD, LONG, ORIENTATION, TYPE_BYTES

ReadAt = Callable[[int, int], bytes]

# Description, make, model, software, date, artist, host, copyright; the rest of a TIFF's first
# directory describes its pixels.
_ABOUT = {0x010E, 0x010F, 0x0110, 0x0131, 0x0132, 0x013B, 0x013C, 0x8298}
_IPTC, _DNG_VERSION, _NEW_SUBFILE, _SUB_IFDS = 0x83BB, 0xC612, 0x00FE, 0x014A
_LARGEST_VALUE = 1 << 22
_UNDEFINED = 7
# Bytes that change places between byte orders, by type; a rational is two numbers.
_SWAPPED = {3: 2, 4: 4, 5: 4, 8: 2, 9: 4, 10: 4, 11: 4, 12: 8, 13: 4}


@dataclass(frozen=True)
class Value:
    """One entry of a directory, its value's bytes in the byte order of the file."""

    tag: int
    kind: int
    count: int
    data: bytes


@dataclass(frozen=True)
class TiffMetadata:
    """What a TIFF file says beside its pixels; `unread` names what of it is there but not read."""

    exif: bytes | None = None
    iptc: bytes | None = None
    unread: tuple[str, ...] = ()


def read_tiff_metadata(read_at: ReadAt) -> TiffMetadata:
    """Collects the metadata of a TIFF file; of a BigTIFF, only what there would be.

    Raises:
        ValueError: the directories are broken.
    """
    order, first = _header(read_at)
    if not order:
        tags = _bigtiff_tags(read_at)
        kinds = {"EXIF": _ABOUT | {EXIF_IFD, GPS_IFD}, "IPTC": {_IPTC}}
        return TiffMetadata(unread=tuple(name for name, own in kinds.items() if own & tags))
    values = {value.tag: value for value in read_directory(read_at, order, first)}
    about = [value for tag, value in values.items() if tag in _ABOUT | {ORIENTATION}]
    subs = {
        tag: [
            value
            for value in read_directory(read_at, order, _number(order, values[tag]))
            if value.tag != INTEROP_IFD
        ]
        for tag in (EXIF_IFD, GPS_IFD)
        if tag in values
    }
    exif = None
    if subs or any(value.tag != ORIENTATION for value in about):
        start = struct.pack(order + "2sHI", b"II" if order == "<" else b"MM", 42, 8)
        exif = start + pack_directories(order, about, subs, at=8)
    iptc = values[_IPTC].data if _IPTC in values else None
    return TiffMetadata(exif, iptc)


def is_camera_raw(read_at: ReadAt) -> bool:
    """Whether a TIFF is a camera's raw file (DNG, NEF ...), of which it would show a thumbnail.

    Raises:
        ValueError: the first directory is broken.
    """
    order, first = _header(read_at)
    if not order:
        return False
    values = {value.tag: value for value in read_directory(read_at, order, first)}
    reduced = _NEW_SUBFILE in values and _number(order, values[_NEW_SUBFILE]) == 1
    return _DNG_VERSION in values or (reduced and _SUB_IFDS in values)


def _header(read_at: ReadAt) -> tuple[str, int]:
    """The byte order and the place of the first directory; "" for a BigTIFF."""
    head = read_at(0, 8)
    if head[:4] not in (b"II*\0", b"MM\0*") or len(head) < 8:
        return "", 0
    order = "<" if head[:2] == b"II" else ">"
    return order, int(struct.unpack_from(order + "I", head, 4)[0])


def is_bigtiff(read_at: ReadAt) -> bool:
    """Whether a file is a TIFF of 64-bit offsets, as files over 4 GB are."""
    return read_at(0, 4) in (b"II+\0", b"MM\0+")


def _bigtiff_tags(read_at: ReadAt) -> set[int]:
    """The tags in the first directory of a BigTIFF; none where it is broken."""
    order = "<" if read_at(0, 1) == b"I" else ">"
    try:
        (first,) = struct.unpack(order + "Q", read_at(8, 8))
        (count,) = struct.unpack(order + "Q", read_at(first, 8))
        table = read_at(first + 8, 20 * min(count, 0xFFFF))
        return {int(entry[0]) for entry in struct.iter_unpack(order + "H18x", table)}
    except struct.error:
        return set()


def read_directory(read_at: ReadAt, order: str, at: int) -> list[Value]:
    """The entries of the directory at `at`, values included; those of absurd size left out.

    Raises:
        ValueError: it does not fit into the file.
    """
    count_bytes = read_at(at, 2)
    if len(count_bytes) < 2:
        raise ValueError(f"no directory at {at}")
    (count,) = struct.unpack(order + "H", count_bytes)
    table = read_at(at + 2, 12 * count)
    if len(table) < 12 * count:
        raise ValueError(f"a directory of {count} entries does not fit")
    values = []
    for index in range(count):
        tag, kind, many = struct.unpack_from(order + "HHI", table, 12 * index)
        size = TYPE_BYTES.get(kind, 0) * many
        inline = table[12 * index + 8 : 12 * index + 12]
        if not 0 < size <= _LARGEST_VALUE:
            continue
        data = inline if size <= 4 else read_at(struct.unpack(order + "I", inline)[0], size)
        if len(data) >= size:
            values.append(Value(tag, kind, many, data[:size]))
    return values


def pack_directories(
    order: str, values: list[Value], subs: dict[int, list[Value]], *, at: int, link: int = 0
) -> bytes:
    """A directory with directories below it, as it stands at offset `at` of a file.

    Args:
        order: "<" or ">".
        values: entries of the directory.
        subs: by the tag that points there, entries of each directory below.
        at: offset; even.
        link: offset of the next directory, 0 for none.
    """
    pointers = [Value(tag, LONG, 1, bytes(4)) for tag in subs]
    size = len(_pack(order, [*values, *pointers], at, link))
    below, pointers = b"", []
    for tag, entries in subs.items():
        place = at + size + len(below)
        pointers.append(Value(tag, LONG, 1, struct.pack(order + "I", place)))
        below += _pack(order, entries, place, 0)
    return _pack(order, [*values, *pointers], at, link) + below


def _pack(order: str, values: list[Value], at: int, link: int) -> bytes:
    table, data = struct.pack(order + "H", len(values)), b""
    data_at = at + 2 + 12 * len(values) + 4
    for value in sorted(values, key=lambda entry: entry.tag):
        inline = value.data.ljust(4, b"\0")
        if len(value.data) > 4:
            inline = struct.pack(order + "I", data_at + len(data))
            data += value.data + b"\0" * (len(value.data) % 2)
        table += struct.pack(order + "HHI", value.tag, value.kind, value.count) + inline
    return table + struct.pack(order + "I", link) + data


def add_tiff_metadata(descriptor: int, exif: bytes | None, iptc: bytes | None) -> None:
    """Adds EXIF and IPTC to a finished TIFF file: a new first directory is appended.

    Args:
        descriptor: the file, open for reading and writing; a BigTIFF is left as it is.
        exif: an EXIF block; its values are brought into the file's byte order.
        iptc: IPTC records.

    Raises:
        ValueError: the block is broken.
        OSError: as os.pwrite does.
    """

    def read_file(at: int, size: int) -> bytes:
        return os.pread(descriptor, size, at)

    order, first = _header(read_file)
    if not order:
        return
    old = read_directory(read_file, order, first)
    present = {value.tag for value in old}
    about, subs = _take_apart(exif, order) if exif else ([], {})
    values = old + [value for value in about if value.tag not in present]
    if iptc:
        values.append(Value(_IPTC, _UNDEFINED, len(iptc), iptc))
    end = os.fstat(descriptor).st_size
    end += end % 2
    packed = pack_directories(order, values, subs, at=end)
    os.pwrite(descriptor, packed, end)
    os.pwrite(descriptor, struct.pack(order + "I", end), 4)


def _take_apart(exif: bytes, order: str) -> tuple[list[Value], dict[int, list[Value]]]:
    """What a TIFF takes over of an EXIF block, in another byte order if need be."""

    def read_block(at: int, size: int) -> bytes:
        return exif[at : at + size]

    own, first = _header(read_block)

    def entries(at: int) -> list[Value]:
        found = read_directory(read_block, own, at)
        return found if own == order else [_swapped(value) for value in found]

    values = {value.tag: value for value in entries(first)}
    subs = {
        tag: [v for v in entries(_number(order, values[tag])) if v.tag != INTEROP_IFD]
        for tag in (EXIF_IFD, GPS_IFD)
        if tag in values
    }
    return [value for tag, value in values.items() if tag in _ABOUT], subs


def _swapped(value: Value) -> Value:
    size = _SWAPPED.get(value.kind, 1)
    data = b"".join(value.data[i : i + size][::-1] for i in range(0, len(value.data), size))
    return Value(value.tag, value.kind, value.count, data)


def _number(order: str, value: Value) -> int:
    if len(value.data) < 4:
        raise ValueError(f"tag {value.tag} is no offset")
    (number,) = struct.unpack_from(order + "I", value.data)
    return int(number)
