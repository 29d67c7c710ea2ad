"""Look and plan: everything that is decided about a picture before its pixels are touched."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from foveate.media.encoding import Encoding, check_limits, encoder_bytes
from foveate.media.picture import Picture
from foveate.models.store import Model, default_model, find_model, model_of_lane, unlike_photos
from foveate.pipelines.alpha import bleeding
from foveate.pipelines.finish import READ_ROWS, finish_bytes
from foveate.pipelines.options import UpscaleOptions
from foveate.pipelines.place import Destination, Source, choose_place, open_source
from foveate.pipelines.target import Target, choose_target
from foveate.plan.machine import default_memory
from foveate.plan.plan import Depth, Plan, plan_resize
from foveate.plan.plan import make_plan as plan_picture
from foveate.plan.speed import with_seconds


@dataclass(frozen=True)
class Job:
    """One picture and all that was decided about it.

    Attributes:
        picture: the input's facts.
        destination: where the result goes.
        options: what was asked for.
        target: the size to reach.
        model: the network; not opened where strength 0 needs none.
        encoding: how the result is stored.
        plan: windows, workers, memory.
        engine: the engine asked for.
        output_exists: whether a file is at the destination already.
        notes: what is worth telling.
    """

    picture: Picture
    destination: Path | BinaryIO
    options: UpscaleOptions
    target: Target
    model: Model
    encoding: Encoding
    plan: Plan
    engine: str
    output_exists: bool
    notes: tuple[str, ...]

    def as_dict(self) -> dict[str, Any]:
        """Plain values for `foveate plan --json`."""
        plan = self.plan.as_dict()
        plan["macs"] = self.plan.network_pixels * self.model.card.macs_per_lr_pixel
        return {
            "input": self.picture.name,
            "output": str(getattr(self.destination, "name", self.destination)),
            "output_exists": self.output_exists,
            "format": self.encoding.format,
            "input_size": [self.picture.width, self.picture.height],
            "output_size": [self.target.width, self.target.height],
            "resized_last": not self.target.is_exact,
            "warnings": list(self.notes),
            **plan,
        }


def make_plan(
    source: Source, options: UpscaleOptions | None = None, destination: Destination = None
) -> Plan:
    """What `upscale_file` would do with the same arguments; touches no pixels.

    Raises:
        FoveateError: what `upscale_file` would refuse, but for an output that exists.
    """
    return prepare_job(source, destination, options or UpscaleOptions(), only_plan=True).plan


def prepare_job(
    source: Source, destination: Destination, options: UpscaleOptions, *, only_plan: bool = False
) -> Job:
    """Opens the header, chooses size, model and format, and plans the windows.

    Args:
        source: as in `upscale_file`.
        destination: as in `upscale_file`.
        options: what is asked for.
        only_plan: nothing will be written: an output that exists is told, not refused.

    Raises:
        FoveateError: what the picture, the place, the model or the memory will not allow, before
            any work is done.
    """
    picture = open_source(source, options)
    asked = None if options.model is None else find_model(options.model, "upscale")
    target = choose_target(
        picture.width, picture.height, options, asked.card.scale if asked else None
    )
    model, lane_notes = _choose_model(asked, target.network_scale, options)
    fields = {
        "scale": f"{options.scale:g}",
        "model": model.card.id,
        "width": target.width,
        "height": target.height,
    }
    place = choose_place(source, destination, picture, options, fields, only_plan=only_plan)
    notes = (*lane_notes, *place.notes)
    check_limits(place.encoding, target.width, target.height)
    plan = plan_model(picture, target, model, place.encoding, options)
    if only_plan and plan.model:
        plan, more = with_seconds(plan, model, device=options.device)
        notes += more
    return Job(
        picture, place.destination, options, target, model, place.encoding, plan, options.engine,
        place.exists, (*picture.notes, *notes),
    )  # fmt: skip


def _choose_model(
    asked: Model | None, scale: int, options: UpscaleOptions
) -> tuple[Model, tuple[str, ...]]:
    if asked:
        note = f"--model {asked.card.id} is taken: --quality {options.lane} has no effect"
        return asked, (note,) if options.lane else ()
    if options.lane is None:
        model_id = default_model(scale)
        note = unlike_photos(model_id, f"at scale {scale}")
    else:
        model_id, note = model_of_lane(scale, options.lane)
    return find_model(model_id), (note,) if note else ()


def plan_model(
    picture: Picture, target: Target, model: Model, encoding: Encoding, options: UpscaleOptions
) -> Plan:
    """Plans this picture for one model.

    Raises:
        ResourceError: it does not fit; says what would.
        ModelError: the card's window cannot be a grid.
    """
    depth: Depth = "uint16" if picture.depth == 16 else "uint8"
    facts: dict[str, Any] = {
        "memory_bytes": options.memory_bytes or default_memory(),
        "encoder_bytes": encoder_bytes(encoding, target.width, target.height, picture.bands)
        + finish_bytes(picture, target, options),
        "target": None if target.is_exact else (target.width, target.height),
    }
    size = picture.width, picture.height, picture.bands, depth
    if options.strength == 0:
        decoder_bytes = picture.decoder_bytes
        return plan_resize(
            *size, target.network_scale, strip_rows=READ_ROWS, decoder_bytes=decoder_bytes, **facts
        )
    return plan_picture(
        *size,
        model.card,
        threads=options.workers,
        decoder_bytes=picture.decoder_bytes * (2 if options.strength < 1 else 1),
        wrap=options.wraps,
        prepare_reach=prepare.reach if (prepare := bleeding(picture.bands)) else 0,
        engine="openvino" if options.engine == "openvino" else "onnxruntime",
        self_ensemble=options.self_ensemble,
        **facts,
    )
