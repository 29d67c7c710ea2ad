"""How fast a model is on this machine: measured once, then remembered in the user's cache folder.

Plans alone ask here. A run never does, so that no result can depend on what was measured.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import math
import os
import statistics
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, Literal

import numpy as np

from foveate.atomic import write_bytes
from foveate.engine.check import check_window
from foveate.engine.open import available_engines, open_deblur_sessions, open_sessions
from foveate.engine.session import Session
from foveate.errors import FoveateError, OutputError
from foveate.geometry import round_up
from foveate.models.card import WindowFacts
from foveate.models.store import Model
from foveate.plan.machine import describe_processor
from foveate.plan.plan import Plan

CALL_S = 0.05  # a call as long as this is timed to a few per cent
ROUNDS, PATIENCE_S = 3, 0.5  # fewer rounds where they take long
SMALLEST_PX, LARGEST_PX = 32, 256
MOST_SESSIONS = 8  # beyond, opening them would take longer than the measurement
Work = Literal["upscale", "look", "deblur"]  # "deblur": with every window kept


def with_seconds(plan: Plan, model: Model, *, device: str = "cpu") -> tuple[Plan, tuple[str, ...]]:
    """The plan with its time, by the model's speed on this machine, engine and so many workers.

    Args:
        plan: of any picture to enlarge.
        model: the plan's model, whose weights were verified.
        device: as `open_sessions` takes it.

    Returns:
        The plan, and notes; both as in `seconds_of`.
    """
    seconds, notes = seconds_of(plan, model, "upscale", plan.worker_pixels, device=device)
    return replace(plan, seconds=seconds), notes


def seconds_of(
    plan: Plan, model: Model, work: Work, pixels: float, *, device: str = "cpu"
) -> tuple[float | None, tuple[str, ...]]:
    """How long this model's work takes each of the plan's workers.

    Args:
        plan: says engine and workers.
        model: the plan's model, whose weights were verified.
        work: what is done.
        pixels: LR pixels of the busiest worker.
        device: as `open_sessions` takes it.

    Returns:
        The time, None where the model cannot run; and notes: why it cannot, or what is wrong with
        the cache, which is never a failure.
    """
    facts: dict[str, Any] = {
        "model": plan.model,
        "weights": model.card.weights.sha256,
        "work": work,
        "engine": _versioned(plan.engine),
        "device": device,
        "at_once": min(plan.windows_at_once, MOST_SESSIONS),
        "processor": describe_processor(),
    }
    notes: list[str] = []
    speed = _remembered(facts, notes)
    if speed is None:
        try:
            speed = measure_lr_pixels_per_s(model, plan.engine, device, facts["at_once"], work)
        except FoveateError as error:
            return None, (f"the time is not known: {error}",)
        _remember(facts, speed, notes)
    return pixels / speed, tuple(notes)


def measure_lr_pixels_per_s(
    model: Model, engine: str, device: str, at_once: int, work: Work = "upscale"
) -> float:
    """LR pixels that one worker computes in a second while `at_once` of them work.

    The median of a few calls of at most LARGEST_PX a side, about 0.2 s; some seconds of a
    deblurring model, whose areas are of one size. On a CPU its time is counted, not the clock's:
    what is remembered must not tell how busy the machine was.

    Raises:
        FoveateError: as opening and asking a session.
    """
    with contextlib.ExitStack() as stack:
        calls, pixels = _open_calls(
            stack, model, at_once, work, {"engine": engine, "device": device}
        )
        with ThreadPoolExecutor(at_once) as pool:
            rounds = _seconds_of_rounds(lambda: list(pool.map(lambda call: call(), calls)), device)
    call_s = statistics.median(rounds) / (at_once if device == "cpu" else 1)
    return pixels / call_s


def cache_folder() -> Path:
    """Where measured speeds are: $XDG_CACHE_HOME, else ~/.cache; deleting it only costs time.

    Raises:
        RuntimeError: this user has no home folder.
    """
    chosen = os.environ.get("XDG_CACHE_HOME", "")
    # The standard wants relative paths ignored.
    base = Path(chosen) if chosen.startswith("/") else Path.home() / ".cache"
    return base / "foveate" / "speed"


def _open_calls(
    stack: contextlib.ExitStack, model: Model, at_once: int, work: Work, where: dict[str, Any]
) -> tuple[list[Callable[[], object]], int]:
    """One call of each of so many sessions, which the stack closes; and the LR pixels of each."""
    card, weights = model.card, model.weights_path
    if work == "upscale":
        sessions = open_sessions(card, weights, at_once, **where)
        for session in sessions:
            stack.callback(session.close)
        lr = check_window(_fitting_side(sessions[0], card.window))
        return [partial(session.run, lr) for session in sessions], lr.size // 3
    deblurring = open_deblur_sessions(card, weights, at_once, **where)
    for each in deblurring:
        stack.callback(each.close)
    area = check_window(card.window.minimum)
    kept = np.ones(area.shape[2:], np.bool_)
    calls: list[Callable[[], object]] = [
        partial(each.look, area) if work == "look" else partial(each.run, area, mask=kept)
        for each in deblurring
    ]
    return calls, area.size // 3


def _fitting_side(session: Session, window: WindowFacts) -> int:
    """Pixels a side of a call that takes about CALL_S, at most those of a window."""
    smallest = round_up(max(SMALLEST_PX, window.minimum), window.multiple)
    lr = check_window(smallest)
    session.run(lr)  # the first call allocates
    started = time.perf_counter()
    session.run(lr)
    side = smallest * math.sqrt(CALL_S / (time.perf_counter() - started))
    side = min(side, LARGEST_PX, min(window.core_width, window.core_height) + 2 * window.halo)
    return max(smallest, int(side) // window.multiple * window.multiple)


def _seconds_of_rounds(compute: Callable[[], object], device: str) -> list[float]:
    clock = time.process_time if device == "cpu" else time.perf_counter
    begun = time.perf_counter()
    compute()  # the first call of a size allocates
    seconds: list[float] = []
    while not seconds or (len(seconds) < ROUNDS and time.perf_counter() - begun < PATIENCE_S):
        started = clock()
        compute()
        seconds.append(clock() - started)
    return seconds


def _versioned(engine: str) -> str:
    return next(
        (f"{known.name} {known.version}" for known in available_engines() if known.name == engine),
        engine,
    )


def _place(facts: dict[str, Any]) -> Path:
    key = hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()
    return cache_folder() / f"{key[:32]}.json"


def _remembered(facts: dict[str, Any], notes: list[str]) -> float | None:
    """The speed that was measured under the same facts, or None."""
    try:
        path = _place(facts)
        known = json.loads(path.read_bytes())
        speed = known.pop("lr_pixels_per_s")
        if known == facts and 0 < speed < math.inf:
            return float(speed)
        problem = "it does not hold what it should"
    except (FileNotFoundError, RuntimeError):
        return None
    except (OSError, ValueError, TypeError, AttributeError, KeyError) as error:
        problem = str(error)
    notes.append(f"the speed measured before cannot be used: {problem}")
    return None


def _remember(facts: dict[str, Any], speed: float, notes: list[str]) -> None:
    try:
        path = _place(facts)
        path.parent.mkdir(parents=True, exist_ok=True)
        document = {**facts, "lr_pixels_per_s": speed}
        write_bytes(path, json.dumps(document, indent=1).encode(), overwrite=True)
    except (OSError, RuntimeError, OutputError) as error:
        notes.append(f"the measured speed was not kept: {error}")
