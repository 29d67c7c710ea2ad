"""What an area costs a deblurring session, by the share of attention windows that are kept."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np

from foveate.bench.compare import Timing, compare
from foveate.engine.deblur_session import DeblurSession, Mask
from foveate.engine.open import open_deblur_sessions
from foveate.engine.session import Float32
from foveate.errors import UsageError
from foveate.models.store import find_model
from foveate.plan.machine import peak_memory_bytes

SHARES = {"all kept": 1.0, "10 % kept": 0.1, "nothing kept": 0.0}
LOOK = "look"


@dataclass(frozen=True)
class DeblurSpeed:
    """What `foveate bench` prints of a deblurring model.

    Attributes:
        model: the card's id.
        engine: engine and version.
        side: of the area, in pixels.
        rounds: how often each way was timed.
        ways: processor milliseconds by share of windows kept, and of the look.
        peak_memory_bytes: of the whole process so far.
    """

    model: str
    engine: str
    side: int
    rounds: int
    ways: tuple[Timing, ...]
    peak_memory_bytes: int


def measure_deblur_speed(
    model: str, *, engine: str = "auto", rounds: int = 10, device: str = "cpu"
) -> DeblurSpeed:
    """Times one area of random pixels under masks that keep all, a tenth, and nothing.

    Raises:
        UsageError: a number below 1, no such model or engine, or one that does not deblur.
        ModelError: weights damaged, or a session that fails its self-check.
    """
    if rounds < 1:
        raise UsageError("cannot measure", "rounds start at 1")
    found = find_model(model, "deblur")
    (session,) = open_deblur_sessions(
        found.card, found.weights_path, 1, engine=engine, device=device
    )
    try:
        timings = compare(ways_of(session), rounds=rounds, clock=time.process_time)
    finally:
        session.close()
    return DeblurSpeed(
        found.card.id,
        session.name,
        found.card.window.minimum,
        rounds,
        tuple(timings),
        peak_memory_bytes(),
    )


def ways_of(session: DeblurSession) -> dict[str, Callable[[], object]]:
    """A session's work to be timed, by name."""
    area = random_area(session.card.window.minimum)
    ways: dict[str, Callable[[], object]] = {
        name: partial(session.run, area, mask=square_mask(area.shape[2], share))
        for name, share in SHARES.items()
    }
    return ways | {LOOK: partial(session.look, area)}


def random_area(side: int) -> Float32:
    """(1, 3, S, S) float32 0..1."""
    return np.random.default_rng(0).random((1, 3, side, side), np.float32)


def square_mask(side: int, share: float) -> Mask:
    """(S, S) bool: a square in the middle that holds about this share of the area."""
    mask = np.zeros((side, side), np.bool_)
    edge = round(side * share**0.5)
    start = (side - edge) // 2
    mask[start : start + edge, start : start + edge] = True
    return mask
