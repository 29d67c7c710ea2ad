"""The paper's memory claim: attention over the whole sequence beside EMHA, plain and ours.

Attention's own memory is the peak of the transformer block less that of the same block with the
values passed through; each is measured in a child process of its own, one after the other.
`python -m foveate.bench.attention_memory --root CHECKOUT`; see scripts/esrt.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from foveate.bench.results import Measurement, record
from foveate.bench.torch_child import MemoryChildren

TRAINING_SIDE = 48
BATCHES = (1, 2, 4, 8, 16, 32)
WINDOWS = (48, 64, 96, 128)
ORIGINAL = "original, plain"
BY_SQUARE = "original, by the square of the tokens"
# Of the original every channel takes part, and every token looks at every other.
WAYS: dict[str, dict[str, Any]] = {
    ORIGINAL: {"options": {"attention": "original"}, "way": "plain"},
    "EMHA, plain": {"way": "plain"},
    "EMHA, blocked": {"way": "blocked"},
    "EMHA, fused": {"way": "fused"},
}
AS_TRAINED = {"EMHA, bfloat16 as trained": {"way": "fused", "bf16": True}}
BOUND_BYTES = 20 << 30

Ask = Callable[[dict[str, Any]], dict[str, Any]]


def measure_training(limit_bytes: int, ask: Ask) -> Iterator[Measurement]:
    """Rows of training steps at LR 48x48, batches doubling while the original stays in the limit.

    Args:
        limit_bytes: no child is started that would need more, by the one before.
        ask: answers a request.
    """
    peaks: list[tuple[int, int]] = []  # of the original: batch, bytes of the step
    for batch in BATCHES:
        if peaks and peaks[-1][1] * batch / peaks[-1][0] > limit_bytes:
            break
        facts = {"side": TRAINING_SIDE, "batch": batch, "training": True}
        found = attention_bytes(WAYS | AS_TRAINED, facts, ask)
        peaks.append((batch, found[ORIGINAL][1]))
        yield from _rows(found, TRAINING_SIDE, f"training step, batch {batch}")
    if len(peaks) > 1:
        (few, least), (many, most) = peaks[-2:]
        slope = (most - least) / (many - few)
        yield Measurement(
            what="batch in 20 GiB",
            model="ESRT transformer",
            lane=ORIGINAL,
            size=_size(TRAINING_SIDE),
            protocol=f"by the bytes per picture between batches {few} and {many}",
            value=int(BOUND_BYTES / slope),
        )


def measure_inference(limit_bytes: int, ask: Ask) -> Iterator[Measurement]:
    """Rows of one window without gradients, 48 to 128 LR pixels a side.

    Beyond the limit the original's attention is not run but follows from the last window that was:
    it grows with the square of the tokens.
    """
    last = (0, 0, 0)  # of the original: tokens, bytes of attention, bytes of the block
    for side in WINDOWS:
        facts, growth = {"side": side}, (side * side / last[0]) ** 2 if last[0] else 0.0
        fits = last[2] * growth <= limit_bytes
        ways = {lane: way for lane, way in WAYS.items() if fits or lane != ORIGINAL}
        found = attention_bytes(ways, facts, ask)
        if fits:
            last = (side * side, *found[ORIGINAL])
        else:
            found = {BY_SQUARE: (round(last[1] * growth), round(last[2] * growth))} | found
        yield from _rows(found, side, "inference")


def measure_agreement(ask: Ask) -> Iterator[Measurement]:
    """How far EMHA's ways are from the plain one, on the same input and weights."""
    for lane in ("EMHA, blocked", "EMHA, fused"):
        for side in (48, 96):
            answer = ask({"part": "block", "side": side, "compare": True} | WAYS[lane])
            yield Measurement(
                what="largest difference to EMHA, plain",
                model="ESRT transformer",
                lane=lane,
                size=_size(side),
                protocol="inference",
                value=answer["difference"],
            )


def attention_bytes(
    ways: dict[str, dict[str, Any]], facts: dict[str, Any], ask: Ask
) -> dict[str, tuple[int, int]]:
    """For each way: bytes of the attention alone, and of the whole block.

    Args:
        ways: requests by lane.
        facts: what they share.
        ask: answers a request.
    """
    found, without = {}, dict[str, int]()
    for lane, way in ways.items():
        request = {"part": "block"} | way | facts
        whole = ask(request)["peak_bytes"]
        nothing = request | {"way": "none"}
        key = json.dumps(nothing, sort_keys=True)
        if key not in without:
            without[key] = ask(nothing)["peak_bytes"]
        found[lane] = (whole - without[key], whole)
    return found


def _rows(found: dict[str, tuple[int, int]], side: int, protocol: str) -> Iterator[Measurement]:
    baseline = next(iter(found))
    for number, what in enumerate(("attention", "block")):
        for lane, peaks in found.items():
            share = peaks[number] / found[baseline][number]
            facts: dict[str, Any] = {
                "model": "ESRT transformer",
                "lane": lane,
                "size": _size(side),
                "protocol": protocol,
                "threads": 1,
                "baseline": baseline,
                "ratio": share,
            }
            mib = round(peaks[number] / 2**20, 1)
            yield Measurement(what=f"{what}_memory", value=mib, unit="MiB", **facts)
            yield Measurement(what=f"{what}_share", value=round(share * 100, 1), unit="%", **facts)


def _size(side: int) -> str:
    return f"{side}x{side}"


def main() -> None:
    """Measures all of it, some minutes."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--root", type=Path, required=True)
    parser.add_argument("--limit-gib", type=float, default=8, help="most a child may need")
    asked = parser.parse_args()
    limit = int(asked.limit_gib * 2**30)
    path = asked.root / "results" / "attention_memory.csv"
    with MemoryChildren() as ask:
        for rows in (
            measure_agreement(ask),
            measure_training(limit, ask),
            measure_inference(limit, ask),
        ):
            record(path, rows)


if __name__ == "__main__":
    main()
