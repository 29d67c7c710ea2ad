"""From probabilities of blur to blurred parts of a picture.

A thing that moved is found with certainty somewhere, at edges that lie across its way; a ground
that is out of focus hardly anywhere. So a part counts that holds enough windows beyond doubt, and
then all of it does. Canny's hysteresis (PAMI 1986, sec. VI), on windows in place of edges.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Mask = NDArray[np.bool_]


def blurred_parts(
    probability: NDArray[np.float32], least: float, certain: float, count: int = 1
) -> Mask:
    """Windows above `least` that hang together, over sides or corners, with some above `certain`.

    Args:
        probability: (rows, columns) 0..1.
        least: exclusive; all others are sharp.
        certain: exclusive; where it is no more than `least`, every window above `least` is certain.
        count: so many certain windows a part must have at least.

    Returns:
        (rows, columns).
    """
    possible = probability > least
    part = _parts(possible)
    found = np.bincount(part[possible & (probability > certain)], minlength=part.size + 1)
    return np.asarray(possible & (found[part] >= count))


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
