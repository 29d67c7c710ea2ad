"""OpenVINO behind the session protocol: an optional second engine for Intel and other CPUs."""

from __future__ import annotations

import sys
from functools import cache
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

import numpy as np

from foveate.engine.allocator import return_large_blocks
from foveate.engine.session import EngineFacts, Float32
from foveate.errors import ModelError, ResourceError, UsageError
from foveate.models.card import Card

if TYPE_CHECKING:
    import openvino

INSTALL = "pip install 'foveate[openvino]'"


class OpenVinoSession:
    """One model in OpenVINO. See `foveate.engine.session.Session` for the protocol."""

    def __init__(self, card: Card, weights_path: Path, *, threads: int, device: str) -> None:
        """Loads and compiles the weights.

        Args:
            card: the model's facts.
            weights_path: ONNX file with input "lr" and output "sr".
            threads: CPU threads one run uses, >= 1.
            device: "cpu"; nothing else.

        Raises:
            UsageError: OpenVINO is not installed.
            ResourceError: another device was asked for.
            ModelError: the file is missing, damaged, or not such a model.
        """
        if device != "cpu":
            raise ResourceError(
                f"cannot use --device {device} with OpenVINO",
                "foveate runs it on the CPU only",
                "use --engine onnxruntime",
            )
        library = _library()
        settings = {
            "INFERENCE_NUM_THREADS": threads,
            "NUM_STREAMS": 1,
            "INFERENCE_PRECISION_HINT": "f32",  # else bfloat16 where the CPU has it
        }
        try:
            weights = weights_path.read_bytes()
            model = library.Core().read_model(weights)
            _check_ports(model, weights_path)
            compiled = library.Core().compile_model(model, "CPU", settings)
            self._request: openvino.InferRequest | None = compiled.create_infer_request()
        except OSError as error:
            raise ModelError(f"cannot read weights {weights_path}", error.strerror or "") from error
        except RuntimeError as error:
            raise ModelError(
                f"cannot load weights {weights_path}", _cause(error), "install the model again"
            ) from error
        self.card = card
        self.name = f"openvino {version('openvino')}"

    def run(self, lr: Float32) -> Float32:
        """Computes one batch of windows; shapes, ranges and errors as in the protocol."""
        if self._request is None:
            raise RuntimeError("the session is closed")
        try:
            self._request.infer({"lr": lr}, share_inputs=True)
        except RuntimeError as error:
            raise ModelError(f"{self.name} cannot run {self.card.id}", _cause(error)) from error
        return np.array(self._request.get_output_tensor(0).data)  # the next run writes over it

    def close(self) -> None:
        """Drops the compiled model."""
        self._request = None


def openvino_facts() -> EngineFacts:
    """Whether OpenVINO is here; does not load it."""
    if find_spec("openvino") is None:
        return EngineFacts("openvino", "", (), INSTALL)
    return EngineFacts("openvino", version("openvino"), ("cpu",), "")


@cache
def _library() -> ModuleType:
    """The library, loaded at first use, without the module that reports its use.

    Importing openvino sends an event over the network and writes a client id into the home folder;
    no setting stops it. Where openvino_telemetry cannot be imported, it takes its own silent stub.
    """
    if find_spec("openvino") is None:
        raise UsageError("--engine openvino is not installed", "", INSTALL)
    return_large_blocks()
    reporter = sys.modules.get("openvino_telemetry")
    sys.modules["openvino_telemetry"] = None  # type: ignore[assignment]  # an import of it fails
    try:
        import openvino  # noqa: PLC0415 - an optional extra
    finally:
        del sys.modules["openvino_telemetry"]
        if reporter is not None:
            sys.modules["openvino_telemetry"] = reporter
    return openvino  # type: ignore[no-any-return]  # a module


def _check_ports(model: openvino.Model, weights_path: Path) -> None:
    ports = [
        (port.any_name, port.partial_shape.rank.get_length())
        for port in (*model.inputs, *model.outputs)
    ]
    if ports != [("lr", 4), ("sr", 4)]:
        raise ModelError(
            f"cannot use weights {weights_path}",
            f"they must map lr to sr, 4 axes each, and have {ports}",
            "export them with `foveate export`",
        )


def _cause(error: Exception) -> str:
    text = " ".join(str(error).split())
    return text if len(text) <= 200 else text[:200] + "..."
