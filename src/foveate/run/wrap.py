"""Pictures that tile: the rows are extended periodically, computed, and the margin cut off."""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from contextlib import closing
from typing import Any

import numpy as np
from numpy.typing import NDArray

from foveate.engine.session import Session
from foveate.events import OnEvent, ignore_event
from foveate.plan.plan import Plan
from foveate.run.executor import run_plan
from foveate.run.rows import Prepare, ReadRows

Pixels = NDArray[Any]


def wrapped_run(
    plan: Plan,
    read_rows: ReadRows,
    sessions: Sequence[Session],
    on_event: OnEvent = ignore_event,
    *,
    item: str = "",
    prepare: Prepare | None = None,
    on_leave: Callable[[], None] | None = None,
) -> Generator[Pixels]:
    """`run_plan` for any plan: with `plan.wrap`, the result tiles along those axes.

    Wrapping along y holds the whole LR picture in memory, as the plan says. Arguments, result and
    errors as in `run_plan`. The result is that of the picture tiled without end, where its sides
    are multiples of the network's `multiple`.
    """
    read = _around_y(plan, read_rows) if plan.wrap[1] else read_rows
    read = _around_x(plan, read) if plan.wrap[0] else read
    left, top = (margin * plan.scale for margin in plan.wrap_px)
    width, remaining = plan.width * plan.scale, plan.height * plan.scale
    run = run_plan(plan, read, sessions, on_event, item=item, prepare=prepare, on_leave=on_leave)
    with closing(run) as bands:
        for band in bands:
            kept = band[top:, left : left + width][:remaining]
            top = max(top - len(band), 0)
            remaining -= len(kept)
            if len(kept):
                yield kept
            del band, kept


def _around_x(plan: Plan, read_rows: ReadRows) -> ReadRows:
    margin = plan.wrap_px[0]
    columns = np.arange(-margin, plan.width + margin) % plan.width
    return lambda count: read_rows(count).take(columns, axis=1)


def _around_y(plan: Plan, read_rows: ReadRows) -> ReadRows:
    picture: list[Pixels] = []
    next_row = -plan.wrap_px[1]

    def read(count: int) -> Pixels:
        nonlocal next_row
        if not picture:
            picture.append(read_rows(plan.height))
        rows = np.arange(next_row, next_row + count) % plan.height
        next_row += count
        return picture[0].take(rows, axis=0)

    return read
