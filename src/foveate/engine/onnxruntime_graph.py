"""ONNX Runtime itself: graphs loaded and run, its errors as ours, its memory given back."""

from __future__ import annotations

import contextlib
import os
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

from foveate.engine.allocator import return_large_blocks
from foveate.engine.session import EngineFacts
from foveate.errors import FoveateError, ModelError, ResourceError

if TYPE_CHECKING:
    import onnxruntime

CPU = "CPUExecutionProvider"
CUDA = "CUDAExecutionProvider"


def load_graph(
    weights: bytes, source: Path, *, threads: int, device: str
) -> onnxruntime.InferenceSession:
    """One graph, ready to run.

    Args:
        weights: the ONNX model; external data is refused.
        source: the file it comes from, for messages.
        threads: CPU threads one run uses, >= 1.
        device: "cpu" or "cuda".

    Raises:
        ModelError: damaged, or not ONNX.
        ResourceError: the device is not there.
    """
    runtime = _runtime()
    if device == "cuda" and CUDA not in runtime.get_available_providers():
        raise ResourceError(
            "cannot use --device cuda",
            "this ONNX Runtime has no CUDAExecutionProvider",
            "install onnxruntime-gpu and the NVIDIA driver, or use --device cpu",
        )
    providers = [CUDA, CPU] if device == "cuda" else [CPU]
    try:
        inner = runtime.InferenceSession(weights, _options(runtime, threads), providers)
    except _runtime_errors() as error:
        raise ModelError(
            f"cannot load weights {source}", _cause(error), "install the model again"
        ) from error
    if device == "cuda" and CUDA not in inner.get_providers():
        raise ResourceError(
            "cannot use --device cuda",
            "CUDA did not start: its libraries or driver are missing",
            "check the CUDA and cuDNN libraries, or use --device cpu",
        )
    return inner


def run_graph(
    inner: onnxruntime.InferenceSession, feeds: dict[str, Any], model_id: str
) -> list[Any]:
    """All outputs of one run; the caller owns them.

    Raises:
        ModelError: the graph cannot run on these inputs.
        ResourceError: the device is out of memory.
    """
    try:
        return inner.run(None, feeds)  # type: ignore[no-any-return]  # onnxruntime is not typed
    except _runtime_errors() as error:
        raise _failed_run(error, model_id) from error


def run_bound(
    inner: onnxruntime.InferenceSession, binding: onnxruntime.IOBinding, model_id: str
) -> None:
    """One run between arrays that are bound already; errors as in `run_graph`."""
    try:
        inner.run_with_iobinding(binding)
    except _runtime_errors() as error:
        raise _failed_run(error, model_id) from error


def shrink_arena(
    inner: onnxruntime.InferenceSession, feeds: dict[str, Any], where: str = "cpu:0"
) -> None:
    """Gives back what the arena holds and no session is using; it shrinks only after a run.

    Sessions that failed are closed by it, too: that this run fails then tells nothing new.
    """
    options = _runtime().RunOptions()
    options.add_run_config_entry("memory.enable_memory_arena_shrinkage", where)
    with contextlib.suppress(*_runtime_errors()):
        inner.run(None, feeds, options)


def runtime_name() -> str:
    """Engine and version, such as "onnxruntime 1.31.1"."""
    return f"onnxruntime {_runtime().__version__}"


def onnxruntime_facts() -> EngineFacts:
    """What this machine's ONNX Runtime can do."""
    runtime = _runtime()
    has_cuda = CUDA in runtime.get_available_providers()
    return EngineFacts(
        "onnxruntime", runtime.__version__, ("cpu", "cuda") if has_cuda else ("cpu",), ""
    )


@cache
def _runtime() -> ModuleType:
    """The library, loaded at first use, silent, and with one arena that grows by need alone."""
    return_large_blocks()
    # The Linux build too sends events and keeps a device id in the home folder, from its import on.
    os.environ["ORT_DISABLE_TELEMETRY"] = "1"
    import onnxruntime  # noqa: PLC0415 - loading it costs 50 MB and 0.1 s: only when a model runs

    onnxruntime.set_default_logger_severity(4)  # errors arrive as exceptions
    onnxruntime.disable_telemetry_events()
    # The default arena doubles when it grows: measured 545 against 363 bytes per LR pixel of a
    # window (24 features), at the same speed. Only an environment-wide arena can be told so.
    # Dead bytes: what a chunk may be too large by; 4 MiB wastes least where two sessions share it
    # (290 to 340 bytes; with the default 380 to 430, with 64 KiB 380 to 400).
    config = {"max_mem": 0, "arena_extend_strategy": 1, "max_dead_bytes_per_chunk": 4 << 20}
    onnxruntime.create_and_register_allocator(
        onnxruntime.OrtMemoryInfo(
            "Cpu",
            onnxruntime.OrtAllocatorType.ORT_ARENA_ALLOCATOR,
            0,
            onnxruntime.OrtMemType.DEFAULT,
        ),
        onnxruntime.OrtArenaCfg(config),
    )
    return onnxruntime  # type: ignore[no-any-return]  # a module


def _options(runtime: ModuleType, threads: int) -> onnxruntime.SessionOptions:
    options = runtime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = 4
    # A memory pattern is kept per shape; edge windows have others, and it held 807 bytes per pixel.
    options.enable_mem_pattern = False
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.add_session_config_entry("session.use_env_allocators", "1")
    return options


@cache
def _runtime_errors() -> tuple[type[Exception], ...]:
    """Every exception ONNX Runtime raises from its C++ side; they share no base but Exception."""
    from onnxruntime.capi import onnxruntime_pybind11_state as state  # noqa: PLC0415 - loads the library

    own = [v for v in vars(state).values() if isinstance(v, type) and issubclass(v, Exception)]
    return (*own, RuntimeError, ValueError)


def _failed_run(error: Exception, model_id: str) -> FoveateError:
    if "allocate" in str(error).lower() or "memory" in str(error).lower():
        return ResourceError(
            f"{model_id} ran out of memory", _cause(error), "give it less --threads"
        )
    return ModelError(f"{runtime_name()} cannot run {model_id}", _cause(error))


def _cause(error: Exception) -> str:
    text = " ".join(str(error).split())
    return text if len(text) <= 200 else text[:200] + "..."
