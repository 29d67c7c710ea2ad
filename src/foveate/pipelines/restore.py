"""Deblurring and enlarging without a file between: deblurred rows feed the enlargement."""

from __future__ import annotations

import contextlib
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from foveate.errors import UsageError
from foveate.events import Event, OnEvent, Warned, ignore_event
from foveate.pipelines.both_steps import BothSteps
from foveate.pipelines.deblur_findings import Findings
from foveate.pipelines.deblur_options import DeblurOptions
from foveate.pipelines.deblur_prepare import (
    DeblurJob,
    check_map_places,
    deblur_ways,
    find_deblur_model,
    open_mask,
)
from foveate.pipelines.deblur_run import DeblurRun, open_deblurring
from foveate.pipelines.guarded import Clock
from foveate.pipelines.image import Report, run_job, upscale_file
from foveate.pipelines.options import UpscaleOptions
from foveate.pipelines.place import Destination, Source
from foveate.pipelines.prepare import Job, plan_model, prepare_job
from foveate.plan.machine import default_memory, peak_memory_bytes
from foveate.plan.memory import MemoryTooSmallError
from foveate.plan.plan import Plan
from foveate.run.composite import Composed

Pixels = NDArray[Any]


@dataclass(frozen=True)
class DeblurPart:
    """What deblurring did on the way; see DeblurReport."""

    model: str
    engine: str
    windows: int
    windows_computed: int
    blurred_share: float
    changed_share: float


@dataclass(frozen=True)
class RestoreReport(Report):
    """What was done to one picture; see Report.

    Attributes:
        deblur: what deblurring did; None where it was not asked for.
    """

    deblur: DeblurPart | None


def restore_file(
    source: Source,
    destination: Destination = None,
    options: UpscaleOptions | None = None,
    deblur: DeblurOptions | None = None,
    on_event: OnEvent | None = None,
) -> RestoreReport:
    """Deblurs one picture file, where that is asked for, and enlarges it.

    Args:
        source: as in `upscale_file`.
        destination: as in `upscale_file`.
        options: of the enlargement; its memory, threads, engine, device and self-ensemble are for
            both.
        deblur: what to deblur, by which model; None: only enlarge.
        on_event: as in `upscale_file`; the windows of both steps are counted, and those of the
            first told from a thread of its own, one event at a time.

    Raises:
        FoveateError: as its class says; nothing is left behind then.
    """
    options, tell, clock = options or UpscaleOptions(), on_event or ignore_event, Clock()
    if deblur is None:
        return _report(upscale_file(source, destination, options, on_event), None, ())
    job, first = prepare_both(source, destination, options, deblur)
    both = BothSteps(tell, first.steps)
    feed = _Feed(both.deblurring)
    with contextlib.closing(Findings(first)) as findings:
        report = run_job(
            job,
            both.enlarging,
            clock,
            lambda: feed.opened(first, findings),
            on_leave=feed.leave,
        )
        notes = findings.save()
    if not findings.changed_pixels:
        notes = ("nothing to deblur was found", *notes)
    for note in notes:
        tell(Warned(job.picture.name, note))
    both.end()
    part = DeblurPart(
        first.model.card.id,
        feed.engine,
        first.plan.steps,
        findings.windows_computed,
        findings.blurred_share,
        findings.changed_share,
    )
    return _report(report, part, notes)


