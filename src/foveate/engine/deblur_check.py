"""The self-checks of a deblurring session: what torch gave when the model was exported."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from foveate.engine.check import check_window
from foveate.engine.deblur_session import DeblurSession, Mask
from foveate.engine.session import Float32
from foveate.errors import ModelError

# Of the largest value. Another order of additions costs 1e-5; a wrong kernel is off by more.
LIMIT = 1e-3


def check_mask(side: int) -> Mask:
    """(S, S) bool: a part of the check's bright square, and the corner where grids go round."""
    mask, part, corner = np.zeros((side, side), np.bool_), side // 8, side // 16
    mask[side // 2 :, side // 4 :][:part, :part] = True
    mask[-corner:, -corner:] = True
    return mask


def checked_values(pixels: Float32, confidences: Iterable[Float32], mask: Mask) -> Float32:
    """One row of the values that are compared: the masked pixels, then every confidence."""
    return np.concatenate([pixels[:, mask].ravel(), *(c.ravel() for c in confidences)])


def check_network(session: DeblurSession, expected: Float32) -> None:
    """Restores a small part of a known area, told by a mask, and compares.

    Args:
        session: open.
        expected: of `checked_values`.

    Raises:
        ModelError: the result differs, or is not finite.
    """
    side = session.card.window.minimum
    mask = check_mask(side)
    restored = session.run(check_window(side), mask=mask)
    confidences = (stage.confidence for stage in restored.stages)
    _compare(session, checked_values(restored.pixels, confidences, mask), expected)


def check_look(session: DeblurSession, expected: Float32) -> None:
    """Looks at the known area and compares, as `check_network` does."""
    _compare(session, session.look(check_window(session.card.window.minimum)), expected)


def _compare(session: DeblurSession, found: Float32, expected: Float32) -> None:
    if found.shape != expected.shape:
        raise _failed(session, f"gave {found.size} values, expected {expected.size}")
    if not np.isfinite(found).all():
        raise _failed(session, "gave NaN or infinite values")
    worst = float(np.abs(found - expected).max() / max(1.0, float(np.abs(expected).max())))
    if worst > LIMIT:
        raise _failed(session, f"the test area differs by {worst:.1e}")


def _failed(session: DeblurSession, cause: str) -> ModelError:
    return ModelError(
        f"{session.name} fails its self-check on {session.card.id}",
        cause,
        "install onnxruntime again, or export the model again",
    )
