"""What deblurring a picture would cost: what `foveate plan` shows with a deblurring model."""

from __future__ import annotations

from typing import Any

from foveate.models.card import DeblurFacts
from foveate.pipelines.deblur_prepare import DeblurJob
from foveate.plan.plan import Plan
from foveate.plan.speed import seconds_of


def plan_of(job: DeblurJob) -> dict[str, Any]:
    """Plain values for JSON, times measured. What lies between them depends on how much is blurred.

    `look_macs` and `look_seconds` are those of a picture in which nothing is found, `macs` and
    `seconds` those of one that is restored all over: of the network's work, on top of the look.

    Args:
        job: prepared with `only_plan`.
    """
    card, look, notes = job.model.card, job.look, job.notes
    facts = card.deblur or DeblurFacts(0)
    plan: dict[str, Any] = {
        "input": job.picture.name,
        "output": str(getattr(job.destination, "name", job.destination)),
        "output_exists": job.output_exists,
        "format": job.encoding.format,
        "input_size": [job.picture.width, job.picture.height],
        "output_size": [job.picture.width, job.picture.height],
        **job.plan.as_dict(),
        "macs": job.plan.grid.padded_pixels() * card.macs_per_lr_pixel * job.plan.self_ensemble,
        "look_macs": 0,
        "look_seconds": 0.0,
    }
    device = job.options.device
    pixels = _worker_pixels(job.plan)
    plan["seconds"], more = seconds_of(job.plan, job.model, "deblur", pixels, device=device)
    if look and facts.look_macs_per_pixel:
        plan["look_macs"] = look.grid.padded_pixels() * facts.look_macs_per_pixel
        pixels = _worker_pixels(look)
        plan["look_seconds"], others = seconds_of(look, job.model, "look", pixels, device=device)
        more = (*more, *(note for note in others if note not in more))
    return plan | {"warnings": [*notes, *more]}


def _worker_pixels(plan: Plan) -> float:
    """Pixels that the busiest worker computes. Alpha is copied, and small pictures are padded."""
    return (
        plan.self_ensemble
        * plan.grid.padded_pixels()
        * -(-plan.windows // plan.windows_at_once)
        / plan.windows
    )
