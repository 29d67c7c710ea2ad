"""Metadata of an input made fit for one output: facts corrected, what has no place told."""

from __future__ import annotations

from dataclasses import replace

from foveate.media.container import JPEG_EXIF_LIMIT
from foveate.media.encoding import Encoding
from foveate.media.exif import corrected_exif
from foveate.media.metadata import Metadata
from foveate.media.xmp import corrected_xmp


def fit_metadata(
    metadata: Metadata, encoding: Encoding, width: int, height: int, *, strip: bool
) -> tuple[Metadata, tuple[str, ...]]:
    """Metadata as this output can carry it.

    Args:
        metadata: of the input.
        encoding: of the output.
        width: pixels of the output, upright.
        height: pixels of the output, upright.
        strip: keep the colour profile only.

    Returns:
        What to store, and notes on what is left out.
    """
    if strip:
        return metadata.stripped(), ()
    notes = []
    exif, iptc, name = metadata.exif, metadata.iptc, encoding.format.upper()
    if exif:
        try:
            exif = corrected_exif(exif, width, height)
        except ValueError as error:
            exif = None
            notes.append(f"broken EXIF left out: {error}")
    if exif and encoding.format in ("jpeg", "avif") and len(exif) > JPEG_EXIF_LIMIT:
        notes.append(f"EXIF left out: {len(exif):,} bytes, and {name} holds {JPEG_EXIF_LIMIT:,}")
        exif = None
    if iptc and encoding.format not in ("jpeg", "tiff"):
        notes.append(f"IPTC left out: {name} has no place for it")
        iptc = None
    if metadata.texts:
        notes.append(f"text left out: {', '.join(dict.fromkeys(metadata.texts))}")
    xmp = corrected_xmp(metadata.xmp, width, height) if metadata.xmp else None
    return replace(metadata, exif=exif, iptc=iptc, xmp=xmp), tuple(notes)
