"""Pictures with alpha: colours under it are filled in before the network sees them."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from foveate.media.alpha import REACH_PX, bleed
from foveate.run.rows import Prepare

Pixels = NDArray[Any]


def bleeding(bands: int) -> Prepare | None:
    """The treatment of LR rows with alpha, None for pictures without."""
    return Prepare(_bled, REACH_PX) if bands in (2, 4) else None


def _bled(rows: Pixels) -> Pixels:
    if rows.dtype != np.float32:
        return bleed(rows)
    # Filling works on integers, so that it does not depend on how rows are cut.
    filled = bleed(np.rint(np.clip(rows, 0, 1) * 65535).astype(np.uint16))
    return np.where(rows[..., -1:] > 0, rows, filled.astype(np.float32) / 65535)
