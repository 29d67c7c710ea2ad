"""Arrays in, arrays out: the same windows, engines and bits as for files, without files."""

from __future__ import annotations

import os
import threading
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from foveate.engine.open import open_sessions
from foveate.engine.session import Session
from foveate.errors import UsageError
from foveate.geometry import Rect
from foveate.models.store import default_model, find_model
from foveate.pipelines.alpha import bleeding
from foveate.pipelines.options import check_self_ensemble
from foveate.plan.machine import available_threads, default_memory
from foveate.plan.plan import Plan, make_plan
from foveate.run.executor import Upscaling, run_windows
from foveate.run.rows import BandRows

Pixels = NDArray[Any]
FAR_OUT = 0.5  # of float samples beyond 0..1: more than any filter overshoots


class OpenModel:
    """A model ready to enlarge arrays; a context manager. A second caller waits for the first.

    Args:
        model: id or path of a card.
        engine: "auto", "onnxruntime" or "openvino".
        device: "cpu", "cuda" or "auto".
        threads: windows computed at the same time; None: the cores of this process.
        memory_bytes: bound that the plan keeps; None: half of what is free.
        self_ensemble: how often the network runs on each window: 1, or 2 or 4 for the mean with its
            mirror images.

    Raises:
        UsageError: no such model, engine or device, or a number that is not possible.
        ModelError: weights damaged, or an engine that fails its self-check.
    """

    def __init__(
        self,
        model: str | os.PathLike[str],
        *,
        engine: str = "auto",
        device: str = "cpu",
        threads: int | None = None,
        memory_bytes: int | None = None,
        self_ensemble: int = 1,
    ) -> None:
        """Verifies and loads the weights."""
        check_self_ensemble(self_ensemble)
        if min(1 if number is None else number for number in (threads, memory_bytes)) < 1:
            raise UsageError("cannot open the model", "threads and memory_bytes start at 1")
        found = find_model(Path(model) if isinstance(model, os.PathLike) else model, "upscale")
        self.card = found.card
        self.threads = threads or available_threads()
        self.memory_bytes, self.self_ensemble = memory_bytes, self_ensemble
        self._turn = threading.Lock()
        self._sessions: list[Session] = open_sessions(
            found.card,
            found.weights_path,
            self.threads,
            engine=engine,
            device=device,
            self_ensemble=self_ensemble,
        )

    @property
    def engine(self) -> str:
        """Engine and version that computes.

        Raises:
            UsageError: the model is closed.
        """
        if not self._sessions:
            raise UsageError(f"{self.card.id} is closed", "", "open it again")
        return self._sessions[0].name

    def plan(self, pixels: Pixels) -> Plan:
        """What `upscale` would do with this array."""
        height, width, bands = pixels.shape
        return make_plan(
            width,
            height,
            bands,
            pixels.dtype.name,  # type: ignore[arg-type]  # a Depth, or upscale() has refused it
            self.card,
            memory_bytes=(self.memory_bytes or default_memory()),
            threads=self.threads,
            decoder_bytes=0,
            encoder_bytes=pixels.nbytes * (1 + self.card.scale**2),
            engine=self.engine.split()[0],
            prepare_reach=prepare.reach if (prepare := bleeding(bands)) else 0,
            self_ensemble=self.self_ensemble,
        )

    def upscale(self, pixels: Pixels) -> Pixels:
        """Enlarges one picture.

        Args:
            pixels: (H, W) or (H, W, C), C = 1 grey, 2 grey + alpha, 3 RGB, 4 RGB + straight alpha;
                uint8, uint16, or float32 in 0..1. Not changed.

        Returns:
            (scale * H, scale * W, C) or (scale * H, scale * W), the same dtype and range.

        Raises:
            UsageError: another shape or dtype, values that are not finite, or a closed model.
            ResourceError: it does not fit into the memory that is allowed.
        """
        shaped = checked(pixels, "enlarge")
        with self._turn:
            out = self._upscale(shaped)
        return out[:, :, 0] if pixels.ndim == 2 else out

    def _upscale(self, pixels: Pixels) -> Pixels:
        plan, rows = self.plan(pixels), RowsOf(pixels)
        (height, width, bands), scale = pixels.shape, self.card.scale
        out = np.empty((scale * height, scale * width, bands), pixels.dtype)
        treatment = _Into(out, plan)
        for _ in run_windows(plan, rows.read, self._sessions, treatment, prepare=bleeding(bands)):
            pass
        return out

    def close(self) -> None:
        """Gives the memory back; may be called twice."""
        with self._turn:
            while self._sessions:
                self._sessions.pop().close()

    def __enter__(self) -> Self:
        """Returns itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Closes."""
        self.close()


