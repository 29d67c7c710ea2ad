"""What a file is, told from its first bytes, and what libvips does not tell: frames, pictures."""

from __future__ import annotations

from typing import Literal

from foveate.errors import InputError
from foveate.media.source import SourceFile
from foveate.media.tiff import is_camera_raw

# What we know by sight but do not read, with what to do about it.
_FOREIGN = (
    (b"BM", "BMP"),
    (b"8BPS", "Photoshop"),
    (b"\xff\x0a", "JPEG XL"),
    (b"\x00\x00\x00\x0cJXL ", "JPEG XL"),
    (b"\x00\x00\x00\x0cjP  ", "JPEG 2000"),
    (b"%PDF", "PDF"),
    (b"<svg", "SVG"),
    (b"P5", "PGM"),
    (b"P6", "PPM"),
    (b"FUJIFILMCCD-RAW", "camera raw"),
    (b"IIRO", "camera raw"),
    (b"IIU\x00", "camera raw"),
    (b"\x1aE\xdf\xa3", "video"),
)
_KNOWN = (
    (b"\xff\xd8\xff", 0, b"", "jpeg"),
    (b"\x89PNG\r\n\x1a\n", 0, b"", "png"),
    (b"RIFF", 8, b"WEBP", "webp"),
    (b"GIF87a", 0, b"", "gif"),
    (b"GIF89a", 0, b"", "gif"),
    *((start, 0, b"", "tiff") for start in (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")),
)
EXTENSIONS = {
    "jpeg": (".jpg", ".jpeg", ".jpe", ".jfif", ".mpo"),
    "png": (".png", ".apng"),
    "webp": (".webp",),
    "tiff": (".tif", ".tiff"),
    "avif": (".avif",),
    "heic": (".heic", ".heif", ".hif"),
    "gif": (".gif",),
}


def sniff_format(file: SourceFile) -> str:
    """The format by content: a key of EXTENSIONS.

    Raises:
        InputError: it is no picture, or of a format that is not read.
    """
    head = file.read_at(0, 64)
    what = f"cannot read {file.name}"
    known = _match(head)
    if (head[8:10] == b"CR" and head[:2] == b"II") or (known == "tiff" and _is_raw(file)):
        raise InputError(what, "it is a camera raw file", "develop it to TIFF or PNG first")
    if known:
        return known
    for magic, name in _FOREIGN:
        if head.startswith(magic):
            raise InputError(what, f"{name} is not supported", "convert it to PNG or TIFF first")
    if head[4:8] == b"ftyp":
        raise InputError(what, "it is a video or an unknown HEIF kind", "save a picture of it")
    raise InputError(
        what, "it is not a picture", f"use one of {', '.join(name.upper() for name in EXTENSIONS)}"
    )


def _is_raw(file: SourceFile) -> bool:
    try:
        return is_camera_raw(file.read_at)
    except ValueError:
        return False  # broken: the decoder will say how


def _match(head: bytes) -> str:
    if head[4:8] == b"ftyp":
        return _match_brands(head)
    if head[:2] == b"II" and head[8:10] == b"CR":
        return ""  # Canon's raw files, which are TIFF otherwise
    return next(
        (name for start, at, more, name in _KNOWN if _has(head, start, at, more)),
        "",
    )


def _has(head: bytes, start: bytes, at: int, more: bytes) -> bool:
    return head.startswith(start) and head[at : at + len(more)] == more


def _match_brands(head: bytes) -> str:
    size = min(int.from_bytes(head[:4], "big"), len(head))
    brands = {head[8:12], *(head[at : at + 4] for at in range(16, size - 3, 4))}
    if brands & {b"avif", b"avis"}:
        return "avif"
    if brands & {b"heic", b"heix", b"hevc", b"hevx", b"heim", b"heis", b"mif1", b"msf1"}:
        return "heic"
    return ""


def declared_size(file: SourceFile, format_: str) -> tuple[int, int] | None:
    """Width and height as a PNG or GIF header declares them, unchecked; None for other formats.

    Both libraries refuse absurd sizes with words that do not name them; we want to.
    """
    if format_ == "png":
        head = file.read_at(12, 12)
        sides = int.from_bytes(head[4:8], "big"), int.from_bytes(head[8:12], "big")
        return sides if head[:4] == b"IHDR" else None
    if format_ == "gif":
        head = file.read_at(6, 4)
        return int.from_bytes(head[:2], "little"), int.from_bytes(head[2:4], "little")
    return None


def png_frames(file: SourceFile) -> int:
    """Frames of a PNG: more than 1 only when an acTL chunk before the pixels says so."""
    at = _png_chunks(file).get(b"acTL")
    return 1 if at is None else int.from_bytes(file.read_at(at, 4), "big")


def png_gamma(file: SourceFile) -> float | None:
    """The exponent that encoded a PNG's samples, 1/2.2 for usual ones; None where none counts.

    Source: PNG specification, third edition, 4.3: cICP, iCCP and sRGB win over gAMA, in this order.
    """
    chunks = _png_chunks(file)
    if b"gAMA" not in chunks or chunks.keys() & {b"cICP", b"iCCP", b"sRGB"}:
        return None
    return int.from_bytes(file.read_at(chunks[b"gAMA"], 4), "big") / 100_000


def _png_chunks(file: SourceFile) -> dict[bytes, int]:
    """Where the content of each chunk before the pixels begins; of the first one of a name."""
    at, chunks = 8, dict[bytes, int]()
    while len(head := file.read_at(at, 12)) == 12 and head[4:8] != b"IDAT":
        chunks.setdefault(head[4:8], at + 8)
        at += 12 + int.from_bytes(head[:4], "big")
    return chunks


def jpeg_pictures(file: SourceFile) -> int:
    """Pictures in a JPEG file: more than 1 when a multi-picture segment says so."""
    at = 2
    while len(head := file.read_at(at, 8)) == 8 and head[0] == 0xFF and head[1] != 0xDA:
        if head[1] == 0xFF:
            at += 1
            continue
        length = int.from_bytes(head[2:4], "big")
        if head[1] == 0xE2 and head[4:8] == b"MPF\0":
            return _count_in_mpf(file.read_at(at + 8, length))
        at += 2 + length
    return 1


def _count_in_mpf(block: bytes) -> int:
    order: Literal["little", "big"] = "little" if block[:2] == b"II" else "big"
    start = int.from_bytes(block[4:8], order)
    entries = int.from_bytes(block[start : start + 2], order)
    for index in range(min(entries, 64)):
        entry = block[start + 2 + 12 * index : start + 14 + 12 * index]
        if int.from_bytes(entry[:2], order) == 0xB001:
            return int.from_bytes(entry[8:12], order)
    return 1
