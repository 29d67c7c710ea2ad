"""Typed progress records: what a run tells its caller while it goes on.

Producers call `on_event(event)`; `cli/` turns events into a bar or JSON lines. No text here.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Started:
    """Work on one picture begins: its name, its windows and the SR pixels to make.

    Where no network is needed (strength 0), a strip of rows stands for a window. Deblurring without
    a mask counts those it looks at, which are larger, and those it restores; where nothing is
    blurred it ends after the first.
    """

    item: str
    windows: int
    pixels: int
    type: str = "start"


@dataclass(frozen=True)
class Progressed:
    """`windows_done` of `windows` are finished, `seconds` after the start."""

    item: str
    windows_done: int
    windows: int
    seconds: float
    remaining_s: float | None
    type: str = "progress"


@dataclass(frozen=True)
class Warned:
    """Something was not done as asked, or is worth knowing; the work goes on."""

    item: str
    message: str
    type: str = "warning"


@dataclass(frozen=True)
class Finished:
    """The picture is written and verified."""

    item: str
    output: str
    seconds: float
    type: str = "file"


@dataclass(frozen=True)
class Failed:
    """The picture could not be done; `message` is the error's one line."""

    item: str
    message: str
    type: str = "error"


@dataclass(frozen=True)
class Ended:
    """Always the last record: the exit code."""

    code: int
    type: str = "end"


Event = Started | Progressed | Warned | Finished | Failed | Ended
OnEvent = Callable[[Event], None]


def ignore_event(event: Event) -> None:
    """The sink for callers that do not listen."""
