"""Everything that is decided about a picture to deblur before its pixels are touched."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from foveate.atomic import check_destination
from foveate.engine.deblur_session import WINDOW_PX
from foveate.errors import ModelError, OutputError, UsageError
from foveate.media.encoding import Encoding, check_limits, encoder_bytes
from foveate.media.picture import Picture
from foveate.models.card import Card
from foveate.models.store import Model, default_model, find_model
from foveate.pipelines.alpha import bleeding
from foveate.pipelines.deblur_maps import map_bytes
from foveate.pipelines.deblur_options import DeblurOptions
from foveate.pipelines.place import Destination, Source, choose_place, open_source
from foveate.plan.machine import default_memory
from foveate.plan.memory import MemoryTooSmallError
from foveate.plan.plan import PREPARE_BYTES_PER_PIXEL, Plan, plan_ways
from foveate.run.looking import look_bytes, look_plan

LOSSY = {"jpeg", "webp", "avif", "heic"}  # formats of masks; a few such files are not


@dataclass(frozen=True)
class DeblurJob:
    """One picture to deblur and all that was decided about it.

    Attributes:
        picture: the input's facts.
        mask: the mask's facts, or None.
        destination: where the result goes.
        encoding: how it is stored.
        options: what was asked for.
        model: the network.
        plan: windows, workers, memory.
        may_copy: whether the input's own bytes are the result, should nothing be restored.
        notes: what is worth telling.
        output_exists: whether a file is at the destination already.
    """

    picture: Picture
    mask: Picture | None
    destination: Path | BinaryIO
    encoding: Encoding
    options: DeblurOptions
    model: Model
    plan: Plan
    may_copy: bool
    notes: tuple[str, ...]
    output_exists: bool = False

    @property
    def look(self) -> Plan | None:
        """How the picture is looked at before; None: a mask tells."""
        return None if self.mask else look_plan(self.plan, self.model.card)

    @property
    def look_steps(self) -> int:
        """Parts of the work of looking that progress is told of."""
        return self.look.steps if self.look else 0

    @property
    def steps(self) -> int:
        """Those of looking, and of restoring what is blurred."""
        return self.look_steps + self.plan.steps


def prepare_deblur(
    source: Source, destination: Destination, options: DeblurOptions, *, only_plan: bool = False
) -> DeblurJob:
    """Opens the headers, chooses model and format, and plans the windows.

    Args:
        source: as in `deblur_file`.
        destination: as in `deblur_file`.
        options: what is asked for.
        only_plan: nothing will be written: an output that exists is told, not refused.

    Raises:
        FoveateError: what the picture, the mask, the places, the model or the memory will not
            allow, before any work is done.
    """
    picture = open_source(source, options)
    mask, mask_notes = open_mask(options.mask, picture, options)
    model = find_deblur_model(options.model)
    fields = {"model": model.card.id, "width": picture.width, "height": picture.height}
    place = choose_place(source, destination, picture, options, fields, only_plan=only_plan)
    check_limits(place.encoding, picture.width, picture.height)
    check_map_places(options, source, place.destination)
    may_copy = (
        place.encoding.format == picture.format
        and (options.quality, options.bit_depth, options.strip_metadata) == (None, None, False)
        and picture.orientation == 1
        # What is told of a conversion or of further frames would not be true of a copy.
        and not picture.notes
    )
    encoder = encoder_bytes(place.encoding, picture.width, picture.height, picture.bands)
    ways = deblur_ways(picture, mask, model.card, options, encoder, decoders=1 + may_copy)
    plan = next((way for way in ways if way.memory.total <= way.memory_limit), None)
    if plan is None:
        least = min(way.memory.total for way in ways)
        raise MemoryTooSmallError(least, ways[0].memory_limit)
    return DeblurJob(
        picture, mask, place.destination, place.encoding, options, model, plan, may_copy,
        (*picture.notes, *mask_notes, *place.notes), place.exists,
    )  # fmt: skip


def find_deblur_model(model: str | Path | None) -> Model:
    """The model of this id or path, None: the one that ships.

    Raises:
        UsageError: no such model, or not one that deblurs.
        ModelError: damaged, or with a window that deblurring cannot use.
    """
    found = find_model(default_model(1, "deblur") if model is None else model, "deblur")
    _check_window(found.card)
    return found


def open_mask(
    path: Path | None, picture: Picture, options: DeblurOptions
) -> tuple[Picture | None, tuple[str, ...]]:
    """The header of the mask, and what is worth telling of it.

    Raises:
        UsageError: it has another size than the picture, or is CMYK.
        InputError: it cannot be read.
    """
    if path is None:
        return None, ()
    mask = open_source(path, options)
    if (mask.width, mask.height) != (picture.width, picture.height):
        raise UsageError(
            f"the mask {mask.name} does not fit {picture.name}",
            f"it is {mask.width} x {mask.height}, the picture {picture.width} x {picture.height}",
            "make it of the picture's size, upright as it is shown",
        )
    if any(note.startswith("CMYK") for note in mask.notes):
        raise UsageError(
            f"the mask {mask.name} does not say where", "it is CMYK, whose black is not 0",
            "save it as a grey PNG",
        )  # fmt: skip
    notes = tuple(f"the mask: {note}" for note in mask.notes)
    if mask.format in LOSSY:
        name = mask.format.upper()
        notes += (f"the mask {mask.name} is {name}: noise beside its edges counts as marked",)
    return mask, notes


def check_map_places(options: DeblurOptions, source: Source, destination: Path | BinaryIO) -> None:
    """Refuses places for the maps that cannot be written, or would overwrite.

    Raises:
        OutputError: a file exists, a folder holds something, or may not be written.
        UsageError: one file would take the place of another.
    """
    if _is_one_file(options.mask, destination):
        raise UsageError(f"the mask and the result are both {destination}")
    others = {"the result": destination, "the input": source, "the mask": options.mask}
    _check_is_none_of("--save-map", options.save_map, others)
    others["--save-map"] = options.save_map
    _check_is_none_of("--save-windows", options.save_windows, others)
    if options.save_map is not None:
        check_destination(options.save_map, overwrite=options.overwrite)
    folder = options.save_windows
    if folder is None:
        return
    what = f"cannot write into {folder}"
    if os.path.lexists(folder) and not folder.is_dir():
        raise OutputError(what, "it is not a folder", "choose another --save-windows")
    if folder.is_dir() and any(folder.iterdir()) and not options.overwrite:
        raise OutputError(what, "it is not empty", "use --overwrite, or choose another folder")
    check_destination(folder / "stage.png" if folder.exists() else folder, overwrite=True)


def _check_is_none_of(option: str, path: Path | None, others: dict[str, Any]) -> None:
    """Raises UsageError where a place is another's, too."""
    for other, place in others.items():
        if _is_one_file(path, place):
            raise UsageError(f"{option} and {other} are both {path}")


