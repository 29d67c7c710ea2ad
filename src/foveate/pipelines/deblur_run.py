"""A deblurring under way: the picture is looked over, then its bands are restored in order."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from foveate.engine.deblur_session import DeblurSession
from foveate.engine.open import open_deblur_sessions
from foveate.engine.session import interrupt_all
from foveate.events import Event, OnEvent, Progressed
from foveate.media.reader import open_rows
from foveate.pipelines.alpha import bleeding
from foveate.pipelines.brightness import BrightnessGuard
from foveate.pipelines.deblur_prepare import DeblurJob
from foveate.pipelines.finish import dtype_of
from foveate.pipelines.guarded import Clock, Guarded
from foveate.run.composite import Composed, compose
from foveate.run.deblur import Deblurring
from foveate.run.executor import run_windows
from foveate.run.looking import Blurred, look_over

Pixels = NDArray[Any]


@dataclass(frozen=True)
class DeblurRun:
    """A run under way.

    Attributes:
        notes: of the reader of the picture; complete when the bands are.
        guard: compares rows read with rows written.
        bands: the finished bands.
        is_sharp: whether it was looked at, and nothing in it is blurred; the notes are complete.
        sessions: what computes; closed with the run.
    """

    notes: list[str]
    guard: Guarded
    bands: Iterator[Composed]
    is_sharp: bool
    sessions: list[DeblurSession]

    @property
    def engine(self) -> str:
        """Engine and version."""
        return self.sessions[0].name

    def interrupt(self) -> None:
        """Ends the windows under way, where their sessions can; the run then fails."""
        interrupt_all(self.sessions)


@contextlib.contextmanager
def open_deblurring(job: DeblurJob, clock: Clock, tell: OnEvent) -> Iterator[DeblurRun]:
    """Opens the readers and sessions of a job, and begins to compute; closes all of it after."""
    picture, model, options = job.picture, job.model, job.options
    with contextlib.ExitStack() as stack:
        mask = stack.enter_context(open_rows(job.mask)) if job.mask else None
        begun = time.perf_counter()
        sessions: list[DeblurSession] = open_deblur_sessions(
            model.card,
            model.weights_path,
            job.plan.workers,
            engine=options.engine,
            device=options.device,
            self_ensemble=job.plan.self_ensemble,
        )
        for session in sessions:
            stack.callback(session.close)
        clock.lap("open", begun)
        begun = time.perf_counter()
        blurred, notes = (None, []) if mask else _look_over(job, sessions, clock, tell)
        is_sharp = blurred is not None and blurred.nowhere
        reader = stack.enter_context(open_rows(picture))
        guard = Guarded(reader, clock, _brightness(job), (picture.name, model.card.id))
        treatment = Deblurring(
            job.plan,
            threshold=options.threshold,
            masked=mask is not None,
            blurred=blurred,
            look_only=options.strength == 0,
            prepare=bleeding(picture.bands),
        )

        def read(count: int) -> Pixels:
            rows = guard.read(count)
            return rows if mask is None else with_mask(rows, marked(mask.read(count)))

        hear = _in_last_pass(job, begun, tell)
        run = run_windows(job.plan, read, sessions, treatment, hear, item=picture.name)
        bands = compose(stack.enter_context(contextlib.closing(run)), options.strength)
        notes = notes if is_sharp else reader.notes
        yield DeblurRun(notes, guard, bands, is_sharp, sessions)


def _look_over(
    job: DeblurJob, sessions: list[DeblurSession], clock: Clock, tell: OnEvent
) -> tuple[Blurred, list[str]]:
    """Reads the picture a first time; how long the second will take is not known before.

    Returns:
        Where it is blurred, and the reader's notes.
    """
    begun, picture = time.perf_counter(), job.picture

    def hear(event: Event) -> None:
        if isinstance(event, Progressed):
            event = replace(event, windows=job.steps, remaining_s=None)
        tell(event)

    with open_rows(picture) as reader:
        prepare, threshold = bleeding(picture.bands), job.options.threshold
        found = look_over(
            job.plan, reader.read, sessions, threshold, prepare, on_event=hear, item=picture.name
        )
    clock.lap("look", begun)
    return found, reader.notes


def _in_last_pass(job: DeblurJob, begun: float, tell: OnEvent) -> OnEvent:
    """Counts on where the passes before ended."""
    before_s = time.perf_counter() - begun

    def hear(event: Event) -> None:
        if isinstance(event, Progressed):
            done, seconds = event.windows_done + job.look_steps, event.seconds + before_s
            event = replace(event, windows_done=done, windows=job.steps, seconds=seconds)
        tell(event)

    return hear


def marked(rows: Pixels) -> NDArray[np.bool_]:
    """(n, W): where a mask's rows (n, W, 1 to 4) are above 0, and not hidden by their alpha."""
    colours = 3 if rows.shape[2] >= 3 else 1
    above = (rows[..., :colours] > 0).any(-1)
    if rows.shape[2] > colours:
        above &= rows[..., -1] > 0
    return np.asarray(above)


def with_mask(rows: Pixels, mask: NDArray[np.bool_]) -> Pixels:
    """Rows with the mask as a last band, as `Deblurring` takes them."""
    joined = np.empty((*rows.shape[:2], rows.shape[2] + 1), rows.dtype)
    joined[..., :-1], joined[..., -1] = rows, mask
    return joined


def _brightness(job: DeblurJob) -> BrightnessGuard:
    size = job.picture.height, job.picture.width
    return BrightnessGuard(size, size, np.iinfo(dtype_of(job.picture)).max, light=True)
