"""The input's own bytes as the output: what is best where nothing was changed."""

from __future__ import annotations

from pathlib import Path
from typing import BinaryIO

from foveate.atomic import AtomicFile, output_error, write_all
from foveate.errors import InputError
from foveate.media.picture import Picture
from foveate.media.source import SourceFile
from foveate.media.stream import StreamFile
from foveate.media.writer import Written

_BLOCK_BYTES = 1 << 20


def copy_picture(picture: Picture, destination: Path | BinaryIO, *, overwrite: bool) -> Written:
    """Copies the file of a picture, byte for byte.

    Args:
        picture: by open_picture().
        destination: a path, or a binary stream.
        overwrite: whether an existing file may be replaced.

    Raises:
        InputError: the file changed since it was opened, or cannot be read.
        OutputError: the place cannot be written.
    """
    place: AtomicFile | StreamFile = (
        AtomicFile(destination, overwrite=overwrite)
        if isinstance(destination, Path)
        else StreamFile(destination)
    )
    try:
        with SourceFile(picture.source) as file:
            changed = file.identity != picture.identity
            for offset in range(0, file.size, _BLOCK_BYTES):
                data = file.read_at(offset, _BLOCK_BYTES)
                if changed or not data:
                    cause = "the file changed while it was being read"
                    raise InputError(f"cannot read {picture.name}", cause, "try again")
                _append(place, data)
            size = file.size
        place.commit()
    finally:
        place.close()
    return Written(str(place.path), size, ())


def _append(place: AtomicFile | StreamFile, data: bytes) -> None:
    try:
        write_all(place.descriptor, data)
    except OSError as error:
        raise output_error(error, place.path) from error
