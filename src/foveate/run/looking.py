"""Looks at a whole picture, area by area, before any of it is restored.

So a blurred part counts as one however many areas it crosses, and what is made of it shows no grid.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from foveate.engine.deblur_session import WINDOW_PX, DeblurSession, Mask
from foveate.engine.session import Float32
from foveate.errors import ModelError
from foveate.events import OnEvent, ignore_event
from foveate.geometry import Rect, Window
from foveate.look.blurred_parts import all_show_blur, blurred_parts, is_blurred_everywhere
from foveate.look.flat_windows import flat_windows
from foveate.models.card import Card, DeblurFacts
from foveate.plan.plan import Plan, look_grid_of
from foveate.run.board import Band
from foveate.run.executor import run_windows
from foveate.run.pixels import to_network
from foveate.run.rows import BandRows, Prepare

Pixels = NDArray[Any]
# Of the map (twice while its bands are joined) and of finding its parts: maps of numbers, log-odds
# and copies of them.
BYTES_PER_CELL = 64


class Blurred(NamedTuple):
    """Where a picture is blurred.

    Attributes:
        probability: (H/8, W/8), rounded up: probabilities of blur in blurred parts, 0 elsewhere.
        everywhere: whether all of it is, whatever its windows show by themselves.
    """

    probability: Float32
    everywhere: bool = False

    @property
    def nowhere(self) -> bool:
        """Whether none of it is."""
        return not (self.everywhere or self.probability.any())


@dataclass
class Looked:
    """One band: (n/8, W/8) probabilities of blur, what is flat, and where it is in the picture."""

    cores: Rect
    probability: Float32
    flat: Mask


class Looking:
    """The treatment for `run_windows` that only looks; see Deblurring for the arguments."""

    def __init__(self, plan: Plan, prepare: Prepare | None = None) -> None:
        """Keeps the rules."""
        self._plan, self._prepare = plan, prepare

    def begin(self, cores: Rect, _rows: BandRows) -> Looked:
        """Nothing seen yet."""
        shape = -(-cores.height // WINDOW_PX), -(-cores.width // WINDOW_PX)
        return Looked(cores, np.zeros(shape, np.float32), np.zeros(shape, np.bool_))

    def compute(self, session: DeblurSession, band: Band[Looked], window: Window) -> None:
        """Looks at one area; what its core holds counts."""
        left, top = window.area.left, window.area.top - band.top
        pixels = band.rows[top : top + window.area.height, left : left + window.area.width]
        pixels = prepared(pixels, self._prepare)[..., : 3 if pixels.shape[2] >= 3 else 1]
        lr = to_network(pixels, self._plan.grid.multiple, session.card.window.minimum)
        inside = window.core.within(window.area)
        place = on_grid(window.core, band.out.cores)
        band.out.probability[place] = _looked(session, lr)[cells_of(inside)]
        band.out.flat[place] = flat_windows(lr)[cells_of(inside)]


def look_plan(plan: Plan, card: Card) -> Plan:
    """How a picture is looked at that is restored by `plan`."""
    grid = look_grid_of(card, plan.grid.width, plan.grid.height)
    return replace(plan, grid=grid, self_ensemble=1)


def look_over(
    plan: Plan,
    read: Callable[[int], Pixels],
    sessions: Sequence[DeblurSession],
    threshold: float,
    prepare: Prepare | None = None,
    *,
    on_event: OnEvent = ignore_event,
    item: str = "",
) -> Blurred:
    """Looks at a whole picture, so that a part counts as one however many areas it crosses.

    Args:
        plan: of restoring it; see `look_plan`.
        read: gives its next rows.
        sessions: one per worker.
        threshold: as in Deblurring.
        prepare: as in Deblurring.
        on_event: as in `run_plan`.
        item: as in `run_plan`.
    """
    card = sessions[0].card
    plan = look_plan(plan, card)
    run = run_windows(plan, read, sessions, Looking(plan, prepare), on_event, item=item)
    with closing(run):
        bands = list(run)
    look = np.concatenate([band.probability for band in bands])
    flat = np.concatenate([band.flat for band in bands])
    for session in sessions:  # what the look took is not the network's size
        session.give_back()
    facts = card.deblur or DeblurFacts(0)
    blurred = blurred_parts(look, least_of(card, threshold), facts.evidence, threshold, flat)
    # Nothing speaks against blur in a blank picture, either: something must speak for it.
    speaks = blurred.any() or all_show_blur(look, facts.evidence, threshold, flat)
    if speaks and is_blurred_everywhere(look, facts.everywhere, threshold):
        return Blurred(look, everywhere=True)
    look[~blurred] = 0
    return Blurred(look)


def look_bytes(width: int, height: int) -> int:
    """What the map of a picture and finding its parts take, at the most."""
    return BYTES_PER_CELL * -(-width // WINDOW_PX) * -(-height // WINDOW_PX)


def least_of(card: Card, threshold: float) -> float:
    """The look's probability from which on the network is worth its while."""
    return threshold * (card.deblur or DeblurFacts(0)).entry


def prepared(pixels: Pixels, prepare: Prepare | None) -> Pixels:
    """An area as the network shall see it; the input's samples stay as they are."""
    return prepare.apply(pixels.copy()) if prepare else pixels


def cells_of(rect: Rect) -> tuple[slice, slice]:
    """The attention windows that a rectangle touches: rows and columns."""
    return (
        slice(rect.top // WINDOW_PX, -(-rect.bottom // WINDOW_PX)),
        slice(rect.left // WINDOW_PX, -(-rect.right // WINDOW_PX)),
    )


def on_grid(core: Rect, cores: Rect) -> tuple[slice, slice]:
    """A core's attention windows within its band's."""
    return cells_of(core.within(cores))


def _looked(session: DeblurSession, lr: Float32) -> Float32:
    """What a session sees in an area (1, 3, H, W): (H/8, W/8).

    Raises:
        ModelError: it has the wrong shape, NaN or infinity.
    """
    look, shape = session.look(lr), (lr.shape[2] // WINDOW_PX, lr.shape[3] // WINDOW_PX)
    if look.shape != shape or not np.isfinite(look).all():
        raise unlike_card(session, f"looked and gave {look.shape}, expected finite {shape}")
    return look


def unlike_card(session: DeblurSession, cause: str) -> ModelError:
    """The error for a result that the card does not allow."""
    return ModelError(
        f"{session.card.id} is not what its card says",
        f"{session.name} {cause}",
        "install the model again",
    )
