"""Where reader, workers and consumer meet: bands in flight, work to do, the first failure.

All waiting is on one condition, so that a failure or an end wakes everyone at once.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from numpy.typing import NDArray

from foveate.geometry import Window

Out = TypeVar("Out")


@dataclass
class Band(Generic[Out]):
    """One band on its way: LR rows in, a result out.

    Attributes:
        top: LR row of rows[0].
        rows: (n, W, C) LR samples of all areas of the band.
        out: the result, filled window by window; what it is depends on the treatment.
        remaining: windows not finished yet.
    """

    top: int
    rows: NDArray[Any]
    out: Out
    remaining: int


class Stopped(Exception):  # noqa: N818 - not a failure: it ends a thread
    """The run is over; the thread that gets this ends."""


class Board(Generic[Out]):
    """Hands bands from the reader to workers to the consumer, at most `places` at a time."""

    def __init__(self, places: int) -> None:
        """Starts empty."""
        self._changed = threading.Condition()
        self._free_places = places
        self._work: deque[tuple[Band[Out], Window]] = deque()
        self._bands: deque[Band[Out]] = deque()
        self._is_read, self._is_stopped = False, False
        self._failure: BaseException | None = None
        self.pixels_done, self.windows_done = 0, 0

    def claim_place(self) -> None:
        """Reader: waits until one more band may be in flight."""
        with self._changed:
            self._wait_for(lambda: self._free_places > 0)
            self._free_places -= 1

    def post(self, band: Band[Out], windows: list[Window]) -> None:
        """Reader: gives a band to the workers."""
        with self._changed:
            self._bands.append(band)
            self._work.extend((band, window) for window in windows)
            self._changed.notify_all()

    def end_of_rows(self) -> None:
        """Reader: no band follows."""
        with self._changed:
            self._is_read = True
            self._changed.notify_all()

    def take(self) -> tuple[Band[Out], Window]:
        """Worker: the next window in raster order, waiting for one."""
        with self._changed:
            self._wait_for(lambda: bool(self._work) or self._is_read)
            if not self._work:
                raise Stopped
            return self._work.popleft()

    def finish(self, band: Band[Out], window: Window) -> None:
        """Worker: one window is in its band."""
        with self._changed:
            band.remaining -= 1
            self.windows_done += 1
            self.pixels_done += window.area.width * window.area.height
            self._changed.notify_all()

    def fail(self, failure: BaseException) -> None:
        """Any thread: ends the run; the first failure is what the consumer gets."""
        with self._changed:
            self._failure = self._failure or failure
            self._is_stopped = True
            self._changed.notify_all()

    def stop(self) -> None:
        """Consumer: ends all threads at their next step."""
        with self._changed:
            self._is_stopped = True
            self._changed.notify_all()

    def wait_for_progress(self, windows_seen: int) -> tuple[Band[Out] | None, int]:
        """Consumer: waits for a finished first band, or for more windows than it has seen.

        Returns:
            The first band if it is finished, else None; and the windows finished so far.

        Raises:
            BaseException: the first failure of any thread.
        """
        with self._changed:
            self._changed.wait_for(
                lambda: self._failure or self._first_done() or self.windows_done > windows_seen
            )
            if self._failure:
                raise self._failure
            band = self._bands.popleft() if self._first_done() else None
            return band, self.windows_done

    def release_place(self) -> None:
        """Consumer: it is done with a band it was given."""
        with self._changed:
            self._free_places += 1
            self._changed.notify_all()

    def _first_done(self) -> bool:
        return bool(self._bands) and not self._bands[0].remaining

    def _wait_for(self, is_so: Callable[[], bool]) -> None:
        self._changed.wait_for(lambda: self._is_stopped or is_so())
        if self._is_stopped:
            raise Stopped
