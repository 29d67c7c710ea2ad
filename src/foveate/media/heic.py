"""HEIC pictures, by the optional extra `heic` (pillow-heif), which decodes them whole."""

from __future__ import annotations

import io
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from foveate.errors import InputError, UsageError
from foveate.media.depth import widen_to_16
from foveate.media.metadata import Metadata, usable_exif
from foveate.media.source import SourceFile

if TYPE_CHECKING:
    from foveate.media.picture import Picture

_BANDS = {"L": 1, "LA": 2, "RGB": 3, "RGBA": 4}


def open_heic(file: SourceFile, source: Path | bytes, max_pixels: int) -> Picture:
    """The header facts of a HEIC picture; see picture.open_picture().

    Raises:
        UsageError: pillow-heif is not installed.
        InputError: damaged, or over `max_pixels`.
    """
    from foveate.media.picture import Picture, check_size  # noqa: PLC0415 - it imports us too

    heif = _open(file)
    image = heif[heif.primary_index]
    width, height = image.size
    check_size(file.name, width, height, max_pixels)
    bands, depth = _BANDS[_mode(image)], 16 if _bits(image) > 8 else 8
    notes = [f"the first of {len(heif)} pictures in the file was used"] if len(heif) > 1 else []
    if isinstance(source, Path) and source.suffix.lower() not in ("", ".heic", ".heif", ".hif"):
        notes.append(f"the name ends in {source.suffix}, but the content is HEIC")
    metadata, broken = _metadata(image.info)
    pixels = width * height
    return Picture(
        source=source,
        name=file.name,
        format="heic",
        width=width,
        height=height,
        bands=bands,
        depth=depth,
        bits=int(image.info.get("bit_depth", depth)) if depth == 16 else 8,
        has_alpha=bands in (2, 4),
        metadata=metadata,
        decoder_bytes=pixels * (3 + 2 * bands) * (depth // 8) + file.size + 8_000_000,
        notes=(*notes, *broken),
        identity=file.identity,
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


def _bits(image: Any) -> int:  # noqa: ANN401 - pillow-heif has no types
    return 16 if ";16" in image.mode else 8


def _metadata(info: dict[str, Any]) -> tuple[Metadata, list[str]]:
    exif, notes = usable_exif(info.get("exif"))
    return Metadata(icc=info.get("icc_profile"), exif=exif, xmp=info.get("xmp") or None), notes
