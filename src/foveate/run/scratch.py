"""Memory that a thread keeps from window to window.

The kernel clears fresh memory, 4 KiB at a time: a window's planes cost as much to get as to fill.
"""

from __future__ import annotations

import math
import threading
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray


class Scratch(threading.local):
    """Arrays by name; each thread has its own, and they go when it ends."""

    def __init__(self) -> None:
        """Starts empty in every thread."""
        self._blocks: dict[str, NDArray[np.uint8]] = {}

    def array(self, name: str, shape: tuple[int, ...], dtype: DTypeLike) -> NDArray[Any]:
        """An array that holds anything, and is this thread's until it asks for `name` again.

        Args:
            name: what it is for.
            shape: of the array.
            dtype: of the array.
        """
        size = math.prod(shape) * np.dtype(dtype).itemsize
        block = self._blocks.pop(name, None)
        if block is None or len(block) < size:
            block = None  # the old one goes before the new one comes
            block = np.empty(size, np.uint8)
        self._blocks[name] = block
        return block[:size].view(dtype).reshape(shape)
