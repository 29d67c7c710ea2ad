"""Out of focus, in parts or all over: what looks like motion blur and is none.

Photos that hold it teach the coarse look what to leave alone. Ours; no paper's.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812 - its usual name

from foveate.train.blur.exposure import Light

RADIUS_PX = (0.8, 6.0)  # of the disk that a point becomes, where it is widest
ALL_OVER = 0.3  # share of photos that are out of focus everywhere; in others depth varies
RELIEF = 4  # depth bends about so often across a photo
STEEP = (1.0, 8.0)  # 1: depth changes slowly; 8: it jumps, as from a figure to what lies behind


def defocus(light: Light, random: np.random.Generator) -> Light:
    """The same light, out of focus by a disk whose radius varies smoothly or not at all.

    Deviation: a sharp edge before a soft ground bleeds a little into it.

    Args:
        light: (H, W, 3) float32 linear RGB.
        random: the source of every choice.
    """
    radius = float(np.exp(random.uniform(*np.log(RADIUS_PX))))
    sharp = torch.from_numpy(np.ascontiguousarray(light)).permute(2, 0, 1)
    half, full = (_spread(sharp, r) for r in (radius / 2, radius))
    depth = torch.ones(sharp.shape[1:])
    if random.random() >= ALL_OVER:
        relief = torch.from_numpy(random.standard_normal((1, 1, RELIEF, RELIEF), np.float32))
        relief = F.interpolate(relief, sharp.shape[1:], mode="bicubic", align_corners=True)[0, 0]
        depth = (relief * random.uniform(*STEEP) + 0.5).clamp(0, 1)
    near, far = (depth * 2).clamp(max=1), (depth * 2 - 1).clamp(min=0)
    soft = torch.lerp(torch.lerp(sharp, half, near), full, far)
    return soft.permute(1, 2, 0).contiguous().numpy()


def disk(radius: float) -> Tensor:
    """(2n+1, 2n+1) float32 of sum 1: a disk, its rim as wide as a pixel."""
    reach = int(np.ceil(radius))
    y, x = torch.meshgrid(*[torch.arange(-reach, reach + 1.0)] * 2, indexing="ij")
    weights = (radius + 0.5 - torch.hypot(x, y)).clamp(0, 1)
    return weights / weights.sum()


def _spread(light: Tensor, radius: float) -> Tensor:
    kernel = disk(radius)
    reach = len(kernel) // 2
    padded = F.pad(light[:, None], [reach] * 4, mode="reflect")
    return F.conv2d(padded, kernel[None, None])[:, 0]
