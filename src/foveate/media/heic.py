"""HEIC pictures, by the optional extra `heic` (pillow-heif), which decodes them whole."""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from foveate.errors import InputError, UsageError
from foveate.media.depth import widen_to_16
from foveate.media.metadata import Metadata, usable_exif
from foveate.media.source import SourceFile

_BANDS = {"L": 1, "LA": 2, "RGB": 3, "RGBA": 4}


@dataclass(frozen=True)
class HeicHeader:
    """What the header of a HEIC file says of its primary picture.

    Attributes:
        width: pixels, upright.
        height: pixels, upright.
        bands: 1 grey, 2 grey and alpha, 3 RGB, 4 RGB and alpha.
        bits: per sample as stored: 8, 10, 12 or 16.
        metadata: what a writer needs.
        notes: what is worth telling.
    """

    width: int
    height: int
    bands: int
    bits: int
    metadata: Metadata
    notes: tuple[str, ...]


def read_heic_header(file: SourceFile) -> HeicHeader:
    """The header facts of a HEIC picture.

    Raises:
        UsageError: pillow-heif is not installed.
        InputError: damaged.
    """
    heif = _open(file)
    image = heif[heif.primary_index]
    notes = [f"the first of {len(heif)} pictures in the file was used"] if len(heif) > 1 else []
    metadata, broken = _metadata(image.info)
    width, height = image.size
    return HeicHeader(
        width,
        height,
        bands=_BANDS[_mode(image)],
        bits=int(image.info.get("bit_depth", 16)) if ";16" in image.mode else 8,
        metadata=metadata,
        notes=(*notes, *broken),
    )


def decode_heic(file: SourceFile) -> NDArray[np.uint8 | np.uint16]:
    """The pixels of a HEIC picture: (H, W, bands) uint8 or uint16, upright.

    Raises:
        InputError: damaged.
    """
    heif = _open(file)
    image = heif[heif.primary_index]
    try:
        pixels = np.asarray(image)
    except (OSError, ValueError, RuntimeError, EOFError) as error:
        raise InputError(f"cannot read {file.name}", str(error), "get the file again") from error
    if pixels.ndim == 2:
        pixels = pixels[:, :, None]
    bits = int(image.info.get("bit_depth", 8))
    if pixels.dtype == np.uint16 and 8 < bits < 16:
        return widen_to_16(pixels, bits)
    return np.ascontiguousarray(pixels)


def _open(file: SourceFile) -> Any:  # noqa: ANN401 - pillow-heif has no types
    try:
        import pillow_heif  # noqa: PLC0415 - an optional extra
    except ImportError as error:
        raise UsageError(
            f"cannot read {file.name}",
            "HEIC needs the extra `heic`",
            "run: pip install 'foveate[heic]'",
        ) from error
    data = io.BytesIO(file.read_at(0, file.size))
    try:
        # The default hands out 10 and 12 bit as 8; we ask for all of it, scaled to 16.
        return pillow_heif.open_heif(data, convert_hdr_to_8bit=False, bgr_mode=False)
    except (OSError, ValueError, RuntimeError, EOFError, SyntaxError) as error:
        raise InputError(f"cannot read {file.name}", str(error), "get the file again") from error


def _mode(image: Any) -> str:  # noqa: ANN401 - pillow-heif has no types
    mode: str = image.mode.partition(";")[0]
    return "L" if mode == "I" else mode


def _metadata(info: dict[str, Any]) -> tuple[Metadata, list[str]]:
    exif, notes = usable_exif(info.get("exif"))
    return Metadata(icc=info.get("icc_profile"), exif=exif, xmp=info.get("xmp") or None), notes
