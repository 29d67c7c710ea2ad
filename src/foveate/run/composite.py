"""The network's pixels laid into the picture: inside kept windows only, feathered inwards.

Everywhere else the samples are the input's, bit for bit: they are never computed with.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from foveate.engine.deblur_session import WINDOW_PX, Mask
from foveate.engine.session import Float32
from foveate.run.deblur import Decided
from foveate.run.pixels import STRIP_ROWS

Pixels = NDArray[Any]
# From the edge of what is kept to the network's own pixels: half of the change at the first, all of
# it from the second on, since most is to restore at the edges of what moved. At most an attention
# window: one row of neighbours is then all that a weight depends on.
FEATHER_PX = 2


@dataclass(frozen=True)
class Composed:
    """Finished rows of one band.

    Attributes:
        rows: (n, W, C) samples, in the input's dtype.
        mask: (n, W) where they may differ from the input's; None: nowhere.
        decided: what they were made of; not to be kept.
    """

    rows: Pixels
    mask: Mask | None
    decided: Decided


def compose(bands: Iterable[Decided], strength: float = 1.0) -> Iterator[Composed]:
    """Composes bands in order; each waits for its follower, whose decisions its last rows need.

    Args:
        bands: the bands of a picture, top to bottom.
        strength: 0..1: share of the change that is made.
    """
    before, current = None, None
    for following in bands:
        if current is not None:
            yield _composed(current, before, allowed(following)[:FEATHER_PX], strength)
            before = allowed(current)[-FEATHER_PX:]
        current = following
        del following
    if current is not None:
        yield _composed(current, before, None, strength)


def allowed(band: Decided) -> Mask:
    """(n, W): where the network's pixels may be taken."""
    keep = band.keep.repeat(WINDOW_PX, 0).repeat(WINDOW_PX, 1)
    keep = keep[: band.cores.height, : band.cores.width]
    return keep if band.mask is None else keep & band.mask


def feather(inside: Mask) -> NDArray[np.uint8]:
    """How deep inside each pixel lies: 0 outside, then 1, 2, ... FEATHER_PX.

    The depth is the chessboard distance to the nearest pixel outside. Beyond the array everything
    counts as inside: a picture's edge is no edge of what is restored.

    Args:
        inside: (H, W).
    """
    depth = inside.astype(np.uint8)
    for _ in range(FEATHER_PX - 1):
        inside = _eroded(_eroded(inside).T).T
        depth += inside
    return depth


def _composed(band: Decided, before: Mask | None, after: Mask | None, strength: float) -> Composed:
    if strength == 0 or not band.keep.any():
        return Composed(band.original, None, band)
    parts = [part for part in (before, allowed(band), after) if part is not None]
    depth = feather(np.concatenate(parts))
    depth = depth[0 if before is None else len(before) :][: band.cores.height]
    if band.original.shape[2] in (2, 4):
        depth[band.original[..., -1] == 0] = 0  # colours that are hidden stay as they are
    mask = depth > 0
    if not mask.any():
        return Composed(band.original, None, band)
    weights = np.linspace(0, strength, FEATHER_PX + 1, dtype=np.float32)
    rows = band.original.copy()
    for top in range(0, len(rows), STRIP_ROWS):
        strip = slice(top, top + STRIP_ROWS)
        if mask[strip].any():
            _mix(rows[strip], band.network[strip], weights[depth[strip]], mask[strip])
    return Composed(rows, mask, band)


def _mix(rows: Pixels, network: Pixels, weights: Float32, mask: Mask) -> None:
    """Makes rows * (1 - weight) + network * weight, rounded half up, where the mask is.

    Exactly the network's samples at weight 1.
    """
    colours = rows[..., : network.shape[2]]
    share = weights[..., None]
    mixed = colours * (1 - share)
    with np.errstate(all="ignore"):  # where nothing is kept, the network's samples are anything
        mixed += network * share
    if rows.dtype != np.float32:
        mixed += np.float32(0.5)
    np.copyto(colours, mixed, where=mask[..., None], casting="unsafe")


def _eroded(inside: Mask) -> Mask:
    """Without the pixels that have one outside to their left or right."""
    eroded = inside.copy()
    eroded[:, 1:] &= inside[:, :-1]
    eroded[:, :-1] &= inside[:, 1:]
    return eroded
