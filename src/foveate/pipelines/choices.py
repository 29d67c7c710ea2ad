"""What each lane would cost one picture: what `foveate plan` shows beside the model it chose."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import Any

from foveate.errors import FoveateError
from foveate.models.store import find_model, list_shipped
from foveate.pipelines.prepare import Job, plan_model
from foveate.plan.speed import with_seconds


@dataclass(frozen=True)
class Choice:
    """One model that could enlarge the picture.

    Attributes:
        lane: "fast", "balanced" or "best"; "" for a model outside the lanes.
        model: its id.
        chosen: whether the plan is of this one.
        seconds: time of the network on this machine; None: not known.
        memory_bytes: peak of the whole process under the plan's limit; None: it does not fit.
        macs: multiply-adds; None: it does not fit.
        problem: why something is not known; "" where all is.
    """

    lane: str
    model: str
    chosen: bool
    seconds: float | None
    memory_bytes: int | None
    macs: int | None
    problem: str = ""

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return asdict(self)


def weigh_choices(job: Job) -> tuple[Choice, ...]:
    """The lanes that ship at the job's scale, cheapest first, and the job's own model.

    Args:
        job: prepared with `only_plan`. A plain resize has no choices.
    """
    if not job.plan.model:
        return ()
    own = job.model.card.id
    lanes = list_shipped(job.model.card.scale)
    choices = [
        _own(job, lane) if model_id == own else _other(job, lane, model_id)
        for lane, model_id in lanes.items()
    ]
    return (*choices, *(() if own in lanes.values() else (_own(job, ""),)))


def _own(job: Job, lane: str) -> Choice:
    plan = job.plan
    macs = plan.network_pixels * job.model.card.macs_per_lr_pixel
    return Choice(lane, plan.model, True, plan.seconds, plan.memory.total, macs)


def _other(job: Job, lane: str, model_id: str) -> Choice:
    """Under the limit of the job's plan: what is free may have changed since."""
    options = replace(job.options, memory_bytes=job.plan.memory_limit)
    try:
        model = find_model(model_id)
        plan = plan_model(job.picture, job.target, model, job.encoding, options)
    except FoveateError as error:
        return Choice(lane, model_id, False, None, None, None, f"{error.what}: {error.cause}")
    plan, notes = with_seconds(plan, model, device=options.device)
    macs = plan.network_pixels * model.card.macs_per_lr_pixel
    problem = "" if plan.seconds is not None else "; ".join(notes)
    return Choice(lane, plan.model, False, plan.seconds, plan.memory.total, macs, problem)
