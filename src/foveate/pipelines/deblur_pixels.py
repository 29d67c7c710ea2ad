"""Deblurring of arrays: the same windows, engines and bits as for files, without files."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from foveate.engine.open import open_deblur_sessions
from foveate.errors import UsageError
from foveate.models.card import Card
from foveate.pipelines.alpha import bleeding
from foveate.pipelines.deblur_options import check_threshold
from foveate.pipelines.deblur_prepare import find_deblur_model
from foveate.pipelines.options import check_self_ensemble
from foveate.pipelines.pixels import RowsOf, checked
from foveate.plan.machine import available_threads, default_memory
from foveate.plan.plan import PREPARE_BYTES_PER_PIXEL, Plan, make_plan
from foveate.run.composite import compose
from foveate.run.deblur import Deblurring, Decided
from foveate.run.executor import run_windows
from foveate.run.looking import look_bytes, look_over

Pixels = NDArray[Any]
Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class Deblurred:
    """A picture with what was blurred in it restored.

    Attributes:
        pixels: (H, W) or (H, W, C), as it came in, in the same dtype and range.
        mask: (H, W) bool: where `pixels` may differ from the input; elsewhere it is the same.
        blur_map: (H/8, W/8), rounded up, float32 0..1: probability of blur of each 8 x 8 pixels in
            blurred parts, 0 elsewhere.
    """

    pixels: Pixels
    mask: Mask
    blur_map: NDArray[np.float32]


def deblur(
    pixels: Pixels,
    threshold: float = 0.5,
    mask: Pixels | None = None,
    model: str | os.PathLike[str] | None = None,
    threads: int | None = None,
    *,
    engine: str = "auto",
    device: str = "cpu",
    memory_bytes: int | None = None,
    self_ensemble: int = 1,
) -> Deblurred:
    """Restores what is blurred in one picture held in an array.

    Args:
        pixels: (H, W) or (H, W, C), C = 1 grey, 2 grey + alpha, 3 RGB, 4 RGB + straight alpha;
            uint8, uint16, or float32 in 0..1. Not changed.
        threshold: probability of blur, exclusive, from which on a window is restored; between 0
            and 1.
        mask: (H, W), bool or numbers: what is above 0 is restored, and nothing else; None: what is
            blurred.
        model: id or path of a card; None: the one that ships.
        threads: windows computed at the same time; None: the cores of this process.
        engine: "auto" or "onnxruntime".
        device: "cpu", "cuda" or "auto".
        memory_bytes: bound that the plan keeps; None: half of what is free.
        self_ensemble: how often the network runs on each window: 1, or 2 or 4 for the mean with its
            mirror images.

    Raises:
        UsageError: another shape or dtype, values that are not finite, a mask of another size, no
            such model, or a number out of range.
        ModelError: weights damaged, or an engine that fails its self-check.
        ResourceError: it does not fit into the memory that is allowed.
    """
    check_threshold(threshold)
    check_self_ensemble(self_ensemble)
    if min(1 if number is None else number for number in (threads, memory_bytes)) < 1:
        raise UsageError("cannot deblur", "threads and memory_bytes start at 1")
    shaped = checked(pixels, "deblur")
    rows = shaped if mask is None else _with_mask(shaped, np.asarray(mask))
    found = find_deblur_model(Path(model) if isinstance(model, os.PathLike) else model)
    plan = _plan(
        shaped, rows, found.card, threads, memory_bytes=memory_bytes, self_ensemble=self_ensemble
    )
    with ExitStack() as stack:
        sessions = open_deblur_sessions(
            found.card,
            found.weights_path,
            plan.workers,
            engine=engine,
            device=device,
            self_ensemble=self_ensemble,
        )
        for session in sessions:
            stack.callback(session.close)
        prepare, blurred = bleeding(shaped.shape[2]), None
        if mask is None:
            blurred = look_over(plan, RowsOf(rows).read, sessions, threshold, prepare)
        treatment = Deblurring(
            plan, threshold=threshold, masked=mask is not None, blurred=blurred, prepare=prepare
        )
        run = stack.enter_context(
            closing(run_windows(plan, RowsOf(rows).read, sessions, treatment))
        )
        made = _gathered(shaped, run)
    return Deblurred(made.pixels[:, :, 0], made.mask, made.blur_map) if pixels.ndim == 2 else made


def _gathered(pixels: Pixels, run: Iterator[Decided]) -> Deblurred:
    out, may_differ = np.empty_like(pixels, order="C"), np.zeros(pixels.shape[:2], np.bool_)
    confidence = []
    for band in compose(run):
        rows = slice(band.decided.cores.top, band.decided.cores.bottom)
        out[rows] = band.rows
        if band.mask is not None:
            may_differ[rows] = band.mask
        confidence.append(band.decided.confidence)
        del band
    return Deblurred(out, may_differ, np.concatenate(confidence))


def _with_mask(pixels: Pixels, mask: Pixels) -> Pixels:
    if mask.shape != pixels.shape[:2]:
        raise UsageError(
            "the mask does not fit the picture",
            f"its shape is {mask.shape}, the picture's {pixels.shape[:2]}",
        )
    return np.concatenate((pixels, (mask > 0).astype(pixels.dtype)[..., None]), axis=2)


def _plan(
    pixels: Pixels,
    rows: Pixels,
    card: Card,
    threads: int | None,
    *,
    memory_bytes: int | None,
    self_ensemble: int,
) -> Plan:
    height, width, bands = rows.shape
    return make_plan(
        width,
        height,
        bands,
        pixels.dtype.name,  # type: ignore[arg-type]  # a Depth, or checked() has refused it
        card,
        memory_bytes=memory_bytes or default_memory(),
        threads=threads or available_threads(),
        decoder_bytes=0,
        # The arrays themselves, with the mask that is given and the one that comes out.
        encoder_bytes=2 * pixels.nbytes + rows.nbytes + width * height + look_bytes(width, height),
        held_bands=1,
        beside_bytes=PREPARE_BYTES_PER_PIXEL if bleeding(pixels.shape[2]) else 0,
        self_ensemble=self_ensemble,
    )
