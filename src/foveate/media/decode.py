"""Opens a file as a libvips image whose samples are what foveate works on.

Grey or RGB, with or without straight alpha, 8 or 16 bit: the rest is converted here, and told.
"""

from __future__ import annotations

from dataclasses import dataclass

from foveate.errors import InputError
from foveate.media.source import SourceFile
from foveate.media.vips import collect_warnings, pyvips, reason

LOADERS = {
    "jpeg": "jpegload_source",
    "png": "pngload_source",
    "webp": "webpload_source",
    "tiff": "tiffload_source",
    "avif": "heifload_source",
    "gif": "gifload_source",
}
_DIRECT = {"b-w", "grey16", "srgb", "rgb", "rgb16", "multiband"}


@dataclass(frozen=True)
class Decoded:
    """An opened file; no pixels decoded.

    Attributes:
        raw: as stored: headers and metadata.
        image: as foveate works on it; not yet upright.
        bits: that count in a 16-bit sample: 10 and 12 in some AVIF files, else 16.
        converted: whether colours were converted to sRGB, so that the profile no longer holds.
        notes: what was done.
    """

    raw: pyvips.Image
    image: pyvips.Image
    bits: int
    converted: bool
    notes: tuple[str, ...]


def open_decoder(file: SourceFile, format_: str) -> Decoded:
    """Opens `file`, of the format found by content, for reading from top to bottom.

    Raises:
        InputError: the header is damaged or of a kind that is not supported.
    """
    warnings: list[str] = []
    try:
        with collect_warnings(warnings):
            load = getattr(pyvips.Image, LOADERS[format_])
            raw = load(file.as_vips(), access="sequential", fail_on="error")
            image, notes, converted = _as_worked_on(raw, file.name)
    except pyvips.Error as error:
        raise damaged(file.name, error, warnings) from error
    bits = int(raw.get("bits-per-sample")) if format_ == "avif" else 16
    return Decoded(raw, image, bits, converted, tuple(notes))


def damaged(name: str, error: Exception, warnings: list[str] | None = None) -> InputError:
    """Tells a libvips failure while reading `name` as an InputError."""
    why = reason(error, warnings)
    early = any(
        words in why.lower() for words in ("premature end", "not enough data", "unexpected end")
    )
    cause = "the file ends early" if early else "the file is damaged"
    cause = f"{cause} ({why})" if why else f"{cause} or ends early"
    return InputError(f"cannot read {name}", cause, "get the file again from where it came")


def _as_worked_on(raw: pyvips.Image, name: str) -> tuple[pyvips.Image, list[str], bool]:
    if raw.format not in ("uchar", "ushort", "float"):
        cause = f"its samples are of the kind {raw.format}"
        raise InputError(f"cannot read {name}", cause, "convert it to 8 or 16 bit first")
    if raw.interpretation == "cmyk":
        return *_from_cmyk(raw), True
    image, notes, converted = raw, list[str](), False
    if raw.interpretation not in _DIRECT:
        image, converted = raw.colourspace("srgb"), True
        notes.append(f"{raw.interpretation} colours converted to sRGB")
    if image.format == "float":
        raise InputError(
            f"cannot read {name}", "its samples are floating-point", "convert it to 16 bit first"
        )
    if image.bands > 4:
        raise InputError(
            f"cannot read {name}", f"it has {image.bands} channels", "convert it to RGB first"
        )
    return image, notes, converted


def _from_cmyk(raw: pyvips.Image) -> tuple[pyvips.Image, list[str]]:
    depth = 16 if raw.format == "ushort" else 8
    options = {"intent": "relative", "black_point_compensation": True, "depth": depth}
    if raw.get_typeof("icc-profile-data"):
        image = raw.icc_transform("srgb", embedded=True, input_profile="cmyk", **options)
        return image, ["CMYK converted to sRGB by the file's profile"]
    image = raw.icc_transform("srgb", input_profile="cmyk", **options)
    return image, ["CMYK without a profile converted to sRGB by a usual press profile"]