def prepare_both(
    source: Source, destination: Destination, options: UpscaleOptions, deblur: DeblurOptions
) -> tuple[Job, DeblurJob]:
    """Everything that is decided about both steps; their memory is planned as one.

    Raises:
        UsageError: options that do not go together, or as in `prepare_deblur`.
        FoveateError: as in `prepare_job`.
    """
    if options.wrap:
        raise UsageError("--deblur and --wrap do not go together", "deblurring does not tile")
    if 0 < options.strength < 1:
        raise UsageError(
            "--deblur and --strength between 0 and 1 do not go together",
            "the plain resize that is mixed in would be blurred",
            "use foveate deblur, then foveate upscale",
        )
    limit = options.memory_bytes or default_memory()
    # Any plan will do until both are known: else the enlargement alone would say what it needs.
    job = prepare_job(source, destination, replace(options, memory_bytes=sys.maxsize))
    deblur = replace(
        deblur,
        threads=options.threads,
        memory_bytes=limit,
        engine=options.engine,
        device=options.device,
        self_ensemble=options.self_ensemble,
    )
    mask, notes = open_mask(deblur.mask, job.picture, deblur)
    check_map_places(deblur, source, job.destination)
    model = find_deblur_model(deblur.model)
    ways = deblur_ways(job.picture, mask, model.card, deblur, 0, decoders=1, held_bands=2)
    own, plan = _plan_both(job, ways)
    first = DeblurJob(
        job.picture, mask, job.destination, job.encoding, deblur, model, own, False, notes
    )
    return replace(job, plan=plan, notes=(*job.notes, *notes)), first


def _plan_both(job: Job, ways: list[Plan]) -> tuple[Plan, Plan]:
    """The most parallel deblurring that leaves room for the enlargement, and that one's plan."""
    limit, least = ways[0].memory_limit, []
    picture = replace(job.picture, decoder_bytes=0)  # the deblurring has the decoder
    for way in ways:
        taken = way.memory.total - way.memory.base
        try:
            options = replace(job.options, memory_bytes=max(limit - taken, 1))
            return way, plan_model(picture, job.target, job.model, job.encoding, options)
        except MemoryTooSmallError as error:
            least.append(error.needed_bytes + taken)
    raise MemoryTooSmallError(min(least), limit)


class _Feed:
    """Deblurred rows as the reader that an enlargement takes them from.

    Args:
        tell: hears of the deblurring.

    Attributes:
        engine: engine and version that deblurs.
        is_over: set when nobody wants more rows: the run then ends.
    """

    def __init__(self, tell: OnEvent) -> None:
        self.engine, self.is_over, self._tell = "", threading.Event(), tell
        self._run: DeblurRun | None = None

    @contextlib.contextmanager
    def opened(self, job: DeblurJob, findings: Findings) -> Iterator[_Rows]:
        """Begins to deblur."""
        with open_deblurring(job, Clock(), self._hear) as run:
            self.engine, self._run = run.engine, run
            yield _Rows(run, findings, job.picture.height)

    def leave(self) -> None:
        """Ends the run, and the windows that it is at."""
        self.is_over.set()
        if self._run:
            self._run.interrupt()

    def _hear(self, event: Event) -> None:
        if self.is_over.is_set():
            raise _OverError
        self._tell(event)


class _OverError(Exception):
    """Ends a deblurring whose rows nobody wants any more; nobody sees it."""


class _Rows:
    """The rows of a run, in any portions; their brightness is checked at the end."""

    def __init__(self, run: DeblurRun, findings: Findings, height: int) -> None:
        self._run, self._bands, self._height = run, findings.follow(run.bands), height
        self._waiting: list[Pixels] = []
        self.notes = run.notes

    def read(self, rows: int) -> Pixels:
        """The next `rows` rows; fewer at the end."""
        while sum(map(len, self._waiting)) < rows:
            band = next(self._bands, None)
            if band is None:
                break
            self._take(band)
            del band
        joined = self._waiting[0] if len(self._waiting) == 1 else np.concatenate(self._waiting)
        self._waiting = [joined[rows:]]
        # The rows become the receiver's, and the input's samples may be among them.
        return joined[:rows].copy()

    def _take(self, band: Composed) -> None:
        """One more band; after the last one nothing is left but to compare the means."""
        self._run.guard.see(band.rows)
        self._waiting.append(band.rows)
        if band.decided.cores.bottom == self._height:
            self._run.guard.check()


def _report(report: Report, part: DeblurPart | None, notes: tuple[str, ...]) -> RestoreReport:
    values = {field.name: getattr(report, field.name) for field in fields(Report)}
    values["warnings"] = (*report.warnings, *notes)
    values["peak_memory_bytes"] = peak_memory_bytes()
    return RestoreReport(**values, deblur=part)