def _is_one_file(path: Path | None, other: object) -> bool:
    """Whether two paths, however they are spelt, are one place; streams and bytes have none."""
    if path is None or not isinstance(other, str | Path):
        return False
    return path.resolve() == Path(other).resolve()


def deblur_ways(
    picture: Picture,
    mask: Picture | None,
    card: Card,
    options: DeblurOptions,
    encoder: int,
    *,
    decoders: int,
    held_bands: int = 1,
) -> list[Plan]:
    """Every way to deblur a picture, the most parallel first.

    Args:
        picture: the input.
        mask: its mask, which travels with its rows.
        card: the model.
        options: threads, memory, maps.
        encoder: bytes of the writer.
        decoders: how many readers of the picture are open at once.
        held_bands: one waits for its follower; more where the caller holds some.
    """
    maps = map_bytes(picture, options)
    if mask is None:
        maps += look_bytes(picture.width, picture.height)
    return plan_ways(
        picture.width,
        picture.height,
        picture.bands + (mask is not None),
        "uint16" if picture.depth == 16 else "uint8",
        card,
        memory_bytes=options.memory_bytes or default_memory(),
        threads=options.workers,
        decoder_bytes=decoders * picture.decoder_bytes + (mask.decoder_bytes if mask else 0),
        encoder_bytes=encoder + maps,
        held_bands=held_bands,
        beside_bytes=PREPARE_BYTES_PER_PIXEL if bleeding(picture.bands) else 0,
        self_ensemble=options.self_ensemble,
    )


def _check_window(card: Card) -> None:
    """Refuses a card whose areas are not of one shape, on the grid of attention windows."""
    window = card.window
    side = max(window.core_width, window.core_height) + 2 * window.halo
    fits = side <= window.minimum and window.minimum % window.multiple == 0
    if not fits or window.multiple % WINDOW_PX:
        raise ModelError(
            f"the card of {card.id} is not valid",
            f"its window does not fit deblurring: {window}",
            "export the model again",
        )
