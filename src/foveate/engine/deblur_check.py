"""The self-check of a deblurring session: what torch gave when the model was exported."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from foveate.engine.check import check_window
from foveate.engine.deblur_onnxruntime import OnnxRuntimeDeblurSession
from foveate.engine.deblur_session import Mask
from foveate.engine.session import Float32
from foveate.errors import ModelError

# Of the largest value. Another order of additions costs 1e-5; a wrong kernel is off by more.
LIMIT = 1e-3


def check_mask(side: int) -> Mask:
    """(S, S) bool: the bright square of the check's area, and two corners, where borders matter."""
    mask, corner = np.zeros((side, side), np.bool_), side // 8
    mask[side // 2 : 3 * side // 4, side // 4 : side // 2] = True
    mask[:corner, :corner] = mask[-corner:, -corner:] = True
    return mask


def checked_values(pixels: Float32, confidences: Iterable[Float32], mask: Mask) -> Float32:
    """One row of the values that are compared: the masked pixels, then every confidence."""
    return np.concatenate([pixels[:, mask].ravel(), *(c.ravel() for c in confidences)])


def check_deblur_session(session: OnnxRuntimeDeblurSession) -> None:
    """Restores a square of a known area and compares with the model's file.

    Raises:
        ModelError: the result differs, or is not finite.
    """
    side = session.card.window.minimum
    mask = check_mask(side)
    restored = session.run(check_window(side), mask=mask)
    found = checked_values(restored.pixels, (s.confidence for s in restored.stages), mask)
    expected = session.expected_check
    if found.shape != expected.shape:
        raise _failed(session, f"gave {found.size} values, expected {expected.size}")
    if not np.isfinite(found).all():
        raise _failed(session, "gave NaN or infinite values")
    worst = float(np.abs(found - expected).max() / max(1.0, float(np.abs(expected).max())))
    if worst > LIMIT:
        raise _failed(session, f"the test area differs by {worst:.1e}")


def _failed(session: OnnxRuntimeDeblurSession, cause: str) -> ModelError:
    return ModelError(
        f"{session.name} fails its self-check on {session.card.id}",
        cause,
        "install onnxruntime again, or export the model again",
    )
