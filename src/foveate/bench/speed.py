"""Speed and peak memory of a model on an array of pixels, windows included, files not.

The measuring is done by a process of its own (`python -m foveate.bench.speed`), so that its peak
memory is the model's and nobody else's.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from dataclasses import asdict, dataclass

import numpy as np

from foveate import errors
from foveate.bench.compare import summarise
from foveate.errors import FoveateError, ResourceError, UsageError
from foveate.pipelines.pixels import OpenModel
from foveate.plan.machine import peak_memory_bytes

SEED = 20


@dataclass(frozen=True)
class Request:
    """What to measure: as `measure_speed` takes it."""

    model: str
    width: int
    height: int
    engine: str
    threads: int | None
    rounds: int


@dataclass(frozen=True)
class Speed:
    """What `foveate bench` prints.

    Attributes:
        model: the card's id.
        engine: engine and version.
        width: LR width in pixels.
        height: LR height in pixels.
        scale: SR/LR size ratio.
        threads: windows computed at the same time.
        rounds: how often the picture was enlarged.
        min_ms: the quickest round.
        median_ms: the middle of the rounds.
        max_ms: the slowest round.
        iqr_ms: the distance between the quartiles.
        megapixels_per_s: SR megapixels made per second, by the median.
        gflops: 1e9 floating-point operations per second, by the median: two per multiply-add that
            the card counts for the LR pixels; what halos add is not counted as work.
        peak_memory_bytes: of the whole process, Python and libraries and both pictures included.
    """

    model: str
    engine: str
    width: int
    height: int
    scale: int
    threads: int
    rounds: int
    min_ms: float
    median_ms: float
    max_ms: float
    iqr_ms: float
    megapixels_per_s: float
    gflops: float
    peak_memory_bytes: int


def measure_speed(
    model: str,
    *,
    width: int = 960,
    height: int = 540,
    engine: str = "auto",
    threads: int | None = None,
    rounds: int = 10,
) -> Speed:
    """Enlarges a picture of random 8-bit RGB `rounds` times in a child process.

    Args:
        model: id or path of a card.
        width: LR pixels.
        height: LR pixels.
        engine: "auto", "onnxruntime" or "openvino".
        threads: windows computed at the same time; None: the cores of this process.
        rounds: timed rounds, after one that is not timed.

    Returns:
        Times, rates and the child's peak memory.

    Raises:
        UsageError: a number below 1, or no such model or engine.
        ModelError: weights damaged, or an engine that fails its self-check.
        ResourceError: not enough memory, or the child was killed.
    """
    if min(width, height, rounds, 1 if threads is None else threads) < 1:
        raise UsageError("cannot measure", "size, rounds and threads start at 1")
    request = Request(model, width, height, engine, threads, rounds)
    command = [sys.executable, "-m", "foveate.bench.speed", json.dumps(asdict(request))]
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - no shell, and words of our own
    if done.returncode < 0:
        cause = f"its process was ended by signal {-done.returncode}"
        raise ResourceError(f"cannot measure {model}", cause, "try a smaller --size")
    if done.returncode:
        raise RuntimeError(f"the measuring process failed: {done.stderr}")
    answer = json.loads(done.stdout)
    if "error" in answer:
        raise getattr(errors, answer["error"])(*answer["parts"])
    return Speed(**answer)


def measure_here(request: Request) -> Speed:
    """As `measure_speed`, in this process; its peak memory counts whatever ran here before."""
    rng = np.random.default_rng(SEED)
    pixels = rng.integers(0, 256, (request.height, request.width, 3), np.uint8)
    with OpenModel(request.model, engine=request.engine, threads=request.threads) as opened:
        opened.upscale(pixels)
        seconds = []
        for _ in range(request.rounds):
            started = time.perf_counter()
            opened.upscale(pixels)
            seconds.append(time.perf_counter() - started)
        card, engine, threads = opened.card, opened.engine, opened.threads
    timing = summarise(card.id, seconds)
    lr_pixels = request.width * request.height
    return Speed(
        model=card.id,
        engine=engine,
        width=request.width,
        height=request.height,
        scale=card.scale,
        threads=threads,
        rounds=request.rounds,
        min_ms=timing.min_ms,
        median_ms=timing.median_ms,
        max_ms=timing.max_ms,
        iqr_ms=timing.iqr_ms,
        megapixels_per_s=lr_pixels * card.scale**2 / timing.median_ms / 1e3,
        gflops=2 * card.macs_per_lr_pixel * lr_pixels / timing.median_ms / 1e6,
        peak_memory_bytes=peak_memory_bytes(),
    )


def main() -> None:
    """The child: a request as JSON in, a speed or one of our errors as JSON out."""
    try:
        answer = asdict(measure_here(Request(**json.loads(sys.argv[1]))))
    except FoveateError as error:
        parts = [error.what, error.cause, error.remedy]
        answer = {"error": type(error).__name__, "parts": parts}
    sys.stdout.write(json.dumps(answer))


if __name__ == "__main__":
    main()
