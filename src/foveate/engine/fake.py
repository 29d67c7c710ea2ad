"""An engine for tests: nearest neighbour, counting, and wrong when told to be."""

from __future__ import annotations

import threading
from collections.abc import Callable

from foveate.engine.session import Float32
from foveate.models.card import Card


class FakeSession:
    """Nearest-neighbour enlargement behind the session protocol.

    Attributes:
        calls: how often `run` was called.
        bytes_in: bytes of all inputs so far.
        is_closed: whether `close` was called.
    """

    def __init__(self, card: Card, spoil: Callable[[Float32], Float32] | None = None) -> None:
        """`spoil` maps the right answer to the wrong one that is returned; it may also raise."""
        self.card, self.name = card, "fake 1"
        self.calls, self.bytes_in, self.is_closed = 0, 0, False
        self._spoil = spoil
        self._busy = threading.Lock()

    def run(self, lr: Float32) -> Float32:
        """Repeats each pixel; shapes as in the protocol, and refuses what breaks it."""
        if self.is_closed:
            raise RuntimeError("the session is closed")
        if not self._busy.acquire(blocking=False):
            raise RuntimeError("two callers in one session")
        try:
            _check(lr, self.card)
            self.calls, self.bytes_in = self.calls + 1, self.bytes_in + lr.nbytes
            sr = lr.repeat(self.card.scale, axis=2).repeat(self.card.scale, axis=3)
            return self._spoil(sr) if self._spoil else sr
        finally:
            self._busy.release()

    def close(self) -> None:
        """Marks the session closed."""
        self.is_closed = True


def _check(lr: Float32, card: Card) -> None:
    multiple = card.window.multiple
    if lr.dtype != "float32" or not lr.flags.c_contiguous or lr.ndim != 4 or lr.shape[1] != 3:
        raise ValueError(f"not a (N, 3, H, W) float32 batch: {lr.dtype} {lr.shape}")
    if lr.shape[2] % multiple or lr.shape[3] % multiple:
        raise ValueError(f"{lr.shape} is not a multiple of {multiple}")
