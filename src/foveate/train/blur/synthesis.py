"""Writes made pairs to a folder: blur/NAME.png, sharp/NAME.png, mask/NAME.png. Resumable."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Sequence
from pathlib import Path

import msgspec
import numpy as np

from foveate.atomic import output_error, write_bytes
from foveate.errors import OutputError, UsageError
from foveate.events import OnEvent, Progressed, Started, ignore_event
from foveate.media.png import write_png
from foveate.train.blur.scenes import LEAST_PHOTO_PX, BlurSettings, Scenes, Sources, hold_out
from foveate.train.folders import PictureCache, find_pictures

PARTS = ("blur", "sharp", "mask")  # written in this order: a mask ends a pair
RECORD = "synthesis.json"


class Synthesis(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """All that the pairs of a folder depend on; written beside them.

    Attributes:
        seed: of the random numbers; pair n is drawn with (seed, n).
        size: side of the pairs in px.
        blur: what they are like.
        pictures: SHA-256 over names and sizes of the photos and cut-outs.
    """

    seed: int
    size: int
    blur: BlurSettings
    pictures: str = ""


def synthesize(
    photos: Sequence[Path],
    cutouts: Sequence[Path],
    out: Path,
    count: int,
    settings: Synthesis,
    *,
    validation: int = 0,
    held_out: bool = False,
    on_event: OnEvent = ignore_event,
) -> int:
    """Makes the pairs that are not there yet; pair n is the same whenever it is made.

    Args:
        photos: folders of photos.
        cutouts: folders of pictures with alpha.
        out: folder to write to; made where it is not there.
        count: pairs the folder shall hold.
        settings: what to make; `pictures` is filled in here.
        validation: number of photos that a run lays aside; 0: all pictures are used.
        held_out: uses only what such a run lays aside; else only what it trains on.
        on_event: hears of the progress, a pair being a window.

    Returns:
        How many pairs were made; the others were there.

    Raises:
        InputError: a folder is missing, holds nothing of use, or a picture is damaged.
        UsageError: the pairs in `out` were made with other settings, or it lies among the sources.
        OutputError: `out` holds something else, or cannot be written.
    """
    for folder in (*photos, *cutouts):
        if out.resolve().is_relative_to(folder.resolve()):
            raise UsageError(
                f"cannot write pairs to {out}",
                f"it lies in {folder}, whose pictures they are made of",
                "choose another folder",
            )
    every = Sources(find_pictures(photos, LEAST_PHOTO_PX), find_pictures(cutouts, alpha=True))
    found = hold_out(every, validation)[int(held_out)]
    names = "\n".join(f"{path.name} {path.stat().st_size}" for part in found for path in part)
    digest = hashlib.sha256(names.encode()).hexdigest()
    _claim(out, msgspec.structs.replace(settings, pictures=digest))
    scenes = Scenes(*found, settings.size, settings.blur, PictureCache())
    on_event(Started(str(out), count, count * settings.size**2))
    start, made = time.perf_counter(), 0
    for index in range(count):
        paths = [out / part / f"{index:06d}.png" for part in PARTS]
        if not all(path.is_file() for path in paths):
            pair = scenes.draw(np.random.default_rng((settings.seed, index)))
            mask = pair.mask[..., None] * np.uint8(255)
            for path, pixels in zip(paths, (pair.blurry, pair.sharp, mask), strict=True):
                # Overwrites a part of a pair that was not finished.
                write_png(path, [pixels], settings.size, overwrite=True)
            made += 1
        seconds = time.perf_counter() - start
        left = (count - index - 1) * seconds / made if made else None
        on_event(Progressed(str(out), index + 1, count, seconds, left))
    return made


def _claim(out: Path, settings: Synthesis) -> None:
    """Makes the folders, or sees that what they hold belongs to these settings."""
    record = out / RECORD
    text = msgspec.json.format(msgspec.json.encode(settings), indent=2)
    try:
        if record.is_file():
            if record.read_bytes() != text:
                raise UsageError(
                    f"the pairs in {out} were made with other settings or pictures",
                    f"{RECORD} in it tells which",
                    "choose another folder",
                )
        elif any((out / part).exists() for part in PARTS):
            raise OutputError(
                f"cannot write pairs to {out}",
                f"it has a folder like ours but no {RECORD}: its pairs may be others",
                "choose another folder",
            )
        else:
            out.mkdir(parents=True, exist_ok=True)
            write_bytes(record, text, overwrite=False)
        for part in PARTS:
            (out / part).mkdir(exist_ok=True)
    except OSError as error:
        raise output_error(error, out) from error
