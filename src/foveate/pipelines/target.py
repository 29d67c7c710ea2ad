"""Which size a picture gets, and which integer scale of network leads there."""

from __future__ import annotations

import math
from dataclasses import dataclass

from foveate.errors import UsageError
from foveate.pipelines.options import MAX_SCALE, UpscaleOptions

NETWORK_SCALES = (2, 3, 4)


@dataclass(frozen=True)
class Target:
    """The size to reach.

    Attributes:
        width: SR width in pixels.
        height: SR height in pixels.
        network_scale: the smallest scale of network that reaches it, or the one asked for.
        is_exact: whether the network's own output has that size: no last resize.
    """

    width: int
    height: int
    network_scale: int
    is_exact: bool


def choose_target(
    width: int, height: int, options: UpscaleOptions, own_scale: int | None
) -> Target:
    """Works out the size.

    Args:
        width: LR width.
        height: LR height.
        options: scale, width, height and fit.
        own_scale: scale of the model that was asked for by name, or None.

    Raises:
        UsageError: the size asked for is more than 4 times the picture, no larger than it, or
            needs a last resize of a picture that is to tile.
    """
    out_width, out_height = _size(width, height, options)
    ratio = max(out_width / width, out_height / height)
    if ratio > MAX_SCALE:
        raise UsageError(
            f"cannot enlarge {width} x {height} to {out_width} x {out_height}",
            f"that is {ratio:.2f} times, more than {MAX_SCALE}",
            "enlarge it twice",
        )
    if ratio <= 1:
        raise UsageError(
            f"cannot enlarge {width} x {height} to {out_width} x {out_height}",
            "no side would grow",
            "ask for a larger --scale, --width or --height",
        )
    scale = own_scale or next(s for s in NETWORK_SCALES if s >= ratio)
    exact = (width * scale, height * scale) == (out_width, out_height)
    if options.wrap and not exact:
        raise UsageError(
            f"cannot wrap {width} x {height} to {out_width} x {out_height}",
            f"the last resize from x{scale} does not tile",
            f"use --scale {scale} without --width and --height",
        )
    return Target(out_width, out_height, scale, exact)


def _size(width: int, height: int, options: UpscaleOptions) -> tuple[int, int]:
    if options.width and options.height and not options.fit:
        return options.width, options.height
    if not (options.width or options.height):
        return _rounded(width * options.scale), _rounded(height * options.scale)
    by_width = (options.width or math.inf) / width
    by_height = (options.height or math.inf) / height
    if by_width <= by_height:
        return _rounded(width * by_width), _rounded(height * by_width)
    return _rounded(width * by_height), _rounded(height * by_height)


def _rounded(side: float) -> int:
    return max(1, math.floor(side + 0.5))
