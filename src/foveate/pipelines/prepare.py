"""Look and plan: everything that is decided about a picture before its pixels are touched."""

from __future__ import annotations

import os
import string
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from foveate.atomic import check_destination
from foveate.errors import UsageError
from foveate.media.encoding import (
    DEFAULT_SUFFIX,
    Encoding,
    check_limits,
    choose_encoding,
    encoder_bytes,
)
from foveate.media.picture import MAX_PIXELS, Picture, open_picture
from foveate.models.store import Model, default_model, find_model, model_of_lane
from foveate.pipelines.alpha import bleeding
from foveate.pipelines.finish import READ_ROWS, finish_bytes
from foveate.pipelines.options import UpscaleOptions
from foveate.pipelines.target import Target, choose_target
from foveate.plan.machine import default_memory
from foveate.plan.plan import Depth, Plan, plan_resize
from foveate.plan.plan import make_plan as plan_picture
from foveate.plan.speed import with_seconds

Source = str | Path | bytes
Destination = str | Path | BinaryIO | None


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
    source = Path(source) if isinstance(source, str) else source
    destination = Path(destination) if isinstance(destination, str) else destination
    picture = open_picture(
        source,
        max_pixels=MAX_PIXELS if options.max_pixels is None else options.max_pixels,
        first_frame=options.first_frame,
    )
    asked = None if options.model is None else find_model(options.model)
    target = choose_target(
        picture.width, picture.height, options, asked.card.scale if asked else None
    )
    model, lane_notes = _choose_model(asked, target.network_scale, options)
    place, encoding, notes = _place(
        source=source,
        destination=destination,
        picture=picture,
        target=target,
        model=model,
        options=options,
    )
    notes = (*lane_notes, *notes)
    check_limits(encoding, target.width, target.height)
    exists = isinstance(place, Path) and os.path.lexists(place)
    if isinstance(place, Path):
        check_destination(place, overwrite=options.overwrite or only_plan)
    if exists and not options.overwrite:
        notes += (f"{place} exists: a run would refuse without --overwrite",)
    plan = plan_model(picture, target, model, encoding, options)
    if only_plan and plan.model:
        plan, more = with_seconds(plan, model, device=options.device)
        notes += more
    return Job(
        picture, place, options, target, model, encoding, plan, options.engine, exists,
        (*picture.notes, *notes),
    )  # fmt: skip


def _choose_model(
    asked: Model | None, scale: int, options: UpscaleOptions
) -> tuple[Model, tuple[str, ...]]:
    if asked:
        note = f"--model {asked.card.id} is taken: --quality {options.lane} has no effect"
        return asked, (note,) if options.lane else ()
    if options.lane is None:
        return find_model(default_model(scale)), ()
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
        **facts,
    )


def _place(
    *,
    source: Path | bytes,
    destination: Path | BinaryIO | None,
    picture: Picture,
    target: Target,
    model: Model,
    options: UpscaleOptions,
) -> tuple[Path | BinaryIO, Encoding, tuple[str, ...]]:
    if destination is None:
        if isinstance(source, bytes):
            raise UsageError("standard input has no name", "", "give -o FILE, or -o - for a stream")
        destination = _default_path(source, picture, target, model, options)
    suffix = destination.suffix if isinstance(destination, Path) else None
    if suffix == "":
        raise UsageError(
            f"cannot tell the format of {destination}",
            "its name has no suffix",
            f"end it in one of {', '.join(DEFAULT_SUFFIX.values())}",
        )
    encoding, notes = choose_encoding(
        suffix, picture, quality=options.quality, bit_depth=options.bit_depth
    )
    return destination, encoding, notes


def _default_path(
    source: Path, picture: Picture, target: Target, model: Model, options: UpscaleOptions
) -> Path:
    own = source.suffix
    usual = DEFAULT_SUFFIX.get(picture.format, ".png")
    fields = {
        "stem": source.stem,
        "scale": f"{options.scale:g}",
        "model": model.card.id,
        "width": target.width,
        "height": target.height,
        "ext": own if _canonical(own) == usual else usual,
    }
    known = ", ".join(fields)
    try:
        used = {name for _, name, _, _ in string.Formatter().parse(options.name) if name}
        name = options.name.format(**fields) if used <= fields.keys() else ""
    except (ValueError, IndexError, KeyError) as error:
        raise UsageError(f"cannot read --name {options.name!r}", str(error)) from error
    if not name or "/" in name or "\0" in name:
        raise UsageError(f"cannot use --name {options.name!r}", "", f"fields: {known}; no folders")
    return source.with_name(name)


def _canonical(suffix: str) -> str:
    same = {".jpeg": ".jpg", ".jpe": ".jpg", ".jfif": ".jpg", ".tiff": ".tif"}
    return same.get(suffix.lower(), suffix.lower())
