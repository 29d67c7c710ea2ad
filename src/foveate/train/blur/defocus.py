"""Out of focus, in parts or all over: what looks like motion blur and is none.

Photos that hold it teach the coarse look what to leave alone. Ours; no paper's.
"""

from __future__ import annotations

import numpy as np

from foveate.train.blur.exposure import Light

RADIUS_PX = (0.8, 6.0)  # of the disk that a point becomes, where it is widest
ALL_OVER = 0.3  # share of photos that are out of focus everywhere; in others depth varies
WAVES = 4  # of depth, half a period each more, along each side
STEEP = (1.0, 8.0)  # 1: depth changes slowly; 8: it jumps, as from a figure to what lies behind


def defocus(light: Light, random: np.random.Generator) -> Light:
    """The same light, out of focus by a disk whose radius varies smoothly or not at all.

    Deviation: a sharp edge before a soft ground bleeds a little into it.

    Args:
        light: (H, W, 3) float32 linear RGB.
        random: the source of every choice.
    """
    radius = float(np.exp(random.uniform(*np.log(RADIUS_PX))))
    half, full = (_spread(light, r) for r in (radius / 2, radius))
    depth = np.ones((*light.shape[:2], 1), np.float32)
    if random.random() >= ALL_OVER:
        rows, columns = (
            np.cos(np.pi * np.outer((np.arange(side) + 0.5) / side, np.arange(WAVES)))
            for side in light.shape[:2]
        )
        relief = rows @ random.standard_normal((WAVES, WAVES)) @ columns.T / 2
        depth[..., 0] = (relief * random.uniform(*STEEP) + 0.5).clip(0, 1)
    near, far = (depth * 2).clip(max=1), (depth * 2 - 1).clip(min=0)
    soft = light + near * (half - light)
    soft += far * (full - soft)
    return soft.astype(np.float32)


def disk(radius: float) -> Light:
    """(2n+1, 2n+1) float32 of sum 1: a disk, its rim as wide as a pixel."""
    reach = int(np.ceil(radius))
    y, x = np.ogrid[-reach : reach + 1, -reach : reach + 1]
    weights = (radius + 0.5 - np.hypot(x, y)).clip(0, 1).astype(np.float32)
    return weights / weights.sum()


def _spread(light: Light, radius: float) -> Light:
    """Every point as a disk; mirrored at the border."""
    kernel = disk(radius)
    reach = len(kernel) // 2
    padded = np.pad(light, [(reach, reach)] * 2 + [(0, 0)], mode="reflect")
    size = padded.shape[:2]
    spectrum = np.fft.rfft2(padded, axes=(0, 1)) * np.fft.rfft2(kernel, size)[..., None]
    spread = np.fft.irfft2(spectrum, size, axes=(0, 1))
    return spread[2 * reach :, 2 * reach :].clip(0).astype(np.float32)
