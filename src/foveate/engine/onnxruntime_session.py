"""ONNX Runtime behind the session protocol: the engine that is always there."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from foveate.engine.onnxruntime_graph import load_graph, run_graph, runtime_name, shrink_arena
from foveate.engine.session import Float32
from foveate.errors import ModelError
from foveate.models.card import Card

if TYPE_CHECKING:
    import onnxruntime


class OnnxRuntimeSession:
    """One model in ONNX Runtime. See `foveate.engine.session.Session` for the protocol."""

    def __init__(self, card: Card, weights_path: Path, *, threads: int, device: str) -> None:
        """Loads the weights.

        Args:
            card: the model's facts.
            weights_path: ONNX file with input "lr" and output "sr"; external data is refused.
            threads: CPU threads one run uses, >= 1.
            device: "cpu" or "cuda".

        Raises:
            ModelError: the file is missing, damaged, or not such a model.
            ResourceError: the device is not there.
        """
        try:
            # Bytes, not the path: a file then cannot pull in other files as external data.
            weights = weights_path.read_bytes()
        except OSError as error:
            raise ModelError(f"cannot read weights {weights_path}", error.strerror or "") from error
        inner = load_graph(weights, weights_path, threads=threads, device=device)
        _check_ports(inner, weights_path)
        self._inner: onnxruntime.InferenceSession | None = inner
        self._largest_input = 0
        self._shrink_on = "gpu:0" if device == "cuda" else "cpu:0"
        self.card = card
        self.name = runtime_name()

    def run(self, lr: Float32) -> Float32:
        """Computes one batch of windows; shapes, ranges and errors as in the protocol."""
        if self._inner is None:
            raise RuntimeError("the session is closed")
        if lr.size > self._largest_input:
            # A region of the arena that is too small for the larger window would never be used
            # again: measured 800 against 400 bytes per pixel on a picture whose windows grow.
            self._shrink()
            self._largest_input = lr.size
        sr: Float32 = run_graph(self._inner, {"lr": lr}, self.card.id)[0]
        return sr

    def close(self) -> None:
        """Gives the arena's memory back and drops the weights."""
        self._shrink()
        self._inner = None

    def _shrink(self) -> None:
        """Gives back what the arena holds and no session is using."""
        if self._inner is None:
            return
        size = max(self.card.window.multiple, self.card.window.minimum)
        shrink_arena(self._inner, {"lr": np.zeros((1, 3, size, size), np.float32)}, self._shrink_on)


def _check_ports(inner: onnxruntime.InferenceSession, weights_path: Path) -> None:
    ports = [
        (port.name, port.type, len(port.shape))
        for port in (*inner.get_inputs(), *inner.get_outputs())
    ]
    if ports != [("lr", "tensor(float)", 4), ("sr", "tensor(float)", 4)]:
        raise ModelError(
            f"cannot use weights {weights_path}",
            f"they must map lr to sr, 4 axes of float32, and have {ports}",
            "export them with `foveate export`",
        )
