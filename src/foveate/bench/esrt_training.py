"""What makes a training step of ESRT cheap: one thing changed at a time, each in a child process.

`python -m foveate.bench.esrt_training --root CHECKOUT`; see scripts/esrt. Needs PyTorch. Processor
time is counted, not the clock's: other processes may be at work.
"""

from __future__ import annotations

import argparse
import statistics
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from foveate.bench.results import Measurement, record
from foveate.bench.torch_child import ask_child

CHILD = "foveate.train.measure.step_speed"
RECIPE = "esrt_x2.bicubic"
AS_SET = "patch 48, batch 4, bfloat16, channels-last"
BASE = ("data.patch=48", "data.batch=4", "optimiser.bf16=true", "optimiser.compile=false")
# What each variant changes; `channels_last` is no setting of a recipe.
VARIANTS: dict[str, dict[str, Any]] = {
    AS_SET: {},
    "float32": {"overrides": ("optimiser.bf16=false",)},
    "not channels-last": {"channels_last": False},
    "patch 32, batch 9": {"overrides": ("data.patch=32", "data.batch=9")},
    "patch 64, batch 2": {"overrides": ("data.patch=64", "data.batch=2")},
    "patch 64, batch 2, loss on the core as deployed": {
        "overrides": ("data.patch=64", "data.batch=2", "loss.border=8")
    },
    "batch 1": {"overrides": ("data.batch=1",)},
    "batch 16": {"overrides": ("data.batch=16",)},
    "compiled": {"overrides": ("optimiser.compile=true",)},
    "compiled, float32": {"overrides": ("optimiser.compile=true", "optimiser.bf16=false")},
}


def measure_training(recipe: Path, names: list[str], steps: int = 20) -> Iterator[Measurement]:
    """Three rows for each variant: time for an LR pixel that counts, the first step, and memory.

    Args:
        recipe: path of the recipe that is varied.
        names: of VARIANTS; the first is the baseline of the ratios.
        steps: that are timed.
    """
    baseline = 0.0
    for name in names:
        change = VARIANTS[name]
        overrides = (*BASE, *change.get("overrides", ()))
        request = {"recipe": str(recipe), "steps": steps} | change | {"overrides": overrides}
        answer = ask_child(CHILD, request)
        each = [spent * 1e3 / answer["lr_pixels"] for spent in answer["step_ms"]]
        median = statistics.median(each)
        baseline = baseline or median
        facts: dict[str, Any] = {"model": recipe.stem, "lane": name, "threads": 1}
        yield Measurement(
            what="processor us per LR pixel of a step",
            value=round(median, 2),
            unit="us",
            n=len(each),
            min=round(min(each), 2),
            max=round(max(each), 2),
            baseline=names[0],
            ratio=median / baseline,
            **facts,
        )
        yield Measurement(
            what="first step, s", value=round(answer["first_s"], 1), unit="s", n=1, **facts
        )
        mib = round(answer["peak_bytes"] / 2**20)
        yield Measurement(what="memory of a step, MiB", value=mib, unit="MiB", **facts)


def main() -> None:
    """Measures every variant, or those named."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("variants", nargs="*", help="default: all; the first is the baseline")
    parser.add_argument("--root", type=Path, required=True)
    asked = parser.parse_args()
    recipe = asked.root / "recipes" / f"{RECIPE}.toml"
    for row in measure_training(recipe, asked.variants or list(VARIANTS)):
        record(asked.root / "results" / "esrt_training.csv", [row])


if __name__ == "__main__":
    main()
