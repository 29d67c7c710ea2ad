"""What each part of ESRT costs: parameters, MACs and the memory of a training step without it.

`python -m foveate.bench.esrt_ablations --root CHECKOUT`; see scripts/esrt. Needs PyTorch.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from foveate.bench.results import Measurement, record
from foveate.bench.torch_child import MemoryChildren

SCALE, SIDE = 4, 48  # the paper's table of ablations is of x4, its training patches are 48x48
ABLATIONS: dict[str, dict[str, Any]] = {
    "as published (EMHA, s = 4)": {},
    "no transformer": {"transformers": 0},
    "two transformers": {"transformers": 2},
    "original attention": {"attention": "original"},
    "EMHA, s = 1": {"segments": 1},
    "EMHA, s = 2": {"segments": 2},
    "EMHA, s = 8": {"segments": 8},
    "no high-frequency path": {"high_path": False},
    "no ARFB": {"arfb": False},
}
MEMORY_WAYS = ("plain", "fused")


def measure_ablations(
    ask: Callable[[dict[str, Any]], dict[str, Any]], side: int = SIDE
) -> Iterator[Measurement]:
    """Four rows for each variant; a step is forward and backward of one picture in float32.

    Args:
        ask: answers a request.
        side: LR pixels a side of the picture.
    """
    for name, options in ABLATIONS.items():
        facts: dict[str, Any] = {"model": name, "scale": SCALE, "size": f"{side}x{side}"}
        request = {"part": "net", "side": side, "training": True}
        request |= {"options": {"scale": SCALE} | options}
        answers = {way: ask(request | {"way": way}) for way in MEMORY_WAYS}
        first = answers[MEMORY_WAYS[0]]
        yield Measurement(what="parameters", value=first["parameters"], **facts)
        yield Measurement(what="MACs per LR pixel", value=first["macs_per_lr_pixel"], **facts)
        for way, answer in answers.items():
            mib = round(answer["peak_bytes"] / 2**20)
            what = f"MiB of a training step, {way} attention"
            yield Measurement(what=what, value=mib, unit="MiB", threads=1, **facts)


def main() -> None:
    """Measures every variant, about a minute."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--root", type=Path, required=True)
    asked = parser.parse_args()
    with MemoryChildren() as ask:
        record(asked.root / "results" / "esrt_ablations.csv", measure_ablations(ask))


if __name__ == "__main__":
    main()
