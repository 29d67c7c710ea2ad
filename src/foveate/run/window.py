"""Computes one window: samples out of the band's LR rows, through a session, into its SR rows."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from foveate.engine.session import Float32, Session
from foveate.errors import ModelError
from foveate.geometry import Rect, Window
from foveate.plan.plan import Plan
from foveate.run.board import Band
from foveate.run.flat import Mask, even_mask, grey_mask, luma
from foveate.run.pixels import from_network, to_network

Pixels = NDArray[Any]


def compute_window(session: Session, band: Band[Pixels], window: Window, plan: Plan) -> None:
    """Writes the window's core into `band.out`.

    Args:
        session: the network.
        band: its `rows` hold the window's area, its `out` the core.
        window: which window.
        plan: scale, grid and multiple.

    Raises:
        ModelError: the session's result has the wrong shape, NaN or infinity.
    """
    area = Rect(window.area.left, window.area.top - band.top, window.area.width, window.area.height)
    pixels = band.rows[area.top : area.bottom, area.left : area.right]
    core = window.core.scaled(plan.scale)
    out = band.out[:, core.left : core.right]
    colours = 3 if pixels.shape[2] >= 3 else 1
    _colours(session, pixels[:, :, :colours], window, plan, out[:, :, :colours])
    if pixels.shape[2] > colours:
        _alpha(session, pixels[:, :, colours:], window, plan, out[:, :, colours:])


def _colours(session: Session, pixels: Pixels, window: Window, plan: Plan, out: Pixels) -> None:
    finish_colours(_enlarged(session, pixels, window, plan), pixels, window, plan, out)


def finish_colours(
    planes: Float32, pixels: Pixels, window: Window, plan: Plan, out: Pixels
) -> None:
    """Rounds a core that a network made into `out`; what was grey stays grey.

    Args:
        planes: (3, H, W) float32 RGB of the core, used up.
        pixels: (h, w, 1 or 3) samples of the window's whole area, as the network saw them.
        window: which window.
        plan: scale and halo.
        out: (H, W, 1 or 3) finished samples, written.

    Raises:
        ModelError: a value is NaN or infinite.
    """
    if pixels.shape[2] == 1:
        planes = luma(planes)[None]
    elif (mask := grey_mask(pixels, plan.grid.halo)) is not None:
        np.copyto(planes, luma(planes.copy()), where=_on_core(mask, window, plan.scale))
    from_network(planes, out)


def _alpha(session: Session, pixels: Pixels, window: Window, plan: Plan, out: Pixels) -> None:
    if pixels.min() == pixels.max():
        out[...] = pixels[0, 0]
        return
    from_network(luma(_enlarged(session, pixels, window, plan))[None], out)
    plane = pixels[:, :, 0]
    even = _on_core(even_mask(plane, max(plan.grid.halo, 1)), window, plan.scale)
    np.copyto(out[:, :, 0], _on_core(plane, window, plan.scale), where=even)


def _enlarged(session: Session, pixels: Pixels, window: Window, plan: Plan) -> Float32:
    """The core's part of the session's result, (3, H, W)."""
    scale = plan.scale
    lr = to_network(pixels, plan.grid.multiple, session.card.window.minimum)
    sr = session.run(lr)
    expected = (1, 3, lr.shape[2] * scale, lr.shape[3] * scale)
    if sr.shape != expected:
        raise ModelError(
            f"{session.card.id} is not what its card says",
            f"{session.name} gave {sr.shape}, expected {expected}",
            "install the model again",
        )
    core = window.core.within(window.area).scaled(scale)
    return sr[0, :, core.top : core.bottom, core.left : core.right]


def _on_core(plane: Pixels | Mask, window: Window, scale: int) -> NDArray[Any]:
    """The core's part of an area's (H, W) plane, each sample repeated scale x scale times."""
    core = window.core.within(window.area)
    part = plane[core.top : core.bottom, core.left : core.right]
    return part.repeat(scale, axis=0).repeat(scale, axis=1)
