"""Self-ensemble: the mean of what a network makes of an area and of its mirror images.

Source: geometric self-ensemble, EDSR (arXiv 1707.02921, section 3.4). Deviation: without the
transposed images: areas that are not square would change their shape, and sessions their memory.
"""

from __future__ import annotations

from collections import Counter
from typing import Any, Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

from foveate.engine.deblur_session import WINDOW_PX, DeblurSession, Mask, Restored
from foveate.engine.session import Float32, Session, interrupt_all

# Axes along which an area (..., H, W) is mirrored, for each run; the first is the area itself.
MIRRORED: tuple[tuple[int, ...], ...] = ((), (-1,), (-2,), (-2, -1))
Inner = TypeVar("Inner", bound=Session | DeblurSession)


class _Ensemble(Generic[Inner]):
    """What both kinds of session have in common: all but their runs."""

    def __init__(self, session: Inner, runs: int) -> None:
        """`runs`: 2 or 4; the session is closed with this one."""
        self._session: Inner = session
        self._more = MIRRORED[1:runs]
        self.name, self.card = session.name, session.card

    def interrupt(self) -> None:
        """Ends the run under way, where the session can."""
        interrupt_all([self._session])

    def close(self) -> None:
        """Closes the session."""
        self._session.close()


class UpscaleEnsemble(_Ensemble[Session]):
    """An upscaling session that runs several times; see `Session` for the protocol."""

    def run(self, lr: Float32) -> Float32:
        """The mean of all runs, as in the protocol."""
        total = self._session.run(lr)
        for axes in self._more:
            total += np.flip(self._session.run(_mirrored(lr, axes)), axes)
        total /= 1 + len(self._more)
        return total


class DeblurEnsemble(_Ensemble[DeblurSession]):
    """A deblurring session that runs several times; see `DeblurSession` for the protocol.

    It looks once, and the first run decides; the others restore what that one kept.
    """

    def look(self, area: Float32) -> Float32:
        """As in the protocol."""
        return self._session.look(area)

    def run(
        self,
        area: Float32,
        *,
        threshold: float = 0.5,
        mask: Mask | None = None,
        look: Float32 | None = None,
    ) -> Restored:
        """The first run's decisions and the mean of all runs' pixels, as in the protocol."""
        first = self._session.run(area, threshold=threshold, mask=mask, look=look)
        if not first.keep.any():
            return first
        if mask is None:
            mask = first.keep.repeat(WINDOW_PX, 0).repeat(WINDOW_PX, 1)
        total, work = first.pixels, Counter(first.work)
        for axes in self._more:
            again = self._session.run(
                _mirrored(area, axes), threshold=threshold, mask=_mirrored(mask, axes)
            )
            # Where nothing is kept each adds the area's own samples: their mean is exact.
            total += np.flip(again.pixels, axes)
            work.update(again.work)
        total /= 1 + len(self._more)
        return first._replace(pixels=total, work=work)

    def give_back(self) -> None:
        """As in the protocol."""
        self._session.give_back()


def _mirrored(area: NDArray[Any], axes: tuple[int, ...]) -> NDArray[Any]:
    return np.ascontiguousarray(np.flip(area, axes))
