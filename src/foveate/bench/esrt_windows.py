"""The choice of ESRT's window: quality and cost of every core and halo, for one checkpoint.

`python -m foveate.bench.esrt_windows CHECKPOINT --root CHECKOUT`; see scripts/esrt. Needs PyTorch.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from foveate.bench.results import Measurement, record
from foveate.bench.torch_child import ask_child
from foveate.errors import InputError

CHILD = "foveate.train.measure.window_choice"
SETS = {"Set5": 3, "BSD100": 3}  # so many pictures of each, spread over it
CORES, HALOS = (32, 48, 64, 96), (4, 8, 12, 16)


def find_pairs(data: Path, scale: int) -> list[tuple[str, str]]:
    """Paths of LR and HR of the chosen pictures.

    Raises:
        InputError: a set is not there.
    """
    pairs = []
    for name, wanted in SETS.items():
        paths = sorted((data / name / "HR").glob("*.png"))
        if not paths:
            raise InputError(f"cannot measure windows on {data}", f"{name}/HR holds no PNG files")
        for path in paths[:: -(-len(paths) // wanted)]:
            lr = data / name / "LR_bicubic" / f"X{scale}" / f"{path.stem}x{scale}.png"
            pairs.append((str(lr), str(path)))
    return pairs


def measure_windows(
    checkpoint: Path,
    data: Path,
    scale: int,
    **limits: Any,  # noqa: ANN401 - fields of the request
) -> Iterator[Measurement]:
    """Four rows for each core and halo, and one for the whole pictures at once.

    Args:
        checkpoint: of a run that trains an ESRT of this scale.
        data: folder of test sets in `foveate evaluate`'s layout.
        scale: SR/LR size ratio.
        limits: other values than the request's own.
    """
    pairs = find_pairs(data, scale)
    request = {"checkpoint": str(checkpoint), "pairs": pairs, "cores": CORES, "halos": HALOS}
    answer = ask_child(CHILD, request | limits)
    facts: dict[str, Any] = {
        "model": f"esrt_x{scale}",
        "set": " and ".join(f"{count} of {name}" for name, count in SETS.items()),
        "scale": scale,
        "protocol": f"after {answer['step']:,} steps",
        "n": answer["pictures"],
    }
    psnr = answer["whole_psnr_y"]
    yield Measurement(what="PSNR-Y, dB", lane="whole", value=round(psnr, 3), unit="dB", **facts)
    for row in answer["rows"]:
        own = facts | {"lane": f"core {row['core']}, halo {row['halo']}"}
        values = {
            "PSNR-Y, dB": (round(row["psnr_y"], 3), "dB"),
            "levels from whole": (round(row["difference"], 3), "levels"),
            "MACs per LR pixel": (row["macs"], ""),
        }
        if row["microseconds"] is not None:
            values["us per LR pixel"] = (round(row["microseconds"], 1), "us")
        for what, (value, unit) in values.items():
            yield Measurement(what=what, value=value, unit=unit, **own)


def main() -> None:
    """Measures one checkpoint, some minutes."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("checkpoint", type=Path)
    parser.add_argument("--root", type=Path, required=True)
    parser.add_argument("--data", type=Path)
    parser.add_argument("--scale", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=3, help="of each time; 0 leaves times out")
    parser.add_argument("--largest", type=int, default=192, help="LR side cut from each picture")
    asked = parser.parse_args()
    data = asked.data or asked.root.parent / "shared" / "data" / "test"
    limits = {"rounds": asked.rounds, "largest": asked.largest}
    rows = measure_windows(asked.checkpoint, data, asked.scale, **limits)
    record(asked.root / "results" / "esrt_windows.csv", rows)


if __name__ == "__main__":
    main()
