"""Writers opened as tests want them: by format and shape, the rest as usual."""

from pathlib import Path
from typing import Any, BinaryIO

from foveate.media.encoding import Encoding
from foveate.media.metadata import Metadata
from foveate.media.writer import RowWriter, open_writer

FORMATS = ("jpeg", "png", "webp", "tiff", "avif")
LOSSY = {"jpeg": 95, "webp": 95, "avif": 90}


def open_output(
    place: Path | BinaryIO,
    format_: str,
    shape: tuple[int, ...],
    *,
    quality: int | None = None,
    depth: int = 8,
    file_depth: int | None = None,
    metadata: Metadata | None = None,
    overwrite: bool = False,
    **more: Any,
) -> RowWriter:
    """A writer of (height, width, bands) rows of `depth` bits."""
    height, width, bands = shape
    return open_writer(
        place,
        Encoding(format_, quality or LOSSY.get(format_), file_depth or depth),
        width=width,
        height=height,
        bands=bands,
        depth=depth,
        metadata=metadata or Metadata(),
        overwrite=overwrite,
        **more,
    )
