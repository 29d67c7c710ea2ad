"""Windows in which there is nothing to see: blur shows at edges, and a look at none is a guess."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from foveate.engine.deblur_session import WINDOW_PX

# Of 255, by which the means of a window's quarters differ: noise of two levels and skies differ by
# less. Chosen on held-out pairs; up to here no blurred window was lost.
FLAT_LEVELS = 3.0


def flat_windows(area: NDArray[Any]) -> NDArray[np.bool_]:
    """Which windows of 8 x 8 pixels show nothing.

    Args:
        area: (1, 3, H, W) float32 RGB 0..1; H and W multiples of 8.

    Returns:
        (H/8, W/8).
    """
    grey = area[0].mean(0)
    half = WINDOW_PX // 2
    height, width = (side // half for side in grey.shape)
    quarters = grey.reshape(height, half, width, half).mean((1, 3))
    cells = quarters.reshape(height // 2, 2, width // 2, 2)
    return np.asarray(cells.max((1, 3)) - cells.min((1, 3)) <= FLAT_LEVELS / 255)
