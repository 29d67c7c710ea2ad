"""One picture's way through deblurring: read -> look -> restore what is blurred -> write."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

from numpy.typing import NDArray

from foveate.events import Finished, OnEvent, Started, Warned, ignore_event
from foveate.media.copy import copy_picture
from foveate.media.reader import open_rows
from foveate.media.writer import RowWriter, Written, open_writer
from foveate.pipelines.deblur_findings import Findings
from foveate.pipelines.deblur_options import DeblurOptions
from foveate.pipelines.deblur_prepare import DeblurJob, prepare_deblur
from foveate.pipelines.deblur_run import DeblurRun, open_deblurring
from foveate.pipelines.finish import READ_ROWS
from foveate.pipelines.guarded import Clock
from foveate.pipelines.place import Destination, Source
from foveate.plan.machine import peak_memory_bytes
from foveate.run.composite import Composed

Pixels = NDArray[Any]


@dataclass(frozen=True)
class DeblurReport:
    """What was done to one picture.

    Attributes:
        input: its name.
        output: where the result is.
        model: id of the model.
        engine: engine and version that computed.
        input_size: (width, height) in pixels.
        output_size: the same.
        windows: windows it was divided into.
        windows_computed: of them, those that the network was run on.
        blurred_share: share of the attention windows of 8 x 8 pixels that were found blurred.
        changed_share: share of the pixels that may differ from the input's.
        is_copy: whether the result is the input's file, byte for byte.
        macs: multiply-accumulates of the network and its look; None where the card does not tell.
        macs_unpruned: what they would have been with every attention window computed, halos too.
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
    windows_computed: int
    blurred_share: float
    changed_share: float
    is_copy: bool
    macs: int | None
    macs_unpruned: int | None
    seconds: dict[str, float]
    peak_memory_bytes: int
    warnings: tuple[str, ...]

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return asdict(self)


def deblur_file(
    source: Source,
    destination: Destination = None,
    options: DeblurOptions | None = None,
    on_event: OnEvent | None = None,
) -> DeblurReport:
    """Restores what is blurred in one picture file; all other samples stay as they are.

    Args:
        source: a path, or the bytes of a whole file.
        destination: a path whose suffix chooses the format, a binary stream, or None for
            `options.name` beside the source.
        options: what is asked for; None: what is blurred, by the default model.
        on_event: hears of the start, every window, warnings and the end.

    Returns:
        What was done.

    Raises:
        FoveateError: as its class says; nothing is left behind then.
    """
    tell, clock = on_event or ignore_event, Clock()
    job = prepare_deblur(source, destination, options or DeblurOptions())
    picture = job.picture
    for note in job.notes:
        tell(Warned(picture.name, note))
    tell(Started(picture.name, job.steps, picture.width * picture.height))
    clock.lap("plan", clock.started)
    with contextlib.ExitStack() as stack:
        findings = stack.enter_context(contextlib.closing(Findings(job)))
        run = stack.enter_context(open_deblurring(job, clock, tell))
        writer = stack.enter_context(_open_writer(job))
        if run.is_sharp and job.may_copy and not findings.draws:
            # The look has read all of it.
            written = copy_picture(picture, job.destination, overwrite=job.options.overwrite)
        else:
            written = _write(job, run, findings.follow(run.bands), writer, clock)
        notes = (*run.notes, *written.notes, *_outcome(job, findings), *findings.save())
    for note in notes:
        tell(Warned(picture.name, note))
    seconds, macs = clock.rounded(), findings.macs or (None, None)
    tell(Finished(picture.name, written.name, seconds["total"]))
    return DeblurReport(
        input=picture.name,
        output=written.name,
        model=job.model.card.id,
        engine=run.engine,
        input_size=(picture.width, picture.height),
        output_size=(picture.width, picture.height),
        windows=job.plan.steps,
        windows_computed=findings.windows_computed,
        blurred_share=findings.blurred_share,
        changed_share=findings.changed_share,
        is_copy=_is_copy(job, findings),
        macs=macs[0],
        macs_unpruned=macs[1],
        seconds=seconds,
        peak_memory_bytes=peak_memory_bytes(),
        warnings=(*job.notes, *notes),
    )


def _write(
    job: DeblurJob, run: DeblurRun, bands: Iterator[Composed], writer: RowWriter, clock: Clock
) -> Written:
    """Writes the result; where nothing changes and that is the better one, the input's bytes.

    So nothing is written until the first change; the rows before it are then read once more.
    """
    untouched = 0
    while job.may_copy:
        begun = time.perf_counter()
        band = next(bands, None)
        clock.lap("network", begun)
        if band is None:
            return copy_picture(job.picture, job.destination, overwrite=job.options.overwrite)
        if band.mask is not None:
            return run.guard.write_all(_rows(job, untouched, band, bands), writer)
        untouched += len(band.rows)
        del band
    return run.guard.write_all(_rows(job, 0, None, bands), writer)


def _rows(
    job: DeblurJob, untouched: int, first: Composed | None, bands: Iterator[Composed]
) -> Iterator[Pixels]:
    """The first `untouched` rows of the input, then those of the bands."""
    if untouched:
        with open_rows(job.picture) as again:
            for top in range(0, untouched, READ_ROWS):
                yield again.read(min(READ_ROWS, untouched - top))
    if first is not None:
        yield first.rows
        del first
    for band in bands:
        yield band.rows
        del band


def _open_writer(job: DeblurJob) -> RowWriter:
    picture = job.picture
    return open_writer(
        job.destination,
        job.encoding,
        width=picture.width,
        height=picture.height,
        bands=picture.bands,
        depth=picture.depth,
        metadata=picture.metadata,
        overwrite=job.options.overwrite,
        strip_metadata=job.options.strip_metadata,
    )


def _is_copy(job: DeblurJob, findings: Findings) -> bool:
    return job.may_copy and not findings.changed_pixels


def _outcome(job: DeblurJob, findings: Findings) -> tuple[str, ...]:
    """What is worth telling of the result."""
    why = "nothing to restore was found" if job.options.strength else "the strength is 0"
    if _is_copy(job, findings):
        return (f"{why}: the result is a copy of the file",)
    notes = () if findings.changed_pixels else (why,)
    if job.encoding.is_lossless:
        return notes
    name = job.encoding.format.upper()
    lossy = f"{name} is lossy: samples that were not restored change a little as they are stored"
    return (*notes, f"{lossy}; .png and .tif keep them")
