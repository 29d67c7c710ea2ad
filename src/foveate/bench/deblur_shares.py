"""What blurred shares cost the whole deblurring command, beside the same weights unpruned.

`python -m foveate.bench.deblur_shares --root CHECKOUT`; see scripts/deblur. One photo, in which a
disc of each share moves; the network decides by itself, or is told by the exact mask.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from foveate.bench.compare import compare
from foveate.bench.photo import tile_photo
from foveate.bench.results import Measurement, record, timed
from foveate.media.png import write_png
from foveate.models.store import find_model
from foveate.pipelines.deblur import DeblurReport, deblur_file
from foveate.pipelines.deblur_options import DeblurOptions
from foveate.plan.machine import available_threads

Pixels = NDArray[np.uint8]
Mask = NDArray[np.bool_]
SIZE = (1436, 2152)  # rows and columns: ReLoBlur's, the paper's own; 4 x 6 cores of 384
SHARES = (0.0, 0.05, 0.1, 0.2, 0.4, 1.0)
LENGTH_PX = 21
MODEL = "lmdvit.local"
UNPRUNED, TOLD, ITSELF = "unpruned", "told by the mask", "decides itself"


def draw_disc(share: float, height: int, width: int) -> Mask:
    """(H, W) bool: a disc about the middle that holds this share of the picture."""
    y, x = np.ogrid[:height, :width]
    distance = (y - height / 2) ** 2 + (x - width / 2) ** 2
    count = round(share * height * width)
    radius = np.partition(distance, count - 1, axis=None)[count - 1] if count else -1
    return np.asarray(distance <= radius)


def move_along_rows(photo: Pixels, where: Mask, length: int = LENGTH_PX) -> Pixels:
    """The photo as if what lies under `where` had moved by `length` pixels along its rows."""
    wide = np.pad(photo, ((0, 0), (length // 2, length - 1 - length // 2), (0, 0)), "symmetric")
    total = np.zeros(photo.shape, np.uint32)
    for start in range(length):
        total += wide[:, start : start + photo.shape[1]]
    moved = ((total + length // 2) // length).astype(np.uint8)
    return np.where(where[..., None], moved, photo)


def measure_shares(
    model: str,
    photo: Pixels,
    folder: Path,
    *,
    shares: tuple[float, ...] = SHARES,
    rounds: int = 3,
    threads: int | None = None,
) -> Iterator[Measurement]:
    """Seconds and MACs of `foveate deblur` from PNG to PNG, opening the model included.

    Args:
        model: id or path of a card.
        photo: (H, W, 3) uint8 RGB, sharp.
        folder: where pictures go.
        shares: of the photo's pixels that are blurred.
        rounds: how often each is timed.
        threads: windows at once; None: as many as there are cores.
    """
    threads, (height, width) = threads or available_threads(), photo.shape[:2]
    ways: dict[str, Callable[[], object]] = {}
    facts: dict[str, dict[str, Any]] = {}
    reports: dict[str, DeblurReport] = {}

    def deblur(name: str, source: Path, mask: Path | None) -> None:
        options = DeblurOptions(model=model, mask=mask, threads=threads, overwrite=True)
        reports[name] = deblur_file(source, folder / "out.png", options)

    def write(name: str, pixels: Pixels) -> Path:
        return write_png(folder / name, [pixels], height, overwrite=True)

    def add(lane: str, share: float, source: Path, mask: Path | None) -> None:
        name = f"{lane} {share:.0%}"
        ways[name] = partial(deblur, name, source, mask)
        facts[name] = {"lane": lane, "set": f"{share:.0%} blurred"}

    for share in shares[::-1]:
        where = draw_disc(share, height, width)
        source = write(f"{share}.png", move_along_rows(photo, where))
        mask = write(f"{share}.mask.png", where[..., None] * np.uint8(255))
        if not ways:
            everywhere = np.full((height, width, 1), 255, np.uint8)
            add(UNPRUNED, share, source, write("everywhere.png", everywhere))
        add(TOLD, share, source, mask)
        add(ITSELF, share, source, None)
    card = find_model(model, "deblur").card
    common: dict[str, Any] = {
        "model": card.id,
        "size": f"{width}x{height}",
        "threads": threads,
        "weights_sha256": card.weights.sha256[:12],
    }
    timings = list(compare(ways, rounds=rounds, warm_up=0))
    every = reports[next(iter(ways))].macs
    for timing in timings:
        report = reports[timing.name]
        own = common | facts[timing.name] | {"engine": report.engine}
        yield timed(timing, UNPRUNED, what="time", **own)
        own["baseline"] = UNPRUNED
        if report.macs is not None and every:
            yield Measurement(what="MACs", value=report.macs, ratio=report.macs / every, **own)
        yield Measurement(what="changed share", value=report.changed_share, **own)


def main() -> None:
    """Measures the model that ships."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--root", type=Path, required=True)
    parser.add_argument("--model", default=MODEL)
    parser.add_argument("--rounds", type=int, default=3)
    asked = parser.parse_args()
    photo = tile_photo(asked.root / "examples" / "astronaut.jpg", *SIZE)
    with tempfile.TemporaryDirectory() as folder:
        rows = measure_shares(asked.model, photo, Path(folder), rounds=asked.rounds)
        record(asked.root / "results" / "deblur_shares.csv", rows)


if __name__ == "__main__":
    main()
