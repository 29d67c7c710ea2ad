"""The events of deblurring and of enlarging, told as those of one run."""

from __future__ import annotations

import threading
import time
from dataclasses import replace

from foveate.events import Event, Finished, OnEvent, Progressed, Started


class BothSteps:
    """Joins the events of both steps into those of one run, told by end() to be finished."""

    def __init__(self, tell: OnEvent, windows: int) -> None:
        """`windows` are the first step's."""
        self._tell, self._first = tell, windows
        self._started, self._lock = time.perf_counter(), threading.Lock()
        self._done, self._second = [0, 0], 0
        self._remaining_s: list[float | None] = [None, None]
        self._last: list[Event] = []

    def deblurring(self, event: Event) -> None:
        """An event of the first step."""
        if isinstance(event, Progressed):
            self._add(0, event)

    def enlarging(self, event: Event) -> None:
        """An event of the second step."""
        if isinstance(event, Progressed):
            self._add(1, event)
        elif isinstance(event, Finished):
            self._last.append(event)
        elif isinstance(event, Started):
            self._second = event.windows
            self._tell(replace(event, windows=self._first + event.windows))
        else:
            self._tell(event)

    def end(self) -> None:
        """What was kept for the end."""
        for event in self._last:
            self._tell(event)

    def _add(self, step: int, event: Progressed) -> None:
        """The second step waits for the first: until that is done, its time is what remains."""
        with self._lock:
            self._done[step], self._remaining_s[step] = event.windows_done, event.remaining_s
            remaining_s = self._remaining_s[self._done[0] == self._first]
            seconds = time.perf_counter() - self._started
            done, windows = sum(self._done), self._first + self._second
            self._tell(Progressed(event.item, done, windows, seconds, remaining_s))
