"""One exposure in linear light: layers that move are averaged, then a camera's response.

Source: L(p) = integral of A F + (1 - A) L_back over the exposure, for a layer of colour F and
alpha A over a still background: Kotera & Sroubek, "Motion estimation and deblurring of fast moving
objects", 2018; alpha's average is the share of time in which the layer covers a pixel: Giusti &
Caglioti, "On the apparent transparency of a motion blurred object", 2007.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from foveate.media.resample import RowResampler
from foveate.train.blur.trajectory import Motion, Poses

Pixels = NDArray[np.uint8]
Light = NDArray[np.float32]  # linear, 0..1; clipped highlights may be above
FINE = 3  # samples per px of a layer that moves; odd, so that every third is the layer's own
BORDER_PX = 2  # of alpha 0 around a layer: as far as cubic interpolation reaches
BAND_ROWS = 64  # averaged at once: what they look up stays in the processor's cache
_LEVELS = 1 << 16


class Response:
    """A camera's curve between linear light and 8-bit samples: sRGB's, bent a little.

    decode() and encode() undo each other: every sample comes back as it was.

    Args:
        power: of the light; 1: sRGB as it is, and 0.9 to 1.1 are mild.
        highlight: light of a clipped sample (255), >= 1: streaks of lamps keep their strength.
    """

    def __init__(self, power: float = 1.0, highlight: float = 1.0) -> None:
        """Makes the two tables."""
        samples = np.linspace(0, 1, 256)
        light = np.where(samples <= 0.04045, samples / 12.92, ((samples + 0.055) / 1.055) ** 2.4)
        self._light = (light**power).astype(np.float32)
        self._light[255] *= highlight
        linear = np.linspace(0, 1, _LEVELS) ** (1 / power)
        curve = np.where(linear <= 0.0031308, linear * 12.92, 1.055 * linear ** (1 / 2.4) - 0.055)
        self._samples = np.rint(curve * 255).astype(np.uint8)

    def decode(self, pixels: Pixels) -> Light:
        """Samples of any shape, 0..255, to linear light."""
        return self._light.take(pixels)

    def encode(self, light: Light) -> Pixels:
        """Linear light of any shape to samples, clipped and rounded."""
        level = np.clip(light, 0, 1) * np.float32(_LEVELS - 1)
        return self._samples.take(level.astype(np.int32))


class Layer(NamedTuple):
    """A picture with alpha that lies on another.

    Attributes:
        light: (h, w, 4) float32 linear RGB times alpha, alpha 0..1. What moves has a border of
            BORDER_PX without alpha, or is so large that its border is never seen.
        top: row of the picture on which its first row lies at mid-exposure; may be negative.
        left: likewise.
    """

    light: Light
    top: int
    left: int


class Exposure(NamedTuple):
    """What the sensor saw.

    Attributes:
        blurry: (H, W, 3) linear light, averaged over the exposure.
        sharp: (H, W, 3) the same scene at mid-exposure.
        cover: (H, W) the moving layer's alpha, averaged over the exposure, as far as it is seen;
            0 where the layer stays.
    """

    blurry: Light
    sharp: Light
    cover: Light


def expose(back: Light, layer: Layer, motion: Motion, front: Layer | None = None) -> Exposure:
    """A layer moves between a still background and, perhaps, a still layer in front.

    Args:
        back: (H, W, 3) linear light.
        layer: what moves.
        motion: how.
        front: what stays.
    """
    sharp, cover = lay_over(back, layer), np.zeros(back.shape[:2], np.float32)
    blurry = sharp
    if not motion.is_still:
        moving = average(layer, motion, back.shape[:2])
        blurry, cover = moving[..., :3] + (1 - moving[..., 3:]) * back, moving[..., 3]
    if front is not None:
        blurry, sharp = lay_over(blurry, front), lay_over(sharp, front)
        cover = cover * (1 - _in_picture(front, back.shape[:2])[..., 3])
    return Exposure(blurry, sharp, cover)


def lay_over(back: Light, layer: Layer) -> Light:
    """(H, W, 3) linear light under a layer that stays."""
    still = _in_picture(layer, back.shape[:2])
    return still[..., :3] + (1 - still[..., 3:]) * back


def _in_picture(layer: Layer, size: tuple[int, ...]) -> Light:
    """(H, W, 4): the layer where it lies at mid-exposure, 0 around it."""
    whole = np.zeros((*size, 4), np.float32)
    height, width = layer.light.shape[:2]
    rows = slice(max(0, layer.top), min(size[0], layer.top + height))
    columns = slice(max(0, layer.left), min(size[1], layer.left + width))
    if rows.start < rows.stop and columns.start < columns.stop:
        inner = layer.light[rows.start - layer.top :, columns.start - layer.left :]
        whole[rows, columns] = inner[: rows.stop - rows.start, : columns.stop - columns.start]
    return whole


def average(layer: Layer, motion: Motion, size: tuple[int, ...]) -> Light:
    """The layer's mean over the exposure.

    The layer is interpolated to a third of a px once (cubic), then every sample of time takes the
    nearest of those: places are off by at most 1/6 px, which the mean over the path evens out.

    Returns:
        (H, W, 4) float32 RGB times alpha, and alpha.
    """
    height, width = layer.light.shape[:2]
    corners = np.array([[0, 0], [0, width], [height, 0], [height, width]], float) - 0.5
    poses = motion.sample(float(np.hypot(*(corners - motion.pivot).T).max()))
    fine = RowResampler((height, width), (height * FINE, width * FINE), 4, np.float32)
    # One item of 16 bytes per pixel: looked up four times as fast as four floats.
    cells = fine.feed(layer.light).view(np.complex128)[..., 0]
    total = np.zeros((*size, 4), np.float32)
    boxes = _boxes(poses, corners, (layer.top, layer.left), size)
    for band in range(0, size[0], BAND_ROWS):
        for index, (top, bottom, left, right) in enumerate(boxes):
            rows = np.arange(max(top, band), min(bottom, band + BAND_ROWS))
            columns = np.arange(left, right)
            if len(rows) and len(columns):
                place = _places(poses, index, rows - layer.top, columns - layer.left, cells.shape)
                seen = cells.take(place).view(np.float32).reshape(*place.shape, 4)
                seen *= np.float32(poses.weight[index])
                total[rows[0] : rows[-1] + 1, left:right] += seen
    return total


def _places(
    poses: Poses,
    index: int,
    rows: NDArray[np.int64],
    columns: NDArray[np.int64],
    shape: tuple[int, ...],
) -> NDArray[np.int64]:
    """(n, m) where in the fine layer the pixels of some rows and columns look at one pose."""
    (yy, yx), (xy, xx) = poses.matrix[index] * FINE
    y_offset, x_offset = poses.offset[index] * FINE + FINE // 2
    y = (yy * rows + y_offset)[:, None] + yx * columns
    x = (xy * rows + x_offset)[:, None] + xx * columns
    y = np.rint(np.clip(y, 0, shape[0] - 1, out=y), out=y)
    x = np.rint(np.clip(x, 0, shape[1] - 1, out=x), out=x)
    y *= shape[1]
    y += x
    return y.astype(np.int64)


def _boxes(
    poses: Poses, corners: NDArray[np.float64], place: tuple[int, int], size: tuple[int, ...]
) -> NDArray[np.int64]:
    """(n, 4) top, bottom, left, right of the picture's pixels that see the layer at each pose."""
    back = np.linalg.inv(poses.matrix)
    seen = np.einsum("nij,nkj->nki", back, corners - poses.offset[:, None]) + place  # (n, 4, 2)
    low, high = np.floor(seen.min(1)), np.ceil(seen.max(1))
    limit = np.array(size, float)
    low, high = np.clip(low, 0, limit), np.clip(high, 0, limit)
    return np.stack([low[:, 0], high[:, 0], low[:, 1], high[:, 1]], 1).astype(np.int64)
