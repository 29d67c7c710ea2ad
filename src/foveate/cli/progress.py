"""The command's voice on stderr: words and a bar for people, typed JSON lines for programs."""

from __future__ import annotations

import json
import os
import sys
from dataclasses import asdict

import click

from foveate.events import Ended, Event, Failed, Finished, Progressed, Started, Warned

BAR = 24
STYLES = ("auto", "json", "none")
# main.py reads both from the command line itself, before click does: no command is given them.
progress_option = click.option(
    "--progress",
    type=click.Choice(STYLES),
    default="auto",
    show_default=True,
    expose_value=False,
    help="On stderr: a bar on a terminal, typed JSON lines, or words alone.",
)
debug_option = click.option(
    "--debug", is_flag=True, expose_value=False, help="Show a traceback on errors."
)


class Progress:
    """An event sink.

    Args:
        style: "auto" draws a bar on a terminal, "json" writes one typed line per event and no
            other word, "none" draws no bar.

    Attributes:
        as_json: whether programs listen.
        item: what is worked on, for a failure that comes before the first event.
    """

    def __init__(self, style: str) -> None:
        """Says nothing yet."""
        self.as_json, self.item = style == "json", ""
        self._bar = style == "auto" and sys.stderr is not None and sys.stderr.isatty()
        self._colour = self._bar and not os.environ.get("NO_COLOR")
        self._pixels = 0
        self._drawn = False

    def __call__(self, event: Event) -> None:
        """Tells one event."""
        if self.as_json:
            fields = asdict(event)
            self._write(json.dumps({"type": fields.pop("type"), **fields}) + "\n")
        elif isinstance(event, Started):
            self._pixels = event.pixels
        elif isinstance(event, Progressed):
            self._draw(event)
        elif isinstance(event, Warned):
            self.say(f"note: {event.item}: {event.message}")
        elif isinstance(event, Finished):
            self._clear()
        elif isinstance(event, Failed):
            self.say(f"error: {event.message}")

    def say(self, text: str) -> None:
        """A line for people; programs get typed lines only."""
        self._clear()
        if not self.as_json:
            self._write(text + "\n")

    def fail(self, message: str) -> None:
        """The error's one line."""
        self(Failed(self.item, message))

    def end(self, code: int) -> None:
        """The last record."""
        self(Ended(code))

    def _clear(self) -> None:
        if self._drawn:
            self._write("\r\x1b[K")
            self._drawn = False

    def _draw(self, event: Progressed) -> None:
        if not self._bar:
            return
        share = event.windows_done / event.windows
        filled = round(share * BAR)
        speed = self._pixels * share / 1e6 / max(event.seconds, 1e-9)
        left = "" if event.remaining_s is None else f"  {event.remaining_s:.0f} s left"
        bar = "#" * filled + "-" * (BAR - filled)
        bar = f"\x1b[36m{bar}\x1b[0m" if self._colour else bar
        digits = 1 if speed >= 1 else 3
        self._write(f"\r\x1b[K{bar} {share:4.0%}  {speed:.{digits}f} MP/s{left}")
        self._drawn = True

    @staticmethod
    def _write(text: str) -> None:
        if sys.stderr is None:  # closed by `2>&-`
            return
        try:
            sys.stderr.write(text)
            sys.stderr.flush()
        except OSError:
            sys.stderr = None  # nobody listens, or its disk is full; the work goes on
