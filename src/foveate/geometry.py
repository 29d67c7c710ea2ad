"""Rectangles, windows and grids as pure integers: which pixels are computed together.

Everything is in LR pixels, (left, top, width, height). The grid depends on the picture's size and
the model's card alone, never on memory or threads: that is what keeps results the same bits.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Rect:
    """A rectangle of pixels; `right` and `bottom` are one past the last."""

    left: int
    top: int
    width: int
    height: int

    @property
    def right(self) -> int:
        """The column after the last."""
        return self.left + self.width

    @property
    def bottom(self) -> int:
        """The row after the last."""
        return self.top + self.height

    def within(self, outer: Rect) -> Rect:
        """This rectangle in the coordinates of `outer`, which contains it."""
        return Rect(self.left - outer.left, self.top - outer.top, self.width, self.height)

    def scaled(self, scale: int) -> Rect:
        """The same rectangle on the picture enlarged by `scale`."""
        return Rect(self.left * scale, self.top * scale, self.width * scale, self.height * scale)


@dataclass(frozen=True, slots=True)
class Window:
    """One engine call: the `core` that is kept, inside the `area` that is computed.

    The area is the core grown by the halo and clipped to the picture, so a window at the picture's
    edge has the picture's edge as its own: a convolution pads there as on the whole picture. Where
    that leaves less than the grid's `minimum` once padded, the area goes further into the picture.
    """

    core: Rect
    area: Rect


@dataclass(frozen=True, slots=True)
class Grid:
    """The windows of one picture: cores partition it exactly, in raster order, in bands.

    A band is one row of windows. Cores are as equal as `multiple` allows, so that no sliver remains
    at the right or bottom edge and workers get equal shares.

    Attributes:
        width: picture width, >= 1.
        height: picture height, >= 1.
        core_width: width of every core but the last of a band; a multiple of `multiple`.
        core_height: height of every core but those of the last band; a multiple of `multiple`.
        halo: pixels around a core, computed and thrown away; a multiple of `multiple`.
        multiple: widths and heights the network takes are multiples of this.
        minimum: areas are at least so wide and high, where the picture is. A network of one fixed
            shape has core + 2 halo for it: all its areas are of that size.
    """

    width: int
    height: int
    core_width: int
    core_height: int
    halo: int
    multiple: int
    minimum: int = 1

    def __post_init__(self) -> None:
        """Refuses sizes that cannot be a grid."""
        if min(self.width, self.height, self.core_width, self.core_height, self.multiple) < 1:
            raise ValueError(f"sizes must be at least 1: {self}")
        if self.halo < 0 or any(
            size % self.multiple for size in (self.core_width, self.core_height, self.halo)
        ):
            raise ValueError(f"core and halo must be multiples of {self.multiple}: {self}")

    @property
    def columns(self) -> int:
        """Windows in a band."""
        return -(-self.width // self.core_width)

    @property
    def bands(self) -> int:
        """Rows of windows."""
        return -(-self.height // self.core_height)

    def window(self, band: int, column: int) -> Window:
        """The window at 0 <= `band` < bands and 0 <= `column` < columns."""
        left, top = column * self.core_width, band * self.core_height
        core = Rect(
            left,
            top,
            min(self.core_width, self.width - left),
            min(self.core_height, self.height - top),
        )
        left, right = self._reach(core.left, core.right, self.width)
        top, bottom = self._reach(core.top, core.bottom, self.height)
        return Window(core, Rect(left, top, right - left, bottom - top))

    def _reach(self, start: int, end: int, length: int) -> tuple[int, int]:
        """From where to where an area goes along one side of the picture."""
        start, end = max(start - self.halo, 0), min(end + self.halo, length)
        end = min(max(end, start + self.minimum), length)
        # Rounded up: an area must not be larger than a network of one fixed shape takes. What is
        # then missing to `minimum` is less than `multiple`, and padded with the rest.
        inwards = round_up(end - self.minimum, self.multiple)
        return max(min(start, inwards), 0), end

    def band(self, index: int) -> list[Window]:
        """The windows of one band, left to right; all share their rows."""
        return [self.window(index, column) for column in range(self.columns)]

    def windows(self) -> Iterator[Window]:
        """All windows in raster order."""
        for index in range(self.bands):
            yield from self.band(index)

    def padded_pixels(self) -> int:
        """Pixels of all areas once padded: what a network computes."""
        least = round_up(self.minimum, self.multiple)
        sides = (
            [max(round_up(side, self.multiple), least) for side in (area.width, area.height)]
            for area in (window.area for window in self.windows())
        )
        return sum(map(math.prod, sides))

    def largest_area(self) -> int:
        """Pixels of the largest area once padded: what a session must hold."""
        least = round_up(self.minimum, self.multiple)
        sides = (
            max(min(core + min(parts - 1, 2) * self.halo, round_up(length, self.multiple)), least)
            for core, parts, length in (
                (self.core_width, self.columns, self.width),
                (self.core_height, self.bands, self.height),
            )
        )
        return math.prod(sides)


def plan_grid(
    width: int,
    height: int,
    *,
    core_width: int,
    core_height: int,
    halo: int,
    multiple: int,
    minimum: int = 1,
) -> Grid:
    """The grid with the fewest windows whose areas are at most a core and two halos, or `minimum`.

    Args:
        width: picture width in LR pixels, >= 1.
        height: picture height in LR pixels, >= 1.
        core_width: largest core width, unless `minimum` is wider than what few windows need; a
            multiple of `multiple`.
        core_height: likewise.
        halo: pixels around each core; a multiple of `multiple`.
        multiple: origins and inner core sizes are multiples of this.
        minimum: least width and height of an area, where the picture is as large.

    Returns:
        A grid with cores shared out evenly.

    Raises:
        ValueError: a size is not positive, or not a multiple where it must be.
    """
    # The first one checks what was asked for.
    Grid(width, height, core_width, core_height, halo, multiple, minimum)
    return Grid(
        width,
        height,
        _even_share(width, core_width, halo, multiple, minimum),
        _even_share(height, core_height, halo, multiple, minimum),
        halo,
        multiple,
        minimum,
    )


def round_up(value: int, multiple: int) -> int:
    """The smallest multiple of `multiple` that is at least `value`."""
    return -(-value // multiple) * multiple


def _even_share(length: int, largest: int, halo: int, multiple: int, minimum: int) -> int:
    # At the picture's edges no halo is needed: where areas have `minimum` in any case, one core may
    # take all of it, and two all but the halo between them.
    for parts, halos in ((1, 0), (2, 1)):
        core = round_up(-(-length // parts), multiple)
        if core + halos * halo <= minimum:
            return core
    parts = -(-length // largest)
    return round_up(-(-length // parts), multiple)
