"""Progress for people and programs: a bar on a terminal, JSON lines, or nothing; always on stderr."""

from __future__ import annotations

import json
import os
import sys
from dataclasses import asdict

from foveate.events import Event, Failed, Finished, Progressed, Started, Warned

BAR = 24


class Progress:
    """An event sink; `style` is "auto", "json" or "none"."""

    def __init__(self, style: str) -> None:
        """A bar is drawn on a terminal only."""
        self.as_json = style == "json"
        self.bar = style == "auto" and sys.stderr.isatty()
        self.colour = self.bar and not os.environ.get("NO_COLOR")
        self._pixels = 0
        self._drawn = False

    def __call__(self, event: Event) -> None:
        """Tells one event."""
        if self.as_json:
            print(json.dumps(asdict(event)), file=sys.stderr, flush=True)  # noqa: T201 - the cli speaks
            return
        if isinstance(event, Started):
            self._pixels = event.pixels
        elif isinstance(event, Progressed):
            self._draw(event)
        elif isinstance(event, Warned):
            self._line(f"note: {event.item}: {event.message}")
        elif isinstance(event, Finished | Failed):
            self.clear()

    def clear(self) -> None:
        """Takes the bar away."""
        if self._drawn:
            print("\r\x1b[K", end="", file=sys.stderr, flush=True)  # noqa: T201
            self._drawn = False

    def _line(self, text: str) -> None:
        self.clear()
        print(text, file=sys.stderr, flush=True)  # noqa: T201

    def _draw(self, event: Progressed) -> None:
        if not self.bar:
            return
        share = event.windows_done / event.windows
        filled = round(share * BAR)
        speed = self._pixels * share / 1e6 / max(event.seconds, 1e-9)
        left = "" if event.remaining_s is None else f"  {event.remaining_s:.0f} s left"
        bar = "#" * filled + "-" * (BAR - filled)
        bar = f"\x1b[36m{bar}\x1b[0m" if self.colour else bar
        print(f"\r\x1b[K{bar} {share:4.0%}  {speed:.1f} MP/s{left}", end="", file=sys.stderr, flush=True)  # noqa: T201
        self._drawn = True
