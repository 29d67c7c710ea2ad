"""The one protocol every inference runtime is wrapped in, and the facts `foveate doctor` prints."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from foveate.models.card import Card

Float32 = NDArray[np.float32]


class Session(Protocol):
    """A model loaded in an engine with a fixed thread count. One caller at a time.

    Attributes:
        name: engine and version, such as "onnxruntime 1.31.1".
        card: the facts of the model that is loaded.
    """

    @property
    def name(self) -> str:
        """Engine and version."""

    @property
    def card(self) -> Card:
        """The model's facts."""

    def run(self, lr: Float32) -> Float32:
        """Computes one batch of windows.

        Args:
            lr: (N, 3, H, W) float32 RGB, 0..1, C-contiguous; H and W multiples of the card's.

        Returns:
            (N, 3, scale * H, scale * W) float32 RGB, about 0..1, not clamped; the caller owns it.

        Raises:
            ModelError: the engine cannot run the model on this window.
            ResourceError: the device is out of memory.
        """

    def close(self) -> None:
        """Gives memory back; `run` must not be called afterwards."""


@runtime_checkable
class Interruptible(Protocol):
    """A session whose runs take so long that nobody would wait for one to end."""

    def interrupt(self) -> None:
        """Makes a run that is under way in another thread raise Interrupted soon, no later one."""


def interrupt_all(sessions: Iterable[object]) -> None:
    """Ends what is under way in those that can."""
    for session in sessions:
        if isinstance(session, Interruptible):
            session.interrupt()


class Interrupted(Exception):  # noqa: N818 - it is no error
    """The run was not wanted any more; nobody sees it."""


@dataclass(frozen=True)
class EngineFacts:
    """What `foveate doctor` says about one engine.

    Attributes:
        name: the word `--engine` takes.
        version: the installed version, or "" when it is not installed.
        devices: devices it can use here, of "cpu" and "cuda".
        missing: what to do to get it, "" when it is there.
    """

    name: str
    version: str
    devices: tuple[str, ...]
    missing: str
