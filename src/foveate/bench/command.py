"""The whole command on a photo, start-up included, seen from outside: seconds and peak memory."""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np

from foveate.bench.results import Measurement
from foveate.errors import FoveateError
from foveate.media.encoding import choose_encoding
from foveate.media.picture import open_picture
from foveate.media.reader import read_pixels
from foveate.media.writer import open_writer
from foveate.models.card import Card

# What is claimed: a 1-megapixel photo in < 1.5 s, and that the others run in so little memory.
PHOTOS = ((1184, 888, "1GiB", 5), (4000, 3000, "512MiB", 1), (10_000, 10_000, "1GiB", 1))
STRIP_ROWS = 64

# A small process starts the command: Linux counts the starter's memory as the child's.
_STARTER = """
import json, resource, subprocess, sys, time
began = time.perf_counter()
code = subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL).returncode
seconds = time.perf_counter() - began
print(json.dumps([code, seconds, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024]))
"""


def measure_command(card: Card, sample: Path, folder: Path) -> Iterator[Measurement]:
    """Runs `foveate upscale` on JPEG photos of three sizes, as many threads as there are cores.

    Args:
        card: a model that ships.
        sample: a photo whose copies fill the larger ones.
        folder: where the photos and results go.

    Yields:
        Two rows per size: seconds (the median) and peak resident bytes (the largest).

    Raises:
        FoveateError: a run failed.
    """
    for width, height, memory, rounds in PHOTOS:
        source, output = folder / f"{width}x{height}.jpg", folder / "out.jpg"
        make_photo(sample, source, width, height)
        command = [sys.executable, "-m", "foveate", "upscale", str(source), "-o", str(output)]
        command += ["--model", card.id, "--memory", memory, "--overwrite", "--json"]
        command += ["--max-pixels", str(width * height)]
        runs = [_run(command) for _ in range(rounds)]
        seconds = Measurement(
            what="whole command",
            model=card.id,
            size=f"{width}x{height}",
            scale=card.scale,
            protocol=f"JPEG to JPEG, --memory {memory}",
            value=statistics.median(spent for spent, _ in runs),
            unit="s",
            n=rounds,
            min=min(spent for spent, _ in runs),
            max=max(spent for spent, _ in runs),
            weights_sha256=card.weights.sha256[:12],
        )
        peak = max(peak for _, peak in runs)
        yield seconds
        yield replace(
            seconds, what="peak_memory", value=peak / 2**20, unit="MiB", min=None, max=None
        )
        source.unlink()
        output.unlink()


def make_photo(sample: Path, path: Path, width: int, height: int) -> None:
    """A JPEG of any size from copies of one photo, written in strips."""
    tile, picture = read_pixels(sample), open_picture(sample)
    encoding, _ = choose_encoding(".jpg", picture)
    across = -(-width // tile.shape[1])
    shape = {"width": width, "height": height, "bands": tile.shape[2]}
    with open_writer(
        path, encoding, **shape, depth=8, metadata=picture.metadata, overwrite=True
    ) as writer:
        for top in range(0, height, STRIP_ROWS):
            rows = np.arange(top, min(height, top + STRIP_ROWS)) % tile.shape[0]
            writer.write(np.tile(tile[rows], (1, across, 1))[:, :width])
        writer.finish()


def _run(command: list[str]) -> tuple[float, int]:
    starter = [sys.executable, "-I", "-S", "-c", _STARTER, *command]
    done = subprocess.run(starter, capture_output=True, text=True, check=True)  # noqa: S603 - our own command
    code, seconds, peak = json.loads(done.stdout)
    if code:
        lines = done.stderr.strip().splitlines() or ["no message"]
        raise FoveateError("the measured command failed", lines[-1])
    return seconds, peak
