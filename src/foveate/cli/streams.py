"""INPUT and -o as words: a path, or "-" for a stream of one picture."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import BinaryIO

from foveate.errors import UsageError


def read_source(text: str) -> Path | bytes:
    """A path, or all of standard input for "-".

    Raises:
        UsageError: a folder, which comes in a later version.
    """
    if text == "-":
        return sys.stdin.buffer.read()
    path = Path(text)
    if path.is_dir():
        raise UsageError(
            f"{text} is a folder",
            "foveate takes one picture at a time; folders come in a later version",
            f'for f in "{text}"/*; do foveate upscale "$f"; done',
        )
    return path


def open_destination(text: str | None) -> Path | BinaryIO | None:
    """A path, standard output for "-", or None for a name made by the template."""
    if text == "-":
        return sys.stdout.buffer
    return Path(text) if text else None
