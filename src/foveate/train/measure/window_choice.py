"""Which core and halo serve an ESRT best: quality and cost of each, on real pictures.

`python -m foveate.train.measure.window_choice REQUEST` is the child that bench/ starts: a `Request`
as JSON in, an `Answer` as JSON out.
"""

from __future__ import annotations

import sys
import time
from itertools import product
from pathlib import Path

import msgspec
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from foveate.engine.onnxruntime_graph import load_graph, run_graph
from foveate.errors import UsageError
from foveate.geometry import Grid
from foveate.media.reader import read_pixels
from foveate.metrics.psnr import psnr_y
from foveate.nets.build import build_net
from foveate.nets.esrt import ESRT
from foveate.train.checkpoint import read_checkpoint
from foveate.train.export.card_window import restore_on_grid
from foveate.train.export.graph import count_macs, fold, to_onnx
from foveate.train.recipe import Recipe

Pixels = NDArray[np.uint8]


class Request(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What to measure.

    Attributes:
        checkpoint: a run's checkpoint; its average is taken.
        pairs: paths of LR pictures, each with its HR.
        cores: sides of cores, LR pixels.
        halos: LR pixels around them.
        largest: LR pixels a side that are cut from the middle of each picture.
        rounds: how often each size of window is timed; 0: not at all.
    """

    checkpoint: str
    pairs: list[tuple[str, str]]
    cores: list[int]
    halos: list[int]
    largest: int = 192
    rounds: int = 3


class WindowRow(msgspec.Struct, frozen=True):
    """One core and halo.

    Attributes:
        core: side, LR pixels.
        halo: LR pixels.
        psnr_y: dB, mean over the pictures.
        difference: mean absolute difference to the whole picture at once, 0..255 levels.
        macs: multiply-adds for each LR pixel of a core.
        microseconds: of a processor by ONNX Runtime for each LR pixel of a core; None: not timed.
    """

    core: int
    halo: int
    psnr_y: float
    difference: float
    macs: int
    microseconds: float | None


class Answer(msgspec.Struct, frozen=True):
    """The rows, and the PSNR-Y of the whole pictures at once."""

    step: int
    pictures: int
    whole_psnr_y: float
    rows: list[WindowRow]


@torch.no_grad()
def measure(request: Request) -> Answer:
    """Runs every window size on every picture; one thread.

    Raises:
        InputError: no such checkpoint or picture.
        UsageError: the checkpoint is not of an ESRT.
    """
    torch.set_num_threads(1)
    saved = read_checkpoint(Path(request.checkpoint))
    settings = msgspec.convert(saved.recipe, Recipe)
    trained = build_net(settings.net.family, settings.net.options)
    trained.load_state_dict(saved.average)
    net = fold(trained)
    if not isinstance(net, ESRT):
        raise UsageError(f"cannot choose windows for {request.checkpoint}", "it is no ESRT")
    scale = net.config.scale
    pairs = [_read_pair(lr, hr, scale, request.largest) for lr, hr in request.pairs]
    whole = [net(lr) for lr, _ in pairs]
    wanted = list(product(request.cores, request.halos))
    times = _times(net, sorted({core + 2 * halo for core, halo in wanted}), request.rounds)
    rows = []
    for core, halo in wanted:
        side = core + 2 * halo
        scores, differences = [], []
        for (lr, hr), expected in zip(pairs, whole, strict=True):
            height, width = lr.shape[2:]
            # Not evened out as for a user's picture: a core is to be what the row says.
            grid = Grid(width, height, core, core, halo, 1, side)
            sr = restore_on_grid(net, lr, grid)
            scores.append(_score(sr, hr, scale))
            differences.append(float((sr - expected).abs().mean()) * 255)
        share = (side / core) ** 2
        rows.append(
            WindowRow(
                core,
                halo,
                float(np.mean(scores)),
                float(np.mean(differences)),
                round(count_macs(net, side) * share),
                times[side] / core**2 if side in times else None,
            )
        )
    scores = [_score(sr, hr, scale) for sr, (_, hr) in zip(whole, pairs, strict=True)]
    return Answer(saved.step, len(pairs), float(np.mean(scores)), rows)


def _times(net: ESRT, sides: list[int], rounds: int) -> dict[int, float]:
    """Microseconds of a processor for one window of each side: the least of so many rounds."""
    least: dict[int, float] = {}
    attend = net.attend
    for side in sides if rounds else []:
        graph = load_graph(to_onnx(net, side), Path(f"{side}.onnx"), threads=1, device="cpu")
        lr = np.random.default_rng(0).random((1, 3, side, side), np.float32)
        run_graph(graph, {"lr": lr}, "esrt")  # the first call allocates
        spent = []
        for _ in range(rounds):
            started = time.process_time()  # not the clock's: other processes may be at work
            run_graph(graph, {"lr": lr}, "esrt")
            spent.append(time.process_time() - started)
        least[side] = min(spent) * 1e6
        net.attend = attend  # the export put its own in place
    return least


def _read_pair(lr_path: str, hr_path: str, scale: int, largest: int) -> tuple[Tensor, Pixels]:
    """The middle of a picture: LR (1, 3, H, W) 0..1 and HR (sH, sW, 3) uint8."""
    lr, hr = (np.asarray(read_pixels(Path(path)), np.uint8) for path in (lr_path, hr_path))
    lr, hr = (p[..., [0, 0, 0]] if p.shape[2] < 3 else p[..., :3] for p in (lr, hr))
    height, width = (min(side, largest) for side in lr.shape[:2])
    top, left = (lr.shape[0] - height) // 2, (lr.shape[1] - width) // 2
    lr = lr[top : top + height, left : left + width]
    hr = hr[top * scale : (top + height) * scale, left * scale : (left + width) * scale]
    return torch.from_numpy(lr.copy()).permute(2, 0, 1)[None].float() / 255, hr


def _score(sr: Tensor, hr: Pixels, scale: int) -> float:
    pixels = (sr.clamp(0, 1) * 255).round().to(torch.uint8)[0].permute(1, 2, 0).numpy()
    return psnr_y(pixels, hr, border_px=scale)


if __name__ == "__main__":
    asked = msgspec.json.decode(sys.argv[1], type=Request)
    sys.stdout.buffer.write(msgspec.json.encode(measure(asked)))
