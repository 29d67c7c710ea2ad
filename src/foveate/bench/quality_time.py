"""Quality against time: a photo of one megapixel, twice as large, by every lane, bicubic and peers.

`python -m foveate.bench.quality_time --root CHECKOUT [--peers DIR]`; see scripts/esrt. All are
timed in one run, interleaved; whatever ships for clean pictures at scale 2 takes part.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from foveate.bench.compare import compare
from foveate.bench.evaluate import evaluate
from foveate.bench.peers import PEERS, count_peer_macs, open_peer
from foveate.bench.photo import tile_photo
from foveate.bench.results import Measurement, record, timed
from foveate.media.resample import RowResampler
from foveate.models.store import LANES, find_model, list_cards
from foveate.pipelines.pixels import OpenModel
from foveate.plan.machine import available_threads

Pixels = NDArray[np.uint8]
SCALE = 2
SIZE = (888, 1184)  # LR rows and columns: 1.05 megapixels
SET = "BSD100"
BICUBIC = "bicubic"
ROUNDS = 3


def find_lanes() -> list[str]:
    """The shipped models for clean pictures at scale 2, cheapest first."""
    shipped = {entry.card.id for entry in list_cards() if entry.where == "shipped"}
    ids = [f"{name}_x{SCALE}.bicubic" for name in LANES.values()]
    return [model_id for model_id in ids if model_id in shipped]


def measure_quality_time(
    models: list[str],
    photo: Pixels,
    data: Path,
    peers: Path | None,
    *,
    threads: int,
    limit: int | None = None,
) -> Iterator[Measurement]:
    """Time, PSNR-Y and MACs of each way; the first is bicubic, the baseline of the times.

    Args:
        models: ids or paths of cards at scale 2.
        photo: (H, W, 3) uint8 RGB.
        data: folder of test sets in `foveate evaluate`'s layout.
        peers: folder of OpenCV's graphs, or None.
        threads: windows at once, or OpenCV's threads; bicubic has one.
        limit: at most so many pictures of the set.
    """
    with ExitStack() as opened:
        ways: dict[str, Callable[[Pixels], Pixels]] = {BICUBIC: resize}
        facts: dict[str, dict[str, Any]] = {BICUBIC: {}}
        macs: dict[str, int] = {}
        for model in models:
            ours = opened.enter_context(OpenModel(model, threads=threads))
            ways[ours.card.id] = ours.upscale
            digest = find_model(model).card.weights.sha256[:12]
            facts[ours.card.id] = {"engine": ours.engine, "weights_sha256": digest}
            macs[ours.card.id] = ours.card.macs_per_lr_pixel
        if peers is not None:
            for name in PEERS:
                ways[name] = open_peer(name, SCALE, peers, threads)
                facts[name] = {}
                macs[name] = count_peer_macs(name, SCALE, peers)
        calls = {name: lambda way=way: way(photo) for name, way in ways.items()}
        size = f"{photo.shape[1]}x{photo.shape[0]}"
        for timing in compare(calls, rounds=ROUNDS):
            own = facts[timing.name] | {"model": timing.name, "scale": SCALE, "size": size}
            yield timed(timing, BICUBIC, what="time", threads=threads, **own)
        for name, way in ways.items():
            report = evaluate(name, way, SCALE, data / SET, limit=limit)
            own = facts[name] | {"model": name, "scale": SCALE}
            row = report.rows[0]
            yield Measurement(
                what="psnr_y", value=row.psnr_y, unit="dB", n=row.images, set=SET,
                protocol=report.protocol, **own,
            )  # fmt: skip
            if name in macs:
                yield Measurement(what="MACs per LR pixel", value=macs[name], **own)


def resize(lr: Pixels) -> Pixels:
    """The plain resize of `--strength 0`."""
    height, width, bands = lr.shape
    resampler = RowResampler((height, width), (SCALE * height, SCALE * width), bands)
    return np.asarray(resampler.feed(lr), np.uint8)


def main() -> None:
    """Measures, with as many threads as there are cores."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("models", nargs="*", help="ids or cards; default: what ships")
    parser.add_argument("--root", type=Path, required=True)
    parser.add_argument("--data", type=Path)
    parser.add_argument("--peers", type=Path, help="folder of OpenCV's graphs")
    asked = parser.parse_args()
    data = asked.data or asked.root.parent / "shared" / "data" / "test"
    photo = tile_photo(asked.root / "examples" / "photo.jpg", *SIZE)
    rows = measure_quality_time(
        asked.models or find_lanes(), photo, data, asked.peers, threads=available_threads()
    )
    record(asked.root / "results" / "quality_time.csv", rows)


if __name__ == "__main__":
    main()
