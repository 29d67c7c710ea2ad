"""The small networks that OpenCV runs (FSRCNN, ESPCN), beside ours: same pictures, same threads.

OpenCV is no dependency: `pip install opencv-contrib-python-headless`, and a folder of their graphs.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from foveate.bench.compare import compare
from foveate.bench.results import Measurement, timed
from foveate.errors import InputError, UsageError
from foveate.models.card import Card
from foveate.pipelines.pixels import OpenModel

Pixels = NDArray[np.uint8]
PEERS = ("FSRCNN", "ESPCN")
SIZE = (540, 960)
ROUNDS = 7


def measure_peers(card: Card, folder: Path, *, threads: int) -> Iterator[Measurement]:
    """Times ours and the peers on one picture of random samples, interleaved; ours is first."""
    lr = np.random.default_rng(0).integers(0, 256, (*SIZE, 3), np.uint8)
    with OpenModel(card.id, threads=threads) as ours:
        ways: dict[str, Callable[[], object]] = {card.id: lambda: ours.upscale(lr)}
        for name in PEERS:
            ways[name] = partial(open_peer(name, card.scale, folder, threads), lr)
        timings = compare(ways, rounds=ROUNDS)
    for timing in timings:
        yield timed(
            timing,
            card.id,
            what="time",
            model=timing.name,
            size=f"{SIZE[1]}x{SIZE[0]}",
            scale=card.scale,
            threads=threads,
        )


def open_peer(name: str, scale: int, folder: Path, threads: int) -> Callable[[Pixels], Pixels]:
    """A function from LR (H, W, 3) to SR (sH, sW, 3), uint8 RGB, by OpenCV's dnn_superres.

    Raises:
        InputError: the graph is not in `folder`.
        UsageError: OpenCV with its contributed modules is not installed.
    """
    path, cv2 = _find(name, scale, folder)
    cv2.setNumThreads(threads)
    network = cv2.dnn_superres.DnnSuperResImpl_create()
    network.readModel(str(path))
    network.setModel(name.lower(), scale)
    return lambda lr: network.upsample(np.ascontiguousarray(lr[..., ::-1]))[..., ::-1]


def count_peer_macs(name: str, scale: int, folder: Path) -> int:
    """Multiply-adds per LR pixel: all their convolutions have one stride and LR's size.

    Raises:
        InputError: the graph is not in `folder`.
        UsageError: OpenCV with its contributed modules is not installed.
    """
    path, cv2 = _find(name, scale, folder)
    network = cv2.dnn.readNetFromTensorflow(str(path))
    macs = 0
    for layer_name in network.getLayerNames():
        try:
            layer = network.getLayer(network.getLayerId(layer_name))
        except cv2.error:  # the last one, which only moves samples, cannot be looked at
            continue
        if layer.type == "Convolution":
            macs += layer.blobs[0].size
    return macs


def _find(name: str, scale: int, folder: Path) -> tuple[Path, Any]:
    """The graph, and OpenCV."""
    path = folder / f"{name}_x{scale}.pb"
    if not path.is_file():
        raise InputError(f"no peer at {path}", "there is no such file", "give --peers a folder")
    try:
        return path, importlib.import_module("cv2")  # absent in most environments
    except ImportError as error:
        raise UsageError(
            f"cannot run {name}", "OpenCV is absent", "pip install opencv-contrib-python-headless"
        ) from error
