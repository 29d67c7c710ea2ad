"""What is counted and kept for the maps while the bands of one picture go by."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from foveate.media.writer import RowWriter
from foveate.models.card import DeblurFacts
from foveate.pipelines.deblur_maps import BlurMap, StageMaps
from foveate.pipelines.deblur_prepare import DeblurJob
from foveate.run.composite import Composed
from foveate.run.deblur import Decided


class Findings:
    """Sums over all bands, in order, so they do not depend on who computed what.

    Maps are drawn after the last band and get their names by save(); close() drops them otherwise,
    so that a failure leaves none.

    Attributes:
        windows_computed: windows that the network was run on.
        changed_pixels: pixels that may differ from the input's.
    """

    def __init__(self, job: DeblurJob) -> None:
        """Nothing seen yet."""
        picture, options = job.picture, job.options
        self.windows_computed = self.changed_pixels = 0
        self._plan, self._card, self._network_macs = job.plan, job.model.card, 0
        self._looked_pixels = job.look.grid.padded_pixels() if job.look else 0
        self._blurred = self._attention_windows = 0
        self._width, self._height = picture.width, picture.height
        self._drawn: list[RowWriter] = []
        self._open = contextlib.ExitStack()
        self._options = options
        self._map = BlurMap(picture, options.save_map) if options.save_map else None
        self._stages = (
            StageMaps(picture, job.plan, options.save_windows) if options.save_windows else None
        )

    @property
    def draws(self) -> bool:
        """Whether a map was asked for."""
        return self._map is not None or self._stages is not None

    @property
    def blurred_share(self) -> float:
        """Share of the attention windows whose probability of blur is above the threshold."""
        return self._blurred / max(self._attention_windows, 1)

    @property
    def changed_share(self) -> float:
        """Share of the pixels that may differ from the input's."""
        return self.changed_pixels / (self._width * self._height)

    @property
    def macs(self) -> tuple[int, int] | None:
        """Multiply-accumulates that were done, and those of computing every attention window.

        None for a model whose card does not say what its blocks cost.
        """
        facts = self._card.deblur
        if facts is None or not facts.block_macs:
            return None
        looked = self._looked_pixels * facts.look_macs_per_pixel
        unpruned = self._plan.grid.padded_pixels() * self._card.macs_per_lr_pixel
        unpruned *= self._plan.self_ensemble
        return looked + self._network_macs, unpruned

    def follow(self, bands: Iterator[Composed]) -> Iterator[Composed]:
        """Passes the bands on."""
        for band in bands:
            self._add(band)
            yield band
            del band

    def save(self) -> tuple[str, ...]:
        """Puts the maps that were asked for in their places; returns notes."""
        for writer in self._drawn:
            writer.commit()
        if self._stages and not self._stages.has_run:
            return (f"the network was not run: nothing to put into {self._stages.folder}",)
        return ()

    def close(self) -> None:
        """Drops the maps that were not saved."""
        self._open.close()

    def _draw(self) -> None:
        overwrite = self._options.overwrite
        if self._map:
            self._hold(self._map.draw(overwrite=overwrite))
        if self._stages and self._stages.has_run:
            self._open.enter_context(self._stages.made_folder())
            for writer in self._stages.draw(overwrite=overwrite):
                self._hold(writer)

    def _hold(self, writer: RowWriter) -> None:
        self._drawn.append(self._open.enter_context(writer))

    def _add(self, band: Composed) -> None:
        decided = band.decided
        self.windows_computed += int(decided.ran.sum())
        self._blurred += int((decided.confidence > self._options.threshold).sum())
        self._attention_windows += decided.confidence.size
        if facts := self._card.deblur:
            self._network_macs += _network_macs(decided, facts)
        if band.mask is not None:
            self.changed_pixels += int(band.mask.sum())
        if self._map:
            self._map.add(decided)
        if self._stages:
            self._stages.add(decided)
        if decided.cores.bottom == self._height:
            self._draw()


def _network_macs(decided: Decided, facts: DeblurFacts) -> int:
    """What the network did for one band."""
    macs = {**facts.block_macs, **facts.strip_macs}
    parts = [part for work in decided.work.values() for part in work.items()]
    return sum(count * macs.get(name, 0) for name, count in parts)
