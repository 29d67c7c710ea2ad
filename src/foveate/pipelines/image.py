"""One picture's way: read -> look -> plan -> run -> write."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from foveate.engine.open import open_sessions
from foveate.engine.session import Session
from foveate.events import Finished, OnEvent, Started, Warned, ignore_event
from foveate.media.reader import open_rows
from foveate.media.writer import RowWriter, open_writer
from foveate.pipelines.alpha import bleeding
from foveate.pipelines.brightness import BrightnessGuard
from foveate.pipelines.finish import dtype_of, mixed_rows, plain_rows, resized_rows, told_rows
from foveate.pipelines.guarded import Clock, Guarded, Reader
from foveate.pipelines.options import UpscaleOptions
from foveate.pipelines.place import Destination, Source
from foveate.pipelines.prepare import Job, prepare_job
from foveate.plan.machine import peak_memory_bytes
from foveate.run.wrap import wrapped_run

Pixels = NDArray[Any]


@dataclass(frozen=True)
class Report:
    """What was done to one picture.

    Attributes:
        input: its name.
        output: where the result is.
        model: id of the model, "" where none was needed (strength 0).
        engine: engine and version that computed.
        input_size: (width, height) in pixels.
        output_size: (width, height) in pixels.
        windows: engine calls.
        seconds: by stage; "network" is the time the finished rows were waited for.
        peak_memory_bytes: peak resident memory of this process so far.
        warnings: what was not done as asked, or is worth knowing.
    """

    input: str
    output: str
    model: str
    engine: str
    input_size: tuple[int, int]
    output_size: tuple[int, int]
    windows: int
    seconds: dict[str, float]
    peak_memory_bytes: int
    warnings: tuple[str, ...]

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return asdict(self)


def upscale_file(
    source: Source,
    destination: Destination = None,
    options: UpscaleOptions | None = None,
    on_event: OnEvent | None = None,
) -> Report:
    """Enlarges one picture file.

    Args:
        source: a path, or the bytes of a whole file.
        destination: a path whose suffix chooses the format, a binary stream, or None for
            `options.name` beside the source.
        options: what is asked for; None: twice as large, by the default model.
        on_event: hears of the start, every window, warnings and the end.

    Returns:
        What was done.

    Raises:
        FoveateError: as its class says; nothing is left behind then.
    """
    clock = Clock()
    job = prepare_job(source, destination, options or UpscaleOptions())
    return run_job(job, on_event or ignore_event, clock, lambda: open_rows(job.picture))


def run_job(
    job: Job,
    tell: OnEvent,
    clock: Clock,
    open_reader: Callable[[], AbstractContextManager[Reader]],
    *,
    on_leave: Callable[[], None] | None = None,
) -> Report:
    """Does what was prepared.

    Args:
        job: by `prepare_job`.
        tell: as `on_event` of `upscale_file`.
        clock: started when the work began.
        open_reader: begins to give the rows to enlarge.
        on_leave: as in `run_plan`.
    """
    picture = job.picture
    for note in job.notes:
        tell(Warned(picture.name, note))
    tell(Started(picture.name, job.plan.steps, job.target.width * job.target.height))
    clock.lap("plan", clock.started)
    with contextlib.ExitStack() as stack:
        reader = stack.enter_context(open_reader())
        writer = stack.enter_context(_open_writer(job))
        begun = time.perf_counter()
        sessions = _open_sessions(job) if job.plan.workers else []
        for session in sessions:
            stack.callback(session.close)
        clock.lap("open", begun)
        guard = Guarded(reader, clock, _brightness(job), (picture.name, job.model.card.id))
        rows = _finished_rows(job, stack, sessions, tell, guard, on_leave=on_leave)
        written = guard.write_all(rows, writer)
        engine = sessions[0].name if sessions else ""
    for note in (*reader.notes, *written.notes):
        tell(Warned(picture.name, note))
    seconds = clock.rounded()
    tell(Finished(picture.name, written.name, clock.seconds["total"]))
    return Report(
        input=picture.name,
        output=written.name,
        model=job.model.card.id if engine else "",
        engine=engine,
        input_size=(picture.width, picture.height),
        output_size=(job.target.width, job.target.height),
        windows=job.plan.windows,
        seconds=seconds,
        peak_memory_bytes=peak_memory_bytes(),
        warnings=(*job.notes, *reader.notes, *written.notes),
    )


def _brightness(job: Job) -> BrightnessGuard | None:
    """Guards what a network made; a plain resize is beyond doubt."""
    if not job.options.strength:
        return None
    picture, target = job.picture, job.target
    white = np.iinfo(dtype_of(picture)).max
    return BrightnessGuard((picture.height, picture.width), (target.height, target.width), white)


def _open_writer(job: Job) -> RowWriter:
    picture = job.picture
    return open_writer(
        job.destination,
        job.encoding,
        width=job.target.width,
        height=job.target.height,
        bands=picture.bands,
        depth=picture.depth,
        metadata=picture.metadata,
        overwrite=job.options.overwrite,
        strip_metadata=job.options.strip_metadata,
    )


def _open_sessions(job: Job) -> list[Session]:
    model, options = job.model, job.options
    return open_sessions(
        model.card,
        model.weights_path,
        job.plan.workers,
        engine=options.engine,
        device=options.device,
        self_ensemble=job.plan.self_ensemble,
    )


def _finished_rows(
    job: Job,
    stack: contextlib.ExitStack,
    sessions: list[Session],
    tell: OnEvent,
    guard: Guarded,
    *,
    on_leave: Callable[[], None] | None,
) -> Iterator[Pixels]:
    """The picture's finished rows: network or plain, mixed, at the exact size."""
    picture, target, options = job.picture, job.target, job.options
    if options.strength == 0:
        plain = plain_rows(picture, guard.reader, target.width, target.height)
        return told_rows(plain, job.plan, tell, picture.name)
    run = wrapped_run(
        job.plan, guard.read, sessions, tell,
        item=picture.name, prepare=bleeding(picture.bands), on_leave=on_leave,
    )  # fmt: skip
    rows: Iterator[Pixels] = stack.enter_context(contextlib.closing(run))
    if options.strength < 1:
        scale = target.network_scale
        second = stack.enter_context(open_rows(picture))
        plain = plain_rows(picture, second, picture.width * scale, picture.height * scale)
        rows = mixed_rows(rows, plain, options.strength)
    return rows if target.is_exact else resized_rows(rows, picture, target)
