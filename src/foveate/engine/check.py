"""The self-check of a new session: a small known window must come out enlarged, not garbled."""

from __future__ import annotations

import numpy as np

from foveate.engine.session import Float32, Session
from foveate.errors import ModelError
from foveate.geometry import round_up

SIZE = 32
# Nearest neighbour and any trained network agree on this window to 25 dB or better; black gives 5,
# noise 8, flat grey 11 dB. Broken engines in the wild are at 9 dB (docs: CPU fallbacks).
LEAST_PSNR_DB = 15.0


def check_session(session: Session) -> None:
    """Runs the test window.

    Raises:
        ModelError: the result has the wrong shape or type, is not finite, or does not look like the
            input enlarged.
    """
    window, scale = session.card.window, session.card.scale
    lr = check_window(round_up(max(SIZE, window.minimum), window.multiple))
    sr = session.run(lr)
    expected = lr.repeat(scale, axis=2).repeat(scale, axis=3)
    if sr.shape != expected.shape or sr.dtype != np.float32:
        raise _failed(session, f"gave {sr.dtype} {sr.shape}, expected float32 {expected.shape}")
    if not np.isfinite(sr).all():
        raise _failed(session, "gave NaN or infinite values")
    error = np.square(sr - expected, dtype=np.float64).mean()
    psnr_db = -10 * np.log10(max(error, 1e-12))
    if psnr_db < LEAST_PSNR_DB:
        raise _failed(session, f"the test window came out at {psnr_db:.1f} dB of the plain one")


def check_window(size: int) -> Float32:
    """A (1, 3, size, size) window: a ramp of its own in each colour, and a bright square."""
    ramp = np.linspace(0, 1, size, dtype=np.float32)
    lr = np.empty((1, 3, size, size), np.float32)
    lr[0, 0] = ramp
    lr[0, 1] = ramp[:, None]
    lr[0, 2] = (ramp[:, None] + ramp[::-1]) / 2
    lr[0, :, size // 2 : size // 2 + size // 4, size // 4 : size // 2] = 0.9
    return lr


def _failed(session: Session, cause: str) -> ModelError:
    return ModelError(
        f"{session.name} fails its self-check on {session.card.id}",
        cause,
        "use another --engine, or install the model again",
    )