def upscale(
    pixels: Pixels,
    scale: int | None = None,
    model: str | os.PathLike[str] | None = None,
    *,
    engine: str = "auto",
    device: str = "cpu",
    threads: int | None = None,
    memory_bytes: int | None = None,
    self_ensemble: int = 1,
) -> Pixels:
    """Enlarges one picture held in an array; arguments and errors as in `OpenModel`.

    Args:
        pixels: see `OpenModel.upscale`.
        scale: 2, 3 or 4; None: the model's, or 2 without a model.
        model: id or path of a card; None: the default for the scale.
        engine: see `OpenModel`.
        device: see `OpenModel`.
        threads: see `OpenModel`.
        memory_bytes: see `OpenModel`.
        self_ensemble: see `OpenModel`.

    Raises:
        UsageError: also when `model` has another scale than the one asked for.
    """
    chosen = default_model(scale or 2) if model is None else model
    with open_model(
        chosen,
        engine=engine,
        device=device,
        threads=threads,
        memory_bytes=memory_bytes,
        self_ensemble=self_ensemble,
    ) as opened:
        if scale not in (None, opened.card.scale):
            cause = f"its scale is {opened.card.scale}"
            raise UsageError(f"{opened.card.id} does not enlarge {scale} times", cause)
        return opened.upscale(pixels)


def open_model(
    model: str | os.PathLike[str],
    *,
    engine: str = "auto",
    device: str = "cpu",
    threads: int | None = None,
    memory_bytes: int | None = None,
    self_ensemble: int = 1,
) -> OpenModel:
    """Opens a model for many pictures; see `OpenModel`."""
    return OpenModel(
        model,
        engine=engine,
        device=device,
        threads=threads,
        memory_bytes=memory_bytes,
        self_ensemble=self_ensemble,
    )


class _Into(Upscaling):
    """Enlarges into one array: a band's result is its place there."""

    def __init__(self, out: Pixels, plan: Plan) -> None:
        super().__init__(plan)
        self._out, self._scale = out, plan.scale

    def begin(self, cores: Rect, _rows: BandRows) -> Pixels:
        sr = cores.scaled(self._scale)
        return self._out[sr.top : sr.bottom]


class RowsOf:
    """Hands an array out in rows, as copies: the run may change what it gets."""

    def __init__(self, pixels: Pixels) -> None:
        """Begins at the top."""
        self._pixels, self._top = pixels, 0

    def read(self, count: int) -> Pixels:
        """The next rows."""
        rows = self._pixels[self._top : self._top + count].copy()
        self._top += count
        return rows


def checked(pixels: Pixels, verb: str) -> Pixels:
    """An array as (H, W, C), if it is a picture.

    Args:
        pixels: what a caller gave.
        verb: what was to be done with it, for the message.

    Raises:
        UsageError: another shape or dtype, or values that are not finite, or far from 0..1.
    """
    if not isinstance(pixels, np.ndarray):
        raise UsageError(f"cannot {verb} a {type(pixels).__name__}", "", "use a NumPy array")
    shaped = pixels[:, :, None] if pixels.ndim == 2 else pixels
    if shaped.ndim != 3 or not 1 <= shaped.shape[2] <= 4 or 0 in shaped.shape:
        what = f"cannot {verb} an array of shape {pixels.shape}"
        raise UsageError(what, "", "use (H, W) or (H, W, 1 to 4)")
    if pixels.dtype not in (np.uint8, np.uint16, np.float32):
        raise UsageError(
            f"cannot {verb} an array of {pixels.dtype}", "", "use uint8, uint16 or float32 in 0..1"
        )
    if pixels.dtype == np.float32:
        low, high = pixels.min(), pixels.max()
        if not np.isfinite([low, high]).all():
            raise UsageError(f"cannot {verb} an array that holds NaN or infinity")
        if low < -FAR_OUT or high > 1 + FAR_OUT:
            what = f"cannot {verb} an array of {low:g} to {high:g}"
            raise UsageError(what, "float32 goes from 0 to 1", "divide by the value of white")
    return shaped
