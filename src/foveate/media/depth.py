"""Samples of one depth as samples of another, black staying black and white white."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Samples = NDArray[np.uint8 | np.uint16]


def convert_depth(samples: Samples, into: Samples) -> None:
    """Copies samples, scaled to full range when one side has 8 bits and the other 16."""
    if samples.dtype == into.dtype:
        into[...] = samples
    elif samples.dtype == np.uint8:
        np.multiply(samples, 257, out=into, dtype=np.uint16)
    else:
        # Nearest of v / 257: the inverse of the above, and monotone.
        into[...] = (samples.astype(np.uint32) + 128) // 257


def widen_to_16(samples: NDArray[np.uint16], bits: int) -> NDArray[np.uint16]:
    """Scales samples of 9 to 15 bits, as decoders hand them out, to full range.

    Args:
        samples: any shape, uint16; each value shifted up so that its highest bit is bit 15.
        bits: how many bits of it count.

    Returns:
        The same shape; the largest value that the decoder knows becomes 65535.
    """
    top = (1 << 16) - (1 << (16 - bits))
    wide = samples.astype(np.uint32)
    wide *= 65535
    wide += top // 2
    wide //= top
    # A decoder may fill the low bits, and then reach above its own top.
    return np.minimum(wide, 65535, out=wide).astype(np.uint16)
