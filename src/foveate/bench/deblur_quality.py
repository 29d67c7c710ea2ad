"""Quality of a deblurring model: pairs made of held-out pictures, and sharp photos.

`python -m foveate.bench.deblur_quality --root CHECKOUT --photos DIR --cutouts DIR --sharp DIR
--pairs DIR`; see scripts/deblur. The pairs are the same for the same pictures: `foveate
synthesize`, one seed. Two sets: ways of 2 to 16 px, which are 8 to 63 for a photo 2,000 px wide at
the pairs' width, and of 3 to 40. The model decides by itself, and is told by the pairs' masks; both
also with a self-ensemble.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from foveate.bench.deblur_shares import ITSELF, TOLD
from foveate.bench.evaluate import read_rgb
from foveate.bench.evaluate_deblur import DeblurReport, evaluate_deblur
from foveate.bench.results import Measurement, record
from foveate.models.store import find_model
from foveate.pipelines.deblur_pixels import deblur

MODEL = "lmdvit.local"
SEED, COUNT, SIDE, VALIDATION = 20, 80, 512, 16
LENGTHS_PX = ((2, 16), (3, 40))
ENSEMBLE = ", self-ensemble of 4"
UNITS = {
    "psnr": "dB",
    "psnr_w": "dB",
    "ssim": "",
    "kept": "",
    "precision": "",
    "recall": "",
}


def make_held_out(
    photos: list[str], cutouts: list[str], out: Path, length_px: tuple[int, int], count: int = COUNT
) -> None:
    """Pairs of what training lays aside; those that are there stay."""
    folders = [f"--photos={folder}" for folder in photos]
    folders += [f"--cutouts={folder}" for folder in cutouts]
    numbers = [f"--count={count}", f"--seed={SEED}", f"--size={SIDE}", f"--held-out={VALIDATION}"]
    numbers += ["--length", *map(str, length_px), f"--out={out}"]
    command = [sys.executable, "-m", "foveate", "synthesize", *folders, *numbers]
    subprocess.run(command, check=True)  # noqa: S603 - our own command


def measure(model: str, pairs: Path, lane: str, limit: int | None = None) -> DeblurReport:
    """The scores of a model that decides by itself, or restores exactly the pairs' masks."""
    decides, runs = lane.startswith(ITSELF), 4 if lane.endswith(ENSEMBLE) else 1
    return evaluate_deblur(
        find_model(model, "deblur").card.id,
        lambda blurry, mask: deblur(
            blurry, model=model, mask=None if decides else mask, self_ensemble=runs
        ),
        pairs,
        limit=limit,
    )


def quality_rows(report: DeblurReport, weights_sha256: str, lane: str) -> Iterator[Measurement]:
    """One row per score, the blurry input's beside it as what it is compared with."""
    restored, blurry = report.rows
    for row in (blurry, restored):
        for what, unit in UNITS.items():
            value, before = getattr(row, what), getattr(blurry, what)
            yield Measurement(
                what=what, model=row.name, set=report.set, protocol=report.protocol, value=value,
                lane="" if row is blurry else lane, unit=unit, n=row.images, baseline="blurry",
                ratio=value / before if before else None,
                weights_sha256="" if row is blurry else weights_sha256,
            )  # fmt: skip


def sharp_rows(
    model: str, folder: Path, weights_sha256: str, limit: int | None = None
) -> Iterator[Measurement]:
    """How many of a folder's sharp pictures change, and what share of their pixels."""
    shares = []
    for path in sorted(folder.glob("*.png"))[:limit]:
        pixels = read_rgb(path)
        made = deblur(pixels, model=model)
        assert (made.pixels == pixels)[~made.mask].all()  # noqa: S101 - the promise itself
        shares.append(float((made.pixels != pixels).any(2).mean()))
    changed = {"pictures changed": np.count_nonzero(shares), "pixels changed": np.mean(shares)}
    for what, value in changed.items():
        yield Measurement(
            what=what, model=find_model(model, "deblur").card.id, set=folder.parent.name,
            protocol="sharp", value=float(value), n=len(shares), weights_sha256=weights_sha256,
        )  # fmt: skip


def main() -> None:
    """Measures the model that ships."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--root", type=Path, required=True)
    parser.add_argument("--model", default=MODEL)
    parser.add_argument("--photos", action="append", required=True, help="as training had them")
    parser.add_argument("--cutouts", action="append", required=True, help="as training had them")
    parser.add_argument("--sharp", type=Path, required=True, help="sets as foveate evaluate's")
    parser.add_argument("--pairs", type=Path, required=True, help="where the pairs are made")
    parser.add_argument("--limit", type=int)
    asked = parser.parse_args()
    card = find_model(asked.model, "deblur").card
    digest = card.weights.sha256[:12]
    rows = list[Measurement]()
    for low, high in LENGTHS_PX:
        pairs = asked.pairs / f"ways of {low} to {high} px"
        make_held_out(asked.photos, asked.cutouts, pairs, (low, high))
        for lane in (ITSELF, TOLD, ITSELF + ENSEMBLE, TOLD + ENSEMBLE):
            rows += quality_rows(measure(asked.model, pairs, lane, asked.limit), digest, lane)
    for folder in sorted(asked.sharp.glob("*/HR")):
        rows += sharp_rows(asked.model, folder, digest, asked.limit)
    record(asked.root / "results" / "deblur_quality.csv", rows)


if __name__ == "__main__":
    main()
