"""What a self-ensemble gains and costs: every lane for clean pictures at scale 2, 1, 2 and 4 runs.

`python -m foveate.bench.self_ensemble --root CHECKOUT --data DIR`; see scripts/esrt. For deblurring
see deblur_quality.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from foveate.bench.compare import compare
from foveate.bench.evaluate import evaluate
from foveate.bench.photo import tile_photo
from foveate.bench.quality_time import SCALE, find_lanes
from foveate.bench.results import Measurement, record, timed
from foveate.models.store import find_model
from foveate.pipelines.options import SELF_ENSEMBLES
from foveate.pipelines.pixels import OpenModel
from foveate.plan.machine import available_threads

SETS = ("Set5",)
SIZE = (222, 296)  # LR rows and columns
ROUNDS = 3


def measure_self_ensemble(
    model: str, photo: NDArray[np.uint8], data: Path, *, threads: int
) -> Iterator[Measurement]:
    """Time, interleaved, and PSNR-Y of one model; one run is the baseline of both.

    Args:
        model: id or path of a card at scale 2.
        photo: (H, W, 3) uint8 RGB.
        data: folder of test sets in `foveate evaluate`'s layout.
        threads: windows at once.
    """
    digest = find_model(model).card.weights.sha256[:12]
    with ExitStack() as stack:
        opened = {
            _lane(runs): stack.enter_context(OpenModel(model, threads=threads, self_ensemble=runs))
            for runs in SELF_ENSEMBLES
        }
        once = opened[_lane(1)]
        facts: dict[str, Any] = {"model": once.card.id, "scale": SCALE, "weights_sha256": digest}
        size = f"{photo.shape[1]}x{photo.shape[0]}"
        calls = {lane: lambda way=way: way.upscale(photo) for lane, way in opened.items()}
        for timing in compare(calls, rounds=ROUNDS):
            yield timed(
                timing, _lane(1), what="time", lane=timing.name, size=size, threads=threads,
                engine=once.engine, **facts,
            )  # fmt: skip
        for name in SETS:
            for lane, way in opened.items():
                report = evaluate(once.card.id, way.upscale, SCALE, data / name)
                row = report.rows[0]
                yield Measurement(
                    what="psnr_y", value=row.psnr_y, unit="dB", n=row.images, set=name, lane=lane,
                    protocol=report.protocol, **facts,
                )  # fmt: skip


def _lane(runs: int) -> str:
    return f"self-ensemble of {runs}"


def main() -> None:
    """Measures all lanes, with as many threads as there are cores."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--root", type=Path, required=True)
    parser.add_argument("--data", type=Path, required=True)
    asked = parser.parse_args()
    photo = tile_photo(asked.root / "examples" / "photo.jpg", *SIZE)
    for model in find_lanes():
        rows = measure_self_ensemble(model, photo, asked.data, threads=available_threads())
        record(asked.root / "results" / "self_ensemble.csv", rows)


if __name__ == "__main__":
    main()
