"""Which format an output gets, and whether that format can hold it."""

from __future__ import annotations

from dataclasses import dataclass

from foveate.errors import OutputError, UsageError
from foveate.media.picture import Picture


@dataclass(frozen=True)
class _Format:
    """What one format can hold: bits per sample, alpha, pixels per side, default quality."""

    suffixes: tuple[str, ...]
    depths: tuple[int, ...]
    alpha: bool
    grey: bool
    max_side: int
    quality: int | None


_FORMATS = {
    "jpeg": _Format((".jpg", ".jpeg", ".jpe", ".jfif"), (8,), False, True, 65_535, 92),
    "png": _Format((".png",), (8, 16), True, True, 1_000_000, None),
    "webp": _Format((".webp",), (8,), True, False, 16_383, 92),
    "tiff": _Format((".tif", ".tiff"), (8, 16), True, True, 10_000_000, None),
    "avif": _Format((".avif",), (8, 10, 12), True, False, 32_768, 85),
}
DEFAULT_SUFFIX = {"jpeg": ".jpg", "png": ".png", "webp": ".webp", "tiff": ".tif", "avif": ".avif"}


@dataclass(frozen=True)
class Encoding:
    """How the output is stored.

    Attributes:
        format: "jpeg", "png", "webp", "tiff" or "avif".
        quality: 1..100 for the lossy formats, else None. WebP at 100 is lossless.
        depth: bits per sample in the file: 8, 10, 12 or 16.
    """

    format: str
    quality: int | None
    depth: int

    @property
    def is_lossless(self) -> bool:
        """Whether decoding gives back the samples as they were stored."""
        return self.quality is None or (self.format == "webp" and self.quality == 100)


def writable_suffixes() -> tuple[str, ...]:
    """Every suffix that chooses an output format."""
    return tuple(suffix for facts in _FORMATS.values() for suffix in facts.suffixes)


def choose_encoding(
    suffix: str | None,
    picture: Picture,
    *,
    quality: int | None = None,
    bit_depth: int | None = None,
) -> tuple[Encoding, tuple[str, ...]]:
    """Chooses the output's encoding.

    Args:
        suffix: of the output's name, such as ".jpg"; None or "": the input's format where it can
            be written, else PNG.
        picture: the input.
        quality: 1..100 for lossy formats; None: the format's default.
        bit_depth: bits per sample; None: as deep as the input, or as the format holds.

    Returns:
        The encoding, and notes on what will not be as in the input.

    Raises:
        OutputError: an unknown suffix, or the format cannot hold alpha or the depth.
        UsageError: quality outside 1..100.
    """
    format_ = _format_of(suffix, picture.format)
    facts = _FORMATS[format_]
    what = f"cannot write {format_.upper()} of {picture.name}"
    if picture.has_alpha and not facts.alpha:
        raise OutputError(what, "it cannot hold transparency", "write .png, .webp, .tif or .avif")
    if quality is not None and not 1 <= quality <= 100:
        raise UsageError(f"output quality {quality} is not possible", "it goes from 1 to 100")
    notes = []
    if bit_depth is not None and bit_depth not in facts.depths:
        known = " or ".join(str(depth) for depth in facts.depths)
        raise OutputError(what, f"it holds {known} bits, not {bit_depth}", _deeper(bit_depth))
    depth = bit_depth or max(deep for deep in facts.depths if deep <= picture.depth)
    if depth < picture.bits:
        notes.append(f"{picture.bits} bits per sample reduced to {depth}")
    if quality is not None and facts.quality is None:
        notes.append(f"{format_.upper()} is lossless: the output quality has no effect")
        quality = None
    if picture.bands < 3 and not facts.grey:
        notes.append(f"{format_.upper()} has no grey: stored as equal red, green and blue")
    return Encoding(format_, quality or facts.quality, depth), tuple(notes)


def _format_of(suffix: str | None, input_format: str) -> str:
    if not suffix:
        return input_format if input_format in _FORMATS else "png"
    for name, facts in _FORMATS.items():
        if suffix.lower() in facts.suffixes:
            return name
    raise OutputError(
        f"cannot write a file that ends in {suffix}",
        "the suffix chooses the format, and this one is not known",
        f"use one of {' '.join(writable_suffixes())}",
    )


def _deeper(bit_depth: int) -> str:
    holders = [facts.suffixes[0] for facts in _FORMATS.values() if bit_depth in facts.depths]
    return f"write {' or '.join(holders)}" if holders else "use 8, 10, 12 or 16"


def check_limits(encoding: Encoding, width: int, height: int) -> None:
    """Refuses, before any work, a size that the format cannot hold.

    Raises:
        OutputError: a side is too long; names formats that hold it.
    """
    side = max(width, height)
    limit = _FORMATS[encoding.format].max_side
    if side <= limit:
        return
    wider = [facts.suffixes[0] for facts in _FORMATS.values() if facts.max_side >= side]
    raise OutputError(
        f"cannot write {width} x {height} as {encoding.format.upper()}",
        f"it holds at most {limit:,} pixels per side",
        f"write {' or '.join(wider)}" if wider else "choose a smaller size",
    )


def encoder_bytes(encoding: Encoding, width: int, height: int, bands: int) -> int:
    """Estimate of the writer's peak memory, its queue and its verification included.

    JPEG, PNG and TIFF stream; WebP and AVIF hold the whole picture.
    """
    sample = 2 if encoding.depth > 8 else 1
    pixels = width * height
    streaming = 14_000_000 + 1400 * width * bands * sample
    if encoding.format == "webp":
        # Alpha, and everything at quality 100, goes through the lossless coder and its tables.
        lossless = bands in (2, 4) or encoding.is_lossless
        return streaming + pixels * (40 if lossless else bands + 8)
    if encoding.format == "avif":
        return streaming + 40_000_000 + pixels * (bands + 21) * (1 + sample) // 2
    return streaming
