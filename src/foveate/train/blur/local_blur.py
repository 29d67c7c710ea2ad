"""From an exposure to a pair: what a camera stores, the sharp picture, and the exact mask.

Noise and JPEG fall on the blurry picture alone. The sharp one is clean where the moving layer was,
so that a network is never asked for noise it cannot know; everywhere else it *is* the blurry one,
bit for bit, noise and all, because the answer there is to change nothing.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from foveate.media.jpeg import decode_jpeg_round_trip
from foveate.train.blur.exposure import Exposure, Light, Pixels, Response

COVERED = 0.01  # of the exposure, times alpha: less cannot be seen
DIFFERS = 2  # levels of 255 in any channel, somewhere: one is less than noise and rounding
# Ranges around two measured cameras: shot 0.9e-4 and 1e-4, read 0.3e-4 and 9e-4; RSBlur (ECCV
# 2022), sec. 4. White balance amplifies red and blue, and their noise with them: the same source.
SHOT, READ = (2e-5, 5e-4), (3e-5, 1e-3)
RED, BLUE = (1.9, 2.4), (1.5, 1.9)


class Pair(NamedTuple):
    """What a network learns from.

    Attributes:
        blurry: (H, W, 3) uint8 RGB.
        sharp: (H, W, 3) uint8 RGB.
        mask: (H, W) bool, true where blurry is blurred.
    """

    blurry: Pixels
    sharp: Pixels
    mask: NDArray[np.bool_]


def make_pair(
    exposure: Exposure, response: Response, noise: np.random.Generator | None = None
) -> Pair:
    """The pair and its mask.

    The mask is true where the moving layer covers the pixel for more than COVERED of the exposure:
    all of the thing, its flat inside too, as in masks that people draw. It is empty where the two
    pictures, before noise, differ nowhere in it by DIFFERS levels. Where it is false they are equal
    but for noise.

    Args:
        exposure: what the sensor saw.
        response: the camera's curve.
        noise: draws sensor noise and JPEG; None: neither.
    """
    blurry, sharp = response.encode(exposure.blurry), response.encode(exposure.sharp)
    mask = exposure.cover > COVERED
    difference = np.maximum(blurry, sharp) - np.minimum(blurry, sharp)
    mask &= (difference[mask] >= DIFFERS).any()
    if noise is None:
        return Pair(np.where(mask[..., None], blurry, sharp), sharp, mask)
    light = np.where(mask[..., None], exposure.blurry, exposure.sharp)
    blurry = photograph(light, response, noise)
    return Pair(blurry, np.where(mask[..., None], sharp, blurry), mask)


def photograph(light: Light, response: Response, random: np.random.Generator) -> Pixels:
    """Linear light to the samples of a file: shot and read noise, response, often JPEG.

    Deviation: no mosaic, so noise of neighbouring pixels is independent before JPEG.

    Args:
        light: (H, W, 3) linear RGB; clipped pixels get no noise.
        response: the camera's curve.
        random: the source of every choice.

    Returns:
        (H, W, 3) uint8.
    """
    gain = np.array([random.uniform(*RED), 1, random.uniform(*BLUE)], np.float32)
    shot, read = (draw_log_uniform(random, *limits) for limits in (SHOT, READ))
    light = np.clip(light, 0, 1)
    sigma = np.sqrt(np.float32(shot) * gain * light + (np.float32(read) * gain) ** 2)
    sigma[light >= 1] = 0
    sigma *= random.standard_normal(light.shape, np.float32)
    pixels = response.encode(light + sigma)
    if random.random() < 1 / 2:
        return pixels
    quality = int(random.integers(70, 99))
    return decode_jpeg_round_trip(pixels, quality, subsample=quality < 90)


def draw_log_uniform(random: np.random.Generator, low: float, high: float) -> float:
    """A number between two positive ones, every ratio as likely as any other."""
    return float(np.exp(random.uniform(np.log(low), np.log(high))))
