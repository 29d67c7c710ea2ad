"""Drawn pictures among the photos: stripes, grids, strokes and flat shapes, sharp to the pixel.

Photos hold little of what screenshots, scans and logos are made of. A network that never saw a
regular pattern may answer one with values far outside the picture.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Pixels = NDArray[np.uint8]
SIDE = 384


def draw(random: np.random.Generator) -> Pixels:
    """One picture, (384, 384, 3) uint8 RGB; the same for the same state of `random`."""
    picture = np.empty((SIDE, SIDE, 3), np.float32)
    picture[...] = _colour(random)
    for _ in range(60):
        height, width = (int(side) for side in random.integers(16, 160, 2))
        top, left = (int(at) for at in random.integers(-16, SIDE - 16, 2))
        area = picture[max(top, 0) : top + height, max(left, 0) : left + width]
        mask = _shape(area.shape[0], area.shape[1], random)[..., None]
        area += (mask * random.uniform(0.2, 1)).astype(np.float32) * (_colour(random) - area)
    return np.rint(picture).astype(np.uint8)


def _colour(random: np.random.Generator) -> NDArray[np.float32]:
    """Grey, black or white as often as a colour."""
    kind = random.integers(4)
    if kind == 0:
        return np.full(3, 255 * random.integers(2), np.float32)
    if kind == 1:
        return np.full(3, random.uniform(0, 255), np.float32)
    return random.uniform(0, 255, 3).astype(np.float32)


def _shape(height: int, width: int, random: np.random.Generator) -> NDArray[np.bool_]:
    """Where to paint: stripes, a checkerboard, a disc, a ring, or a stroke."""
    y, x = np.mgrid[:height, :width].astype(np.float32)
    angle = random.choice([0, np.pi / 2, random.uniform(0, np.pi)])
    across = x * np.cos(angle) + y * np.sin(angle)
    period = float(random.choice([2, 3, 4, 6, 8, 12, random.uniform(2, 20)]))
    kind = random.integers(5)
    if kind == 0:
        return across % period < period * random.uniform(0.2, 0.8)
    if kind == 1:
        return (x // (period / 2) + y // (period / 2)) % 2 < 1
    distance = np.hypot(x - width / 2, y - height / 2)
    radius = min(height, width) * random.uniform(0.2, 0.5)
    if kind == 2:
        return distance < radius
    if kind == 3:
        return abs(distance - radius) < random.uniform(0.7, 6)
    return abs(across - random.uniform(0, width)) < random.uniform(0.7, 6)
