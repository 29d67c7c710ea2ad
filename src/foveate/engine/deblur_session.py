"""The protocol of deblurring models in an engine: look at an area, then restore what is blurred."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from foveate.engine.session import Float32
from foveate.models.card import Card

Mask = NDArray[np.bool_]

WINDOW_PX = 8  # side of an attention window at full resolution, and of a cell of `look`


class StageDecision(NamedTuple):
    """Which attention windows one deciding block computed.

    Attributes:
        block: its name in the network, such as "decoderlayer_3.blocks.0".
        size_px: side of an attention window in pixels of the area.
        shift_px: the grid's shift: the window at row r begins at y = r size_px + shift_px and goes
            round the area's border.
        keep: (rows, columns) bool, those that were computed.
        confidence: (rows, columns) float32 0..1, their probability of blur.
    """

    block: str
    size_px: int
    shift_px: int
    keep: Mask
    confidence: Float32


class Restored(NamedTuple):
    """What the network gives for one area of S x S pixels.

    Attributes:
        pixels: (3, S, S) float32 RGB, about 0..1, not clamped: the network's own in the attention
            windows of `keep`, elsewhere the area's; the caller owns it.
        keep: (S/8, S/8) bool: attention windows at full resolution that the last stage computed, on
            the area's grid: row r covers y = 8 r .. 8 r + 7.
        confidence: (S/8, S/8) float32 0..1: their probability of blur.
        stages: what every deciding block did, in the order they ran.
        work: by name, how many attention windows each deciding block computed, and how often each
            graph ran that is none of a block: the convolutions between them, strip by strip.
    """

    pixels: Float32
    keep: Mask
    confidence: Float32
    stages: tuple[StageDecision, ...]
    work: Mapping[str, int] = {}


class DeblurSession(Protocol):
    """A deblurring model in an engine, one thread. One caller at a time.

    An area is (1, 3, S, S) float32 RGB 0..1, C-contiguous, with S = `card.window.minimum`. Each
    attention window's values depend on its own tokens only, never on which others are kept.

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

    def look(self, area: Float32) -> Float32:
        """Where an area may be blurred, at a small part of the cost of `run`.

        Args:
            area: (1, 3, H, W), any multiples of `card.window.multiple` from S on; else as above.

        Returns:
            (H/8, W/8) float32 0..1, the probability of blur in each 8 x 8 pixels; all 1 of
            a model that has no such detector.

        Raises:
            ModelError: the engine cannot run the model on this area.
            ResourceError: the device is out of memory.
        """

    def run(
        self,
        area: Float32,
        *,
        threshold: float = 0.5,
        mask: Mask | None = None,
        look: Float32 | None = None,
    ) -> Restored:
        """Restores the attention windows that are blurred.

        Args:
            area: (1, 3, S, S), as above.
            threshold: least probability of blur, exclusive, for which a window is kept; 0 < t < 1.
            mask: (S, S) bool, decides in the predictors' place: an attention window that holds a
                True pixel is kept. The predictors still say their confidence.
            look: what `look` gave for this area; None: where it decides, and no mask, it is asked.

        Raises:
            ModelError: the engine cannot run the model on this area.
            ResourceError: the device is out of memory.
        """

    def give_back(self) -> None:
        """Gives back the memory that looks and runs took; they may go on."""

    def close(self) -> None:
        """Gives memory back; nothing else may be called afterwards. Closing twice is allowed."""
