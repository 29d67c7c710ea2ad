"""What windows cost: the window loop beside one plain call on the whole picture, same threads.

The plain call gets and gives float32 planes; the loop reads samples, and rounds them, too.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from functools import partial
from pathlib import Path

import msgspec
import numpy as np

from foveate.bench.compare import compare
from foveate.bench.results import Measurement, timed
from foveate.engine.onnxruntime_session import OnnxRuntimeSession
from foveate.models.store import find_model
from foveate.models.write import write_card
from foveate.pipelines.pixels import OpenModel

ONE_CALL = "one call"
ROUNDS = 9


def measure_window_loop(
    card_path: Path,
    folder: Path,
    *,
    cores: Sequence[tuple[int, int]] = (),
    threads: int,
    width: int = 960,
    height: int = 540,
) -> Iterator[Measurement]:
    """Times one call on the whole picture and the loop in windows of each size, interleaved.

    Args:
        card_path: the model's card.
        folder: gets copies of the model that differ in their windows.
        cores: (width, height) of window cores; none: the card's own.
        threads: of the plain call, and windows at once in the loop.
        width: LR pixels.
        height: LR pixels.

    Yields:
        One row per way; the plain call is the baseline.
    """
    model = find_model(card_path)
    card = model.card
    random = np.random.default_rng(0)
    pixels = random.integers(0, 256, (height, width, 3), np.uint8)
    lr = np.ascontiguousarray(pixels.transpose(2, 0, 1)[None], np.float32) / np.float32(255)
    with ExitStack() as opened:
        plain = OnnxRuntimeSession(card, model.weights_path, threads=threads, device="cpu")
        opened.callback(plain.close)
        ways = {ONE_CALL: lambda: plain.run(lr)}
        for core in cores or [(card.window.core_width, card.window.core_height)]:
            name = f"windows of {core[0]}x{core[1]}"
            window = msgspec.structs.replace(card.window, core_width=core[0], core_height=core[1])
            copy = folder / f"{core[0]}x{core[1]}" / card_path.name
            copy.parent.mkdir(parents=True, exist_ok=True)
            copy.with_suffix(".onnx").write_bytes(model.weights_path.read_bytes())
            write_card(msgspec.structs.replace(card, window=window), copy)
            loop = opened.enter_context(OpenModel(copy, engine="onnxruntime", threads=threads))
            ways[name] = partial(loop.upscale, pixels)
        timings = compare(ways, rounds=ROUNDS)
    for timing in timings:
        yield timed(
            timing,
            ONE_CALL,
            what="time",
            model=card.id,
            engine=plain.name,
            lane=timing.name,
            size=f"{width}x{height}",
            scale=card.scale,
            threads=threads,
            weights_sha256=card.weights.sha256[:12],
        )
