"""What deblurring decided, as pictures: the probability of blur, and each stage's windows.

Both are collected band by band at the size they are drawn in, so a large picture takes no more.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from foveate.atomic import output_error
from foveate.engine.deblur_session import WINDOW_PX
from foveate.media.depth import convert_depth
from foveate.media.encoding import Encoding, encoder_bytes
from foveate.media.picture import Picture
from foveate.media.png import draw_png
from foveate.media.writer import RowWriter
from foveate.pipelines.deblur_options import DeblurOptions
from foveate.pipelines.resize import PictureResampler
from foveate.plan.plan import Plan
from foveate.run.deblur import Decided

Pixels = NDArray[Any]
U8 = NDArray[np.uint8]
MAP_SIDE, STAGE_SIDE = 2048, 1024  # pixels, at most
_STRIP = 64
# From sharp to blurred: dark blue, violet, orange, yellow; growing brighter, also without colour.
_RAMP = np.array([[20, 25, 90], [130, 40, 130], [235, 120, 40], [255, 245, 120]], np.float32)


@dataclass(frozen=True)
class Shrunk:
    """A picture's shape, shrunk into a square of `side` pixels; never enlarged.

    Attributes:
        width: of the small picture.
        height: of the small picture.
        x: column of the picture in the middle of each small column.
        y: row of the picture in the middle of each small row.
    """

    width: int
    height: int
    x: NDArray[np.int64]
    y: NDArray[np.int64]

    @classmethod
    def of(cls, width: int, height: int, side: int) -> Shrunk:
        """The largest shape in proportion."""
        longest = max(width, height, side)
        small = max(1, width * side // longest), max(1, height * side // longest)
        return cls(*small, _middles(small[0], width), _middles(small[1], height))

    def rows(self, top: int, bottom: int) -> slice:
        """The small rows whose middle lies in [top, bottom)."""
        return slice(*np.searchsorted(self.y, (top, bottom)))

    def columns(self, left: int, right: int) -> slice:
        """The small columns whose middle lies in [left, right)."""
        return slice(*np.searchsorted(self.x, (left, right)))


class Thumbnail:
    """The small picture, RGB of 8 bits, made of the rows as they pass."""

    def __init__(self, picture: Picture, shape: Shrunk) -> None:
        """Nothing seen yet."""
        dtype = np.dtype(np.uint16 if picture.depth == 16 else np.uint8)
        size = picture.height, picture.width
        self._resampler = PictureResampler(size, (shape.height, shape.width), picture.bands, dtype)
        self.pixels: U8 = np.empty((shape.height, shape.width, 3), np.uint8)
        self._row = 0

    def feed(self, rows: Pixels) -> None:
        """The next rows of the picture; alpha is left out."""
        small = self._resampler.feed(rows)
        colours = 3 if small.shape[2] >= 3 else 1
        into = self.pixels[self._row : self._row + len(small)]
        convert_depth(np.broadcast_to(small[..., :colours], into.shape), into)
        self._row += len(small)


class BlurMap:
    """The probability of blur of every window, over the picture."""

    def __init__(self, picture: Picture, path: Path) -> None:
        """Nothing seen yet."""
        self.path = path
        self._shape = Shrunk.of(picture.width, picture.height, MAP_SIDE)
        self._thumbnail = Thumbnail(picture, self._shape)
        self._confidence = np.zeros((self._shape.height, self._shape.width), np.float32)

    def add(self, band: Decided) -> None:
        """The next band."""
        self._thumbnail.feed(band.original)
        rows = self._shape.rows(band.cores.top, band.cores.bottom)
        at = np.ix_((self._shape.y[rows] - band.cores.top) // WINDOW_PX, self._shape.x // WINDOW_PX)
        self._confidence[rows] = band.confidence[at]

    def draw(self, *, overwrite: bool) -> RowWriter:
        """The file, to be committed: grey and dimmed where sharp, in colour where blurred."""
        return draw_png(self.path, self._strips(), self._shape.height, overwrite=overwrite)

    def _strips(self) -> Iterator[U8]:
        for top in range(0, self._shape.height, _STRIP):
            strip = slice(top, top + _STRIP)
            share = self._confidence[strip, :, None]
            grey = self._thumbnail.pixels[strip].mean(-1, keepdims=True, dtype=np.float32)
            at = share * (len(_RAMP) - 1)
            low = np.minimum(at.astype(np.intp), len(_RAMP) - 2)[..., 0]
            colour = _RAMP[low] + (_RAMP[low + 1] - _RAMP[low]) * (at - low[..., None])
            yield (grey * 0.4 + colour * 0.6 + 0.5).astype(np.uint8)


@dataclass
class StageMaps:
    """The attention windows that each deciding block computed.

    Attributes:
        picture: the input.
        plan: where each window's area lies.
        folder: for the PNG files, one per block, numbered in the order they ran.
    """

    picture: Picture
    plan: Plan
    folder: Path
    _blocks: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Nothing seen yet."""
        self._shape = Shrunk.of(self.picture.width, self.picture.height, STAGE_SIDE)
        self._thumbnail = Thumbnail(self.picture, self._shape)
        # Of each small pixel, one bit per block: up to 64 blocks take no more than one would.
        self._kept = np.zeros((self._shape.height, self._shape.width), np.uint64)

    def add(self, band: Decided) -> None:
        """The next band; what its cores do not hold is another window's to say."""
        self._thumbnail.feed(band.original)
        index = band.cores.top // self.plan.grid.core_height
        for column, stages in band.stages.items():
            window = self.plan.grid.window(index, column)
            rows = self._shape.rows(window.core.top, window.core.bottom)
            columns = self._shape.columns(window.core.left, window.core.right)
            y, x = self._shape.y[rows] - window.area.top, self._shape.x[columns] - window.area.left
            self._blocks = [stage.block for stage in stages]
            for bit, stage in enumerate(stages):
                # Beyond the area's border a shifted grid goes round.
                at = ((along - stage.shift_px) // stage.size_px for along in (y, x))
                places = [a % n for a, n in zip(at, stage.keep.shape, strict=True)]
                kept = stage.keep[np.ix_(*places)].astype(np.uint64)
                self._kept[rows, columns] |= kept << np.uint64(bit)

    @property
    def has_run(self) -> bool:
        """Whether the network ran anywhere: there is nothing to draw else."""
        return bool(self._blocks)

    @contextlib.contextmanager
    def made_folder(self) -> Iterator[None]:
        """Makes the folder where there is none; removes it then, if nothing was put into it."""
        if self.folder.is_dir():
            yield
            return
        try:
            self.folder.mkdir()
        except OSError as error:
            raise output_error(error, self.folder) from error
        try:
            yield
        finally:
            with contextlib.suppress(OSError):  # it holds something
                self.folder.rmdir()

    def draw(self, *, overwrite: bool) -> Iterator[RowWriter]:
        """The files, to be committed: what was pruned is dimmed."""
        for bit, block in enumerate(self._blocks):
            path = self.folder / f"{bit + 1:02}_{block}.png"
            yield draw_png(path, self._strips(bit), self._shape.height, overwrite=overwrite)

    def _strips(self, bit: int) -> Iterator[U8]:
        for top in range(0, self._shape.height, _STRIP):
            kept = self._kept[top : top + _STRIP, :, None] >> np.uint64(bit) & np.uint64(1)
            strip = self._thumbnail.pixels[top : top + _STRIP]
            yield np.where(kept, strip, strip // 4)


def map_bytes(picture: Picture, options: DeblurOptions) -> int:
    """Estimate of what the maps that were asked for take, at the most."""
    total = 0
    for wanted, side, per_pixel in (
        (options.save_map, MAP_SIDE, 3 + 4),
        (options.save_windows, STAGE_SIDE, 3 + 8),
    ):
        if wanted is not None:
            shape = Shrunk.of(picture.width, picture.height, side)
            total += per_pixel * shape.width * shape.height
            # Rows held by the resampler, and a block of them under way.
            shrink = max(1, picture.height // shape.height)
            total += 4 * picture.bands * (shape.width * (8 * shrink + 64) + picture.width * 96)
            total += encoder_bytes(Encoding("png", None, 8), shape.width, shape.height, 3) // 4
    return total


def _middles(count: int, length: int) -> NDArray[np.int64]:
    """Where the middles of `count` equal parts of a side lie."""
    return (np.arange(count, dtype=np.int64) * 2 + 1) * length // (2 * count)
