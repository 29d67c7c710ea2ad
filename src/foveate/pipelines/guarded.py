"""Rows read and written under guard: their brightness is compared, their time is counted."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any, Protocol

from numpy.typing import NDArray

from foveate.media.writer import RowWriter, Written
from foveate.pipelines.brightness import BrightnessGuard

Pixels = NDArray[Any]


class Reader(Protocol):
    """Hands out the rows of a picture in order; `notes` is what showed while reading."""

    notes: list[str]

    def read(self, rows: int) -> Pixels:
        """The next `rows` rows, (n, W, C); fewer at the end."""


class Guarded:
    """The reader and the brightness guard that looks at its rows; counts the time of reading.

    Args:
        reader: gives the input's rows.
        clock: gets the time of reading, waiting and writing.
        brightness: compares rows read with rows written; None: the result is beyond doubt.
        names: the picture and the model, for a refusal.
    """

    def __init__(
        self,
        reader: Reader,
        clock: Clock,
        brightness: BrightnessGuard | None,
        names: tuple[str, str],
    ) -> None:
        """Nothing read yet."""
        self.reader, self._clock = reader, clock
        self.brightness, self._names = brightness, names

    def read(self, count: int) -> Pixels:
        """The next rows."""
        begun = time.perf_counter()
        rows = self.reader.read(count)
        if self.brightness:
            self.brightness.read(rows)
        self._clock.lap("read", begun)
        return rows

    def see(self, rows: Pixels) -> None:
        """Takes account of the next finished rows."""
        if self.brightness:
            self.brightness.write(rows)

    def check(self) -> None:
        """Holds what was finished against what was read.

        Raises:
            ModelError: the brightness is another.
        """
        if self.brightness:
            self.brightness.check(*self._names)

    def write_all(self, rows: Iterator[Pixels], writer: RowWriter) -> Written:
        """Writes every row and verifies the result, then puts it in its place."""
        while True:
            begun = time.perf_counter()
            band = next(rows, None)
            self._clock.lap("network", begun)
            if band is None:
                break
            begun = time.perf_counter()
            self.see(band)
            writer.write(band)
            self._clock.lap("write", begun)
            del band
        self.check()
        begun = time.perf_counter()
        written = writer.finish()
        self._clock.lap("write", begun)
        return written


class Clock:
    """Adds up the time of each stage."""

    def __init__(self) -> None:
        """No time spent yet."""
        self.started = time.perf_counter()
        self.seconds: dict[str, float] = {}

    def lap(self, stage: str, begun: float) -> None:
        """Adds the time since `begun` (time.perf_counter) to `stage`."""
        self.seconds[stage] = self.seconds.get(stage, 0.0) + time.perf_counter() - begun

    def rounded(self) -> dict[str, float]:
        """Seconds by stage, and "total" since the clock was made."""
        self.seconds["total"] = time.perf_counter() - self.started
        return {stage: round(s, 4) for stage, s in self.seconds.items()}
