"""The header facts of one picture file: what it is, how large, what comes with it."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from foveate.errors import InputError
from foveate.media import sniff
from foveate.media.decode import Decoded, open_decoder
from foveate.media.metadata import Metadata, read_metadata
from foveate.media.source import Identity, SourceFile
from foveate.media.vips import pyvips

MAX_PIXELS = 500_000_000
_USUAL_GAMMA, _GAMMA_SHARE = 2.2, 0.05  # nearer than that nobody sees a difference
_FRAMES = {"gif": "GIF", "webp": "WebP", "png": "PNG", "avif": "AVIF", "heic": "HEIC"}


@dataclass(frozen=True)
class Picture:
    """The header facts of one opened file; no pixels are decoded.

    Attributes:
        source: the path, or the bytes of standard input.
        name: for messages.
        format: "jpeg", "png", "webp", "tiff", "avif", "heic" or "gif"; by content.
        width: pixels, upright.
        height: pixels, upright.
        bands: of the rows delivered: 1 grey, 2 grey and alpha, 3 RGB, 4 RGB and alpha.
        depth: 8 or 16: bits of the samples delivered.
        bits: of them, those that the file holds: 8, 10, 12 or 16.
        has_alpha: whether the last band is alpha (straight, not premultiplied).
        metadata: what a writer needs.
        decoder_bytes: estimate of the decoder's peak memory beyond the rows it hands out.
        notes: what is worth telling.
        orientation: EXIF orientation 1..8 that the reader applies.
        identity: tells whether the file is still the same when its rows are read.
    """

    source: Path | bytes = field(repr=False)
    name: str
    format: str
    width: int
    height: int
    bands: int
    depth: int
    bits: int
    has_alpha: bool
    metadata: Metadata = field(repr=False)
    decoder_bytes: int
    notes: tuple[str, ...]
    orientation: int = 1
    identity: Identity = (0, 0, 0, 0)


def open_picture(
    source: Path | bytes, *, max_pixels: int = MAX_PIXELS, first_frame: bool = False
) -> Picture:
    """Reads the header of a picture.

    Args:
        source: a path, or the bytes of a whole file.
        max_pixels: pictures with more pixels are refused before anything is decoded.
        first_frame: take the first frame of an animation instead of refusing it.

    Returns:
        The facts; open_rows() reads the pixels.

    Raises:
        InputError: missing, unreadable, not a picture, damaged, animated or too large.
        UsageError: HEIC, and the extra that reads it is not installed.
    """
    with SourceFile(source) as file:
        format_ = sniff.sniff_format(file)
        size = sniff.declared_size(file, format_)
        if size:
            check_size(file.name, *size, max_pixels)
        if format_ == "heic":
            return _heic_picture(file, source, max_pixels)
        decoded = open_decoder(file, format_)
        raw = decoded.raw
        check_size(file.name, raw.width, raw.height, max_pixels)
        notes = [*_extension_note(source, format_), *decoded.notes]
        notes += _frame_notes(file, format_, raw, first_frame=first_frame)
        notes += _gamma_note(file) if format_ == "png" else []
        return _picture(file, source, format_, decoded, notes)


def _picture(
    file: SourceFile, source: Path | bytes, format_: str, decoded: Decoded, notes: list[str]
) -> Picture:
    metadata, broken = read_metadata(decoded.raw, format_, file.read_at)
    if decoded.converted:
        metadata = metadata.without_profile()
    image, orientation = decoded.image, _orientation(decoded.raw)
    turned = orientation >= 5
    return Picture(
        source=source,
        name=file.name,
        format=format_,
        width=image.height if turned else image.width,
        height=image.width if turned else image.height,
        bands=image.bands,
        depth=16 if image.format == "ushort" else 8,
        bits=decoded.bits if image.format == "ushort" else 8,
        has_alpha=image.bands in (2, 4),
        metadata=metadata,
        decoder_bytes=_decoder_bytes(file, format_, decoded, orientation),
        notes=(*notes, *broken),
        orientation=orientation,
        identity=file.identity,
    )


def _heic_picture(file: SourceFile, source: Path | bytes, max_pixels: int) -> Picture:
    from foveate.media.heic import read_heic_header  # noqa: PLC0415 - an optional extra

    header = read_heic_header(file)
    check_size(file.name, header.width, header.height, max_pixels)
    depth = 16 if header.bits > 8 else 8
    # pillow-heif decodes it whole.
    decoder_bytes = header.width * header.height * (3 + 2 * header.bands) * (depth // 8)
    return Picture(
        source=source,
        name=file.name,
        format="heic",
        width=header.width,
        height=header.height,
        bands=header.bands,
        depth=depth,
        bits=header.bits,
        has_alpha=header.bands in (2, 4),
        metadata=header.metadata,
        decoder_bytes=decoder_bytes + file.size + 8_000_000,
        notes=(*_extension_note(source, "heic"), *header.notes),
        identity=file.identity,
    )


def check_size(name: str, width: int, height: int, max_pixels: int) -> None:
    """Refuses pictures of more than `max_pixels`.

    Raises:
        InputError: it is larger.
    """
    pixels = width * height
    if pixels <= max_pixels:
        return
    found, limit, unit = f"{pixels / 1e6:,.0f}", f"{max_pixels / 1e6:,.0f}", "megapixels"
    if max_pixels < 10_000_000 or found == limit:
        found, limit, unit = f"{pixels:,}", f"{max_pixels:,}", "pixels"
    cause = f"{width} x {height} is {found} {unit}, over the limit of {limit}"
    raise InputError(f"cannot read {name}", cause, "raise --max-pixels if you trust the file")


def _extension_note(source: Path | bytes, format_: str) -> list[str]:
    if isinstance(source, bytes) or source.suffix.lower() in ("", *sniff.EXTENSIONS[format_]):
        return []
    known = {suffix for suffixes in sniff.EXTENSIONS.values() for suffix in suffixes}
    if source.suffix.lower() not in known:
        return []
    return [f"the name ends in {source.suffix}, but the content is {format_.upper()}"]


def _frame_notes(
    file: SourceFile, format_: str, raw: pyvips.Image, *, first_frame: bool
) -> list[str]:
    """Refuses animations, unless the first frame was asked for; tells of further pages."""
    pages = raw.get("n-pages") if raw.get_typeof("n-pages") else 1
    if format_ == "png":
        pages = sniff.png_frames(file)
    if format_ == "jpeg":
        pages = sniff.jpeg_pictures(file)
    if pages <= 1:
        return []
    if format_ in ("jpeg", "tiff"):
        return [f"the first of {pages} pictures in the file was used"]
    if not first_frame:
        cause = f"it is an animated {_FRAMES[format_]} of {pages} frames"
        raise InputError(f"cannot read {file.name}", cause, "use --first-frame to take the first")
    return [f"the first of {pages} frames was used"]


def _gamma_note(file: SourceFile) -> list[str]:
    gamma = sniff.png_gamma(file)
    if gamma is None or abs(gamma * _USUAL_GAMMA - 1) <= _GAMMA_SHARE:
        return []
    return [f"its gamma of {gamma:.4g} (gAMA) is not kept: samples are taken as sRGB"]


def _orientation(raw: pyvips.Image) -> int:
    # AVIF has its own turning (irot, imir), which libvips applies; it then hides the EXIF one.
    if not raw.get_typeof("orientation"):
        return 1
    value = int(raw.get("orientation"))
    return value if 1 <= value <= 8 else 1


def _decoder_bytes(file: SourceFile, format_: str, decoded: Decoded, orientation: int) -> int:
    """Peak memory of the decoder beyond the rows handed out, from how each library works."""
    raw = decoded.raw
    sample = 2 if raw.format == "ushort" else 1
    row, pixels = raw.width * raw.bands * sample, raw.width * raw.height
    total: int = 12_000_000 + 800 * row  # what libvips' row caches were measured to take
    if format_ == "jpeg" and raw.get_typeof("interlaced"):
        subsampled = raw.get("jpeg-chroma-subsample") == "4:2:0"
        total += int(pixels * 2 * (1.5 if subsampled else raw.bands))
    elif format_ == "png" and raw.get_typeof("interlaced"):
        total += pixels * raw.bands * sample
    elif format_ == "gif":
        total += pixels * 4 + file.size
    elif format_ == "webp":
        total += pixels * 8 + file.size
    elif format_ == "avif":
        total += pixels * 16 * sample + file.size
    elif format_ == "tiff" and raw.get_typeof("tile-height"):
        total += 2 * row * raw.get("tile-height")
    if orientation not in (1, 2):
        total += pixels * decoded.image.bands * sample
    return total
