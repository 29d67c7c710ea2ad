"""INPUT and -o as words: a path, or "-" for a stream of one picture."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import BinaryIO

from foveate.errors import InputError, OutputError, UsageError


def read_source(text: str, command: str = "upscale") -> Path | bytes:
    """A path, or all of standard input for "-"; `command` is what a folder's hint repeats.

    Raises:
        UsageError: a folder, which comes in a later version, or no name at all.
        InputError: standard input is closed.
    """
    if text == "-":
        if sys.stdin is None:  # closed by `<&-`
            raise InputError("cannot read standard input", "it is closed", "name a file instead")
        return sys.stdin.buffer.read()
    if not text:
        raise UsageError("INPUT is empty", "", "name a picture, or - for standard input")
    path = Path(text)
    if path.is_dir():
        raise UsageError(
            f"{text} is a folder",
            "foveate takes one picture at a time; folders come in a later version",
            f'for f in "{text}"/*; do foveate {command} "$f"; done',
        )
    return path


def open_destination(text: str | None) -> Path | BinaryIO | None:
    """A path, standard output for "-", or None for a name made by the template.

    Raises:
        UsageError: no name at all, or pictures would go to a terminal.
        OutputError: standard output is closed.
    """
    if text is None:
        return None
    if not text:
        raise UsageError("-o is empty", "", "give -o FILE, -o - for a stream, or leave it out")
    if text != "-":
        return Path(text)
    if sys.stdout is None:  # closed by `>&-`
        raise OutputError("cannot write standard output", "it is closed", "give -o FILE")
    if sys.stdout.isatty():
        raise UsageError("-o - would fill the terminal", "", "redirect it, or give -o FILE")
    return sys.stdout.buffer
