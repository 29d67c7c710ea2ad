"""The photo that times are measured on: copies of the sample photo side by side."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from foveate.media.reader import read_pixels


def tile_photo(sample: Path, height: int, width: int) -> NDArray[np.uint8]:
    """(height, width, 3) uint8 RGB."""
    tile = np.asarray(read_pixels(sample), np.uint8)[..., :3]
    copies = -(-height // tile.shape[0]), -(-width // tile.shape[1]), 1
    return np.ascontiguousarray(np.tile(tile, copies)[:height, :width])
