"""What happens to the network's rows before they are written: `strength`, then the exact size."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from foveate.events import OnEvent, Progressed
from foveate.media.picture import Picture
from foveate.pipelines.guarded import Reader
from foveate.pipelines.options import UpscaleOptions
from foveate.pipelines.resize import PictureResampler
from foveate.pipelines.target import Target
from foveate.plan.plan import Plan

Pixels = NDArray[Any]
READ_ROWS = 64


def dtype_of(picture: Picture) -> np.dtype[Any]:
    """The type of a picture's samples."""
    return np.dtype(np.uint16 if picture.depth == 16 else np.uint8)


def plain_rows(picture: Picture, reader: Reader, width: int, height: int) -> Iterator[Pixels]:
    """The picture resized to width x height by bicubic alone, in rows."""
    resampler = PictureResampler(
        (picture.height, picture.width), (height, width), picture.bands, dtype_of(picture)
    )
    for _ in range(0, picture.height, READ_ROWS):
        yield resampler.feed(reader.read(READ_ROWS))


def told_rows(rows: Iterator[Pixels], plan: Plan, on_event: OnEvent, item: str) -> Iterator[Pixels]:
    """Passes the strips of a plain resize on, and tells of each when it was written."""
    started = time.perf_counter()
    for done, strip in enumerate(rows, 1):
        yield strip
        seconds = time.perf_counter() - started
        remaining_s = seconds * (plan.steps - done) / done
        on_event(Progressed(item, done, plan.steps, seconds, remaining_s))


def mixed_rows(
    rows: Iterator[Pixels], plain: Iterator[Pixels], strength: float
) -> Iterator[Pixels]:
    """Mixes strength * rows + (1 - strength) * plain, rounded half up; they have one size."""
    waiting: list[Pixels] = []
    for ours in rows:
        top = 0
        while top < len(ours):
            if not waiting:
                waiting = [part for part in (next(plain),) if len(part)]
                continue
            count = min(len(ours) - top, len(waiting[0]))
            other = waiting[0][:count]
            mix = ours[top : top + count].astype(np.float32)
            mix *= np.float32(strength)
            mix += other * np.float32(1 - strength)
            yield (mix + np.float32(0.5)).astype(ours.dtype)
            waiting = [waiting[0][count:]] if count < len(waiting[0]) else []
            top += count


def resized_rows(rows: Iterator[Pixels], picture: Picture, target: Target) -> Iterator[Pixels]:
    """The network's rows brought to the exact target size."""
    scale = target.network_scale
    size = (picture.height * scale, picture.width * scale)
    resampler = PictureResampler(
        size, (target.height, target.width), picture.bands, dtype_of(picture)
    )
    for band in rows:
        yield resampler.feed(band)


def finish_bytes(picture: Picture, target: Target, options: UpscaleOptions) -> int:
    """Estimate of the memory these steps take: rows held as float32, and one block under way."""
    row = 4 * picture.bands * picture.width * target.network_scale
    held = 0
    if options.strength < 1:
        held += row * (8 + 2 * READ_ROWS * target.network_scale)
    if not target.is_exact:
        held += row * 3 * 64
    return held
