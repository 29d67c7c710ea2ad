"""From probabilities of blur to blurred parts of a picture, or all of it.

Blur comes in parts: of a thing that moved every window is somewhat suspicious, and some at edges
that lie across its way are certain; of a ground that is out of focus a few are suspicious. So a
part counts whose windows together give evidence enough, and then all of it does. Canny's hysteresis
(PAMI 1986, sec. VI), on windows in place of edges, with a mean in place of a maximum.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Mask = NDArray[np.bool_]
UNSEEN = 10  # windows of no evidence that count with every part
CLOSEST = 2.0**-24  # of a probability to 0 or 1: float32 knows no closer one below 1


def blurred_parts(
    probability: NDArray[np.float32],
    least: float,
    evidence: float,
    threshold: float = 0.5,
    flat: Mask | None = None,
) -> Mask:
    """Windows above `least` that hang together, over sides or corners, with evidence enough.

    A part's evidence is by how much its windows' log-odds exceed the threshold's, in the mean over
    those that exceed it and UNSEEN more that do not: few windows must be the more certain. All the
    others of the part hold it together. Flat windows give no evidence, whatever they exceed.

    Args:
        probability: (rows, columns) 0..1.
        least: exclusive; all others are sharp.
        evidence: exclusive; 0: every window above `least` counts.
        threshold: the probability of no evidence; between 0 and 1.
        flat: (rows, columns) where nothing is to be seen; None: nowhere.

    Returns:
        (rows, columns).
    """
    possible = probability > least
    if not evidence:
        return possible
    part = _parts(possible)
    odds = np.where(possible, np.maximum(log_odds(probability) - log_odds(threshold), 0), 0)
    count = np.bincount(part[odds > 0], minlength=part.size + 1)
    if flat is not None:
        odds[flat] = 0
    total = np.bincount(part.ravel(), odds.ravel(), part.size + 1)
    return np.asarray(possible & (total > evidence * (count + UNSEEN))[part])


def is_blurred_everywhere(
    probability: NDArray[np.float32], evidence: float | None, threshold: float = 0.5
) -> bool:
    """Whether a picture is blurred all over, as when the camera moved.

    Then hardly a window is certain to be sharp: the mean of what speaks against blur, the log-odds
    of all windows where they are below the threshold's, is near 0. What speaks for blur counts for
    nothing, or a large thing that moved would outvote the rest of a picture, which is sharp. Such
    a picture is restored all over, skies too, in which windows are undecided.

    Args:
        probability: (rows, columns) 0..1.
        evidence: the mean, exclusive; None: no picture is.
        threshold: the probability of no evidence; between 0 and 1.
    """
    if evidence is None:
        return False
    return bool(np.minimum(log_odds(probability) - log_odds(threshold), 0).mean() > evidence)


def all_show_blur(
    probability: NDArray[np.float32], evidence: float, threshold: float, flat: Mask
) -> bool:
    """Whether all windows together show the half of a part's evidence: they are the largest part.

    Args:
        probability: (rows, columns) 0..1.
        evidence: of a part, exclusive.
        threshold: the probability of no evidence; between 0 and 1.
        flat: (rows, columns) where nothing is to be seen: what is below the threshold counts.
    """
    odds = log_odds(probability) - log_odds(threshold)
    return bool(np.where(flat, np.minimum(odds, 0), odds).mean() > evidence / 2)


def log_odds(probability: NDArray[np.float32] | float) -> NDArray[np.float64]:
    """ln(p / (1 - p)) of numbers 0..1, finite for 0 and 1, too."""
    p = np.clip(np.asarray(probability, np.float64), CLOSEST, 1 - CLOSEST)
    return np.log(p / (1 - p))


def _parts(possible: Mask) -> NDArray[np.intp]:
    """The same number, above 0, for windows that hang together; 0 for all that are not possible."""
    part = np.arange(1, possible.size + 1).reshape(possible.shape) * possible
    while True:
        wider = _largest_near(_largest_near(part).T).T * possible
        # Along with a number goes what it led to: paths get shorter by half, not by one.
        wider = np.maximum(wider, np.append(0, wider)[wider])
        if (wider == part).all():
            return part
        part = wider


def _largest_near(part: NDArray[np.intp]) -> NDArray[np.intp]:
    """Each window's number, or a larger one above or below."""
    largest = part.copy()
    np.maximum(largest[1:], part[:-1], out=largest[1:])
    np.maximum(largest[:-1], part[1:], out=largest[:-1])
    return largest
