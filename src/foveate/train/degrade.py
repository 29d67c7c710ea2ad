"""From an HR photo to LR: MATLAB bicubic, then what cameras and the web add."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from foveate.media.jpeg import decode_jpeg_round_trip
from foveate.media.resample import imresize

Pixels = NDArray[np.uint8]


def crop_to_multiple(hr: Pixels, scale: int) -> Pixels:
    """(H, W, 3) cropped at right and bottom to multiples of `scale`."""
    height, width = hr.shape[0] // scale * scale, hr.shape[1] // scale * scale
    return np.ascontiguousarray(hr[:height, :width])


def shrink(hr: Pixels, scale: int) -> Pixels:
    """HR (sH, sW, 3) uint8 -> LR (H, W, 3) uint8, antialiased, equal to MATLAB's imresize."""
    return imresize(hr, hr.shape[0] // scale, hr.shape[1] // scale)


def spoil(lr: Pixels, random: np.random.Generator) -> Pixels:
    """Light sensor noise and one JPEG compression, as photos come from phones and the web.

    One in four stays clean, for pictures that are; noise sigma is 0 to 2 levels in half of the
    rest; quality 30 to 98, chroma halved below 90 as encoders do.

    Args:
        lr: (H, W, 3) uint8 RGB.
        random: the source of every choice, so that a resumed run spoils alike.
    """
    if random.random() < 1 / 4:
        return lr
    if random.random() < 1 / 2:
        noise = random.standard_normal(lr.shape, dtype=np.float32) * np.float32(
            random.uniform(0, 2)
        )
        lr = np.clip(np.rint(lr + noise), 0, 255).astype(np.uint8)
    quality = int(random.integers(30, 99))
    return decode_jpeg_round_trip(lr, quality, subsample=quality < 90)
