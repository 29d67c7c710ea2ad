"""Where a result goes, under which name and in which format: decided from the input's header."""

from __future__ import annotations

import os
import string
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from foveate.atomic import check_destination
from foveate.errors import UsageError
from foveate.media.encoding import DEFAULT_SUFFIX, Encoding, choose_encoding
from foveate.media.picture import MAX_PIXELS, Picture, open_picture
from foveate.pipelines.options import FileOptions

Source = str | Path | bytes
Destination = str | Path | BinaryIO | None


@dataclass(frozen=True)
class Place:
    """Where one result goes.

    Attributes:
        destination: a path or a stream.
        encoding: how it is stored.
        exists: whether a file is there already.
        notes: what is worth telling.
    """

    destination: Path | BinaryIO
    encoding: Encoding
    exists: bool
    notes: tuple[str, ...]


def open_source(source: Source, options: FileOptions) -> Picture:
    """The header of the input, within the limits of the options.

    Raises:
        FoveateError: as `open_picture`.
    """
    return open_picture(
        Path(source) if isinstance(source, str) else source,
        max_pixels=MAX_PIXELS if options.max_pixels is None else options.max_pixels,
        first_frame=options.first_frame,
    )


def choose_place(
    source: Source,
    destination: Destination,
    picture: Picture,
    options: FileOptions,
    fields: dict[str, Any],
    *,
    only_plan: bool = False,
) -> Place:
    """Chooses name and format, and refuses a place that cannot be written.

    Args:
        source: a path, or the bytes of a whole file.
        destination: a path whose suffix chooses the format, a stream, or None for `options.name`
            beside the source.
        picture: the source's header.
        options: name, encoding, overwrite.
        fields: what the name may hold beside {stem} and {ext}.
        only_plan: nothing will be written: an output that exists is told, not refused.

    Raises:
        UsageError: no name, or no suffix to tell the format by.
        OutputError: the place or the format is not possible.
    """
    if destination is None:
        if isinstance(source, bytes):
            raise UsageError("standard input has no name", "", "give -o FILE, or -o - for a stream")
        destination = _default_path(Path(source), picture, options.name, fields)
    place = Path(destination) if isinstance(destination, str) else destination
    suffix = place.suffix if isinstance(place, Path) else None
    if suffix == "":
        raise UsageError(
            f"cannot tell the format of {place}",
            "its name has no suffix",
            f"end it in one of {', '.join(DEFAULT_SUFFIX.values())}",
        )
    encoding, notes = choose_encoding(
        suffix, picture, quality=options.quality, bit_depth=options.bit_depth
    )
    exists = isinstance(place, Path) and os.path.lexists(place)
    if isinstance(place, Path):
        check_destination(place, overwrite=options.overwrite or only_plan)
    if exists and not options.overwrite:
        notes += (f"{place} exists: a run would refuse without --overwrite",)
    return Place(place, encoding, exists, notes)


def _default_path(source: Path, picture: Picture, template: str, fields: dict[str, Any]) -> Path:
    own = source.suffix
    usual = DEFAULT_SUFFIX.get(picture.format, ".png")
    suffix = own if _canonical(own) == usual else usual
    fields = {"stem": source.stem, **fields, "ext": suffix}
    known = ", ".join(fields)
    try:
        used = {name for _, name, _, _ in string.Formatter().parse(template) if name}
        name = template.format(**fields) if used <= fields.keys() else ""
    except (ValueError, IndexError, KeyError) as error:
        raise UsageError(f"cannot read --name {template!r}", str(error)) from error
    if not name or "/" in name or "\0" in name:
        raise UsageError(f"cannot use --name {template!r}", "", f"fields: {known}; no folders")
    return source.with_name(name)


def _canonical(suffix: str) -> str:
    same = {".jpeg": ".jpg", ".jpe": ".jpg", ".jfif": ".jpg", ".tiff": ".tif"}
    return same.get(suffix.lower(), suffix.lower())
