"""Moves a picture's windows through sessions and hands on the finished rows, in order.

One thread reads, each session has a thread of its own, the caller's thread consumes. Each window is
computed by one session with its own fixed threads, so the result cannot depend on who computed it.
What is done with a window is a `Treatment`; the rest is the same for all of them.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Generator, Sequence
from typing import Any, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from foveate.engine.session import Session, interrupt_all
from foveate.errors import ResourceError
from foveate.events import OnEvent, Progressed, ignore_event
from foveate.geometry import Rect, Window
from foveate.plan.plan import Plan
from foveate.run.board import Band, Board, Stopped
from foveate.run.rows import BandRows, Prepare, ReadRows, read_bands
from foveate.run.window import compute_window

Pixels = NDArray[Any]
Session_contra = TypeVar("Session_contra", contravariant=True)
Out = TypeVar("Out")


class Treatment(Protocol[Session_contra, Out]):
    """What is done with each window; called by several threads at once, for different windows."""

    def begin(self, cores: Rect, rows: BandRows) -> Out:
        """The result of one band, to be filled window by window.

        Args:
            cores: all the cores of the band, in LR pixels of the picture.
            rows: the LR rows of its areas.
        """

    def compute(self, session: Session_contra, band: Band[Out], window: Window) -> None:
        """Computes one window of `band` into `band.out`."""


class Upscaling:
    """Enlarges: a band's result is its finished rows, (n, scale * W, C) in the input's dtype."""

    def __init__(self, plan: Plan) -> None:
        """Follows the plan's grid and scale."""
        self._plan = plan

    def begin(self, cores: Rect, rows: BandRows) -> Pixels:
        """Rows to be filled."""
        sr = cores.scaled(self._plan.scale)
        return np.empty((sr.height, sr.width, rows.pixels.shape[2]), rows.pixels.dtype)

    def compute(self, session: Session, band: Band[Pixels], window: Window) -> None:
        """One window through the network."""
        compute_window(session, band, window, self._plan)


def run_plan(
    plan: Plan,
    read_rows: ReadRows,
    sessions: Sequence[Session],
    on_event: OnEvent = ignore_event,
    *,
    item: str = "",
    prepare: Prepare | None = None,
    on_leave: Callable[[], None] | None = None,
) -> Generator[Pixels]:
    """Computes the picture of `plan`, band by band.

    Closing the iterator early, or an exception from `on_event`, ends all threads and joins them; a
    window that is being computed is finished first, unless its session can be interrupted.

    Args:
        plan: what to do; its grid, workers and bands in flight are followed.
        read_rows: gives exactly the next n LR rows as (n, W, C) uint8, uint16 or float32 (0..1) of
            C = 1 (grey), 2 (grey, alpha), 3 (RGB) or 4 (RGBA, not premultiplied); the arrays become
            ours. Called from one thread, not the caller's.
        sessions: at least `plan.workers` of them, opened from the plan's card; not closed here.
        on_event: gets a `Progressed` after every finished window, in the caller's thread.
        item: the picture's name in events.
        prepare: applied to LR rows before the network sees them.
        on_leave: called when no more rows are wanted, before the threads are waited for: makes a
            `read_rows` that waits for something itself return or raise.

    Yields:
        (n, scale * W, C) finished rows, top to bottom, in the dtype of the input. They are the
        receiver's; it should drop them before it asks for more.

    Raises:
        ModelError: the network gave NaN or infinity, or could not run.
        ResourceError: memory ran out.
        BaseException: what `read_rows` raised, as it is.
    """
    return run_windows(
        plan, read_rows, sessions, Upscaling(plan), on_event,
        item=item, prepare=prepare, on_leave=on_leave,
    )  # fmt: skip


def run_windows(
    plan: Plan,
    read_rows: ReadRows,
    sessions: Sequence[Session_contra],
    treatment: Treatment[Session_contra, Out],
    on_event: OnEvent = ignore_event,
    *,
    item: str = "",
    prepare: Prepare | None = None,
    on_leave: Callable[[], None] | None = None,
) -> Generator[Out]:
    """Treats every window of `plan`; yields each band's result, top to bottom.

    All else as in `run_plan`.
    """
    board: Board[Out] = Board(plan.bands_in_flight)
    threads = [
        threading.Thread(
            target=_read, args=(board, plan, read_rows, prepare, treatment), daemon=True
        )
    ]
    threads += [
        threading.Thread(target=_work, args=(board, session, treatment), daemon=True)
        for session in sessions[: plan.workers]
    ]
    for thread in threads:
        thread.start()
    progress = _Progress(plan, board, on_event, item)
    try:
        for _ in range(plan.grid.bands):
            yield _next_band(board, progress)
            board.release_place()
    finally:
        board.stop()
        interrupt_all(sessions)  # where all is done, none has anything to end
        if on_leave:
            on_leave()
        for thread in threads:
            thread.join()


def _next_band(board: Board[Out], progress: _Progress) -> Out:
    while True:
        band, windows_done = board.wait_for_progress(progress.windows_done)
        progress.tell(windows_done)
        if band:
            return band.out


class _Progress:
    """Tells how far the run is; estimates what remains from the pixels done so far."""

    def __init__(self, plan: Plan, board: Board[Any], on_event: OnEvent, item: str) -> None:
        self.windows_done = 0
        self._plan, self._board, self._on_event, self._item = plan, board, on_event, item
        self._windows = plan.grid.columns * plan.grid.bands
        areas = (window.area for window in plan.grid.windows())
        self._pixels = sum(area.width * area.height for area in areas)
        self._started = time.perf_counter()

    def tell(self, windows_done: int) -> None:
        if windows_done == self.windows_done:
            return
        self.windows_done = windows_done
        seconds, done = time.perf_counter() - self._started, self._board.pixels_done
        is_known = windows_done >= min(2 * self._plan.workers, self._windows)
        remaining_s = seconds * (self._pixels - done) / done if is_known else None
        self._on_event(Progressed(self._item, windows_done, self._windows, seconds, remaining_s))


def _read(
    board: Board[Out],
    plan: Plan,
    read_rows: ReadRows,
    prepare: Prepare | None,
    treatment: Treatment[Any, Out],
) -> None:
    grid = plan.grid
    try:
        bands = read_bands(grid, read_rows, prepare)
        for index in range(grid.bands):
            board.claim_place()
            rows = next(bands)
            windows = grid.band(index)
            core = windows[0].core
            out = treatment.begin(Rect(0, core.top, grid.width, core.height), rows)
            board.post(Band(rows.top, rows.pixels, out, len(windows)), windows)
            del rows, out
        board.end_of_rows()
    except Stopped:
        pass
    except BaseException as error:  # noqa: BLE001 - raised again in the caller's thread
        board.fail(_ours(error))


def _work(
    board: Board[Out], session: Session_contra, treatment: Treatment[Session_contra, Out]
) -> None:
    try:
        while True:
            band, window = board.take()
            treatment.compute(session, band, window)
            board.finish(band, window)
            del band
    except Stopped:
        pass
    except BaseException as error:  # noqa: BLE001 - raised again in the caller's thread
        board.fail(_ours(error))


def _ours(error: BaseException) -> BaseException:
    if not isinstance(error, MemoryError):
        return error
    ours = ResourceError(
        "memory ran out", str(error), "close other programs, or use a smaller --memory"
    )
    ours.__cause__ = error
    return ours
