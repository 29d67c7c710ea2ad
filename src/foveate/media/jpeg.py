"""JPEG compression of pixels in memory, to degrade pictures for training and evaluation."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from foveate.media.vips import pyvips


def decode_jpeg_round_trip(
    pixels: NDArray[np.uint8], quality: int, subsample: bool
) -> NDArray[np.uint8]:
    """What is left of pixels after JPEG.

    Args:
        pixels: (H, W, C) uint8, C 1 grey or 3 RGB, 0..255.
        quality: 1..100, as libjpeg counts.
        subsample: halve the resolution of chroma (4:2:0); grey has none.

    Returns:
        (H, W, C) uint8.
    """
    height, width, bands = pixels.shape
    image = pyvips.Image.new_from_memory(
        np.ascontiguousarray(pixels).data, width, height, bands, "uchar"
    )
    image = image.copy(interpretation="b-w" if bands == 1 else "srgb")
    mode = "on" if subsample else "off"
    data = image.jpegsave_buffer(Q=quality, subsample_mode=mode, keep="none")
    decoded = pyvips.Image.jpegload_buffer(data)
    flat = np.frombuffer(decoded.write_to_memory(), np.uint8)
    return flat.reshape(height, width, bands)
