"""Times several ways to do one thing, side by side: every speed claim is a ratio from here.

The ways take turns within each round, so that whatever else the machine does meets all of them.
"""

from __future__ import annotations

import gc
import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Timing:
    """How long one way took, in milliseconds over all rounds.

    Attributes:
        name: the way's name.
        rounds: how often it was timed.
        min_ms: the quickest round.
        median_ms: the middle of the rounds.
        max_ms: the slowest round.
        iqr_ms: the distance between the quartiles; 0 for fewer than two rounds.
        ratio: the median over rounds of its time by the first way's time in the same round.
    """

    name: str
    rounds: int
    min_ms: float
    median_ms: float
    max_ms: float
    iqr_ms: float
    ratio: float


def compare(
    ways: Mapping[str, Callable[[], object]],
    *,
    rounds: int,
    warm_up: int = 1,
    clock: Callable[[], float] | None = None,
) -> list[Timing]:
    """Runs every way once per round, `rounds` times, after `warm_up` rounds that do not count.

    Args:
        ways: what to time, by name; the first is the baseline of the ratios.
        rounds: how many rounds are timed, >= 1.
        warm_up: how many rounds come before.
        clock: tells seconds, None: on the wall. `time.process_time` suits one thread on a machine
            that others use, too.

    Returns:
        One timing per way, in the order given.
    """
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    clock = clock or time.perf_counter
    collecting = gc.isenabled()
    gc.disable()  # a collection would fall on whichever way happens to run
    try:
        for number in range(-warm_up, rounds):
            for name, way in ways.items():
                started = clock()
                way()
                spent = clock() - started
                if number >= 0:
                    seconds[name].append(spent)
            gc.collect()
    finally:
        if collecting:
            gc.enable()
    baseline = next(iter(seconds.values()))
    return [summarise(name, spent, baseline) for name, spent in seconds.items()]


def summarise(name: str, seconds: list[float], baseline: list[float] | None = None) -> Timing:
    """Puts the rounds of one way together.

    Args:
        name: the way's name.
        seconds: time of each round.
        baseline: time of the baseline in the same rounds; None: itself.
    """
    ratios = [own / first for own, first in zip(seconds, baseline or seconds, strict=True)]
    quartiles = statistics.quantiles(seconds) if len(seconds) > 1 else [0.0, 0.0, 0.0]
    return Timing(
        name,
        len(seconds),
        min(seconds) * 1e3,
        statistics.median(seconds) * 1e3,
        max(seconds) * 1e3,
        (quartiles[2] - quartiles[0]) * 1e3,
        statistics.median(ratios),
    )
