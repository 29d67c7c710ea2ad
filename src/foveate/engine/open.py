"""Opens models in engines, and refuses an engine that gives garbage."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from foveate.engine.check import check_session
from foveate.engine.deblur_onnxruntime import PARTS, OnnxRuntimeDeblurSession
from foveate.engine.deblur_session import DeblurSession
from foveate.engine.onnxruntime_graph import onnxruntime_facts
from foveate.engine.onnxruntime_session import OnnxRuntimeSession
from foveate.engine.openvino_session import OpenVinoSession, openvino_facts
from foveate.engine.self_ensemble import DeblurEnsemble, UpscaleEnsemble
from foveate.engine.session import EngineFacts, Session
from foveate.errors import ModelError, UsageError
from foveate.models.card import Card

# The fastest first. OpenVINO 2026.4 takes 1.0 to 1.15 times as long as ONNX Runtime 1.31 on RT4KSR
# (one thread, windows of 0.1 megapixels) and 0.2 s longer to start: results/engines.csv.
ENGINES: dict[str, Callable[..., Session]] = {
    "onnxruntime": OnnxRuntimeSession,
    "openvino": OpenVinoSession,
}
DEVICES = ("cpu", "cuda", "auto")


def open_session(
    card: Card,
    weights_path: Path,
    *,
    engine: str = "auto",
    threads: int = 1,
    device: str = "cpu",
) -> Session:
    """Loads a model and runs a small test window.

    Args:
        card: the model's facts.
        weights_path: the ONNX file, already verified.
        engine: "onnxruntime", "openvino", or "auto" for the fastest that passes its self-check.
        threads: CPU threads that one run uses, >= 1.
        device: "cpu", "cuda", or "auto" for CUDA where it is there.

    Returns:
        An open session; the caller closes it.

    Raises:
        UsageError: unknown engine or device, or an engine that is not installed.
        ResourceError: the device is not there.
        ModelError: the weights do not load, or the engine fails its self-check.
    """
    return _open(card, weights_path, 1, engine=engine, threads=threads, device=device)[0]


def open_sessions(
    card: Card,
    weights_path: Path,
    count: int,
    *,
    engine: str = "auto",
    device: str = "cpu",
    self_ensemble: int = 1,
) -> list[Session]:
    """Opens `count` sessions of one thread each in the same engine, for `run_plan`.

    Only the first is checked: the others are the same engine with the same weights. With
    `self_ensemble` 2 or 4 each runs so often; see self_ensemble.py. Errors as in `open_session`;
    nothing stays open then.
    """
    opened = _open(card, weights_path, count, engine=engine, threads=1, device=device)
    return [UpscaleEnsemble(one, self_ensemble) for one in opened] if self_ensemble > 1 else opened


def open_deblur_sessions(
    card: Card,
    weights_path: Path,
    count: int,
    *,
    engine: str = "auto",
    device: str = "cpu",
    self_ensemble: int = 1,
) -> list[DeblurSession]:
    """Opens `count` sessions of one thread each of a deblurring model; as `open_sessions`.

    What a session needs is loaded when it is first used, and checked by the first to use it: see
    its errors.

    Raises:
        UsageError: unknown engine or device, or an engine that does not run such models.
        ModelError: the file is missing or not such a model; nothing stays open then.
    """
    device = _checked_device(engine, device)
    if engine == "openvino":
        raise UsageError(
            f"cannot run {card.id} with --engine openvino",
            "deblurring models run in ONNX Runtime only",
            "use --engine onnxruntime",
        )
    unchecked = set(PARTS)
    # One that fails fails as the first: nothing is open then.
    opened: list[DeblurSession] = [
        OnnxRuntimeDeblurSession(card, weights_path, device=device, unchecked=unchecked)
        for _ in range(count)
    ]
    return [DeblurEnsemble(one, self_ensemble) for one in opened] if self_ensemble > 1 else opened


def available_engines() -> list[EngineFacts]:
    """What `foveate doctor` prints about each engine, the fastest first."""
    return [onnxruntime_facts(), openvino_facts()]


def _open(
    card: Card, weights_path: Path, count: int, *, engine: str, threads: int, device: str
) -> list[Session]:
    device = _checked_device(engine, device)
    names = _candidates(device) if engine == "auto" else [engine]
    for name in names:
        try:
            return _open_all(
                ENGINES[name], card, weights_path, count, threads=threads, device=device
            )
        except ModelError:
            if name == names[-1]:  # else the next engine may do better
                raise
    raise AssertionError("there is always an engine")


def _checked_device(engine: str, device: str) -> str:
    """The device to use: "cpu" or "cuda"; refuses words that are neither engine nor device."""
    if engine != "auto" and engine not in ENGINES:
        raise UsageError(f"unknown engine {engine}", "", f"use auto, {' or '.join(ENGINES)}")
    if device not in DEVICES:
        raise UsageError(f"unknown device {device}", "", f"use {', '.join(DEVICES)}")
    if device == "auto":
        return "cuda" if engine != "openvino" and "cuda" in onnxruntime_facts().devices else "cpu"
    return device


def _candidates(device: str) -> list[str]:
    facts = available_engines()
    return [engine.name for engine in facts if device in engine.devices] or ["onnxruntime"]


def _open_all(
    open_one: Callable[..., Session],
    card: Card,
    weights_path: Path,
    count: int,
    *,
    threads: int,
    device: str,
) -> list[Session]:
    sessions: list[Session] = []
    try:
        for _ in range(count):
            sessions.append(open_one(card, weights_path, threads=threads, device=device))
            if len(sessions) == 1:
                check_session(sessions[0])
    except BaseException:
        for session in sessions:
            session.close()
        raise
    return sessions
