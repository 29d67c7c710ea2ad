"""What will be done to one picture, as data: windows, workers, memory and time."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Literal

from foveate.errors import ModelError
from foveate.geometry import Grid, plan_grid
from foveate.models.card import Card
from foveate.plan.memory import BASE_BYTES, SESSION_FACTOR, Memory, MemoryTooSmallError

Depth = Literal["uint8", "uint16", "float32"]
SAMPLE_BYTES = {"uint8": 1, "uint16": 2, "float32": 4}
MOST_BANDS_IN_FLIGHT = 4
# What alpha bleeding takes while it fills a band, at most; measured on noise.
PREPARE_BYTES_PER_PIXEL = 60
# The look's windows are so many of the network's wide and high, halos too: it sees farther, for a
# fraction of the cost. What a card says of a session's memory holds for both.
LOOK_SIDES = 2


@dataclass(frozen=True)
class Plan:
    """A run of one picture through one model.

    The grid and the self-ensemble decide the result; the rest does not.

    Attributes:
        model: the card's id; "" for a plain resize, which needs no network.
        engine: name of the engine the memory was planned for, or "".
        width: LR width of the picture.
        height: LR height of the picture.
        bands: samples per pixel: 1 grey, 2 grey and alpha, 3 RGB, 4 RGBA.
        depth: type of a sample.
        scale: SR/LR size ratio of the model.
        target: (width, height) the caller resizes to afterwards, or None.
        wrap: whether the picture tiles along (x, y).
        wrap_px: LR pixels repeated around the picture for `wrap`; the grid covers them too.
        grid: the windows; the strips of rows of a plain resize.
        workers: sessions at work at the same time, each with one thread; 0 for a plain resize.
        bands_in_flight: bands of windows held at the same time.
        memory: bytes by part.
        memory_limit: the bytes that were allowed.
        self_ensemble: how often the network runs on each window; their mean is the result.
        seconds: estimated time of the network; None: nobody asked, see `speed.with_seconds`.
    """

    model: str
    engine: str
    width: int
    height: int
    bands: int
    depth: Depth
    scale: int
    target: tuple[int, int] | None
    wrap: tuple[bool, bool]
    wrap_px: tuple[int, int]
    grid: Grid
    workers: int
    bands_in_flight: int
    memory: Memory
    memory_limit: int
    self_ensemble: int = 1
    seconds: float | None = None

    @property
    def steps(self) -> int:
        """Parts of the work that progress is told of: windows, or strips of rows."""
        return self.grid.columns * self.grid.bands

    @property
    def windows(self) -> int:
        """Number of windows that the network computes."""
        return self.steps if self.model else 0

    @property
    def windows_at_once(self) -> int:
        """Engine calls that can run at the same time."""
        return min(self.workers, self.bands_in_flight * self.grid.columns)

    @property
    def network_pixels(self) -> int:
        """LR pixels that the network computes: halos count, alpha too, and every run on them."""
        if not self.model:
            return 0
        areas = (window.area for window in self.grid.windows())
        pixels = self.self_ensemble * sum(area.width * area.height for area in areas)
        return pixels * 2 if self.bands in (2, 4) else pixels

    @property
    def worker_pixels(self) -> float:
        """Of them, those of the busiest worker: windows do not divide."""
        turns = -(-self.windows // self.windows_at_once)
        return self.network_pixels * turns / self.windows

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        plain = asdict(self)
        plain["windows"] = self.windows
        plain["memory"]["total"] = self.memory.total
        return plain


def make_plan(
    picture_width: int,
    picture_height: int,
    bands: int,
    depth: Depth,
    card: Card,
    *,
    memory_bytes: int,
    **facts: Any,  # noqa: ANN401 - of plan_ways
) -> Plan:
    """Plans a picture: the most parallel way that stays under `memory_bytes`.

    Args:
        picture_width: as in `plan_ways`, like all that is not said here.
        picture_height: as in `plan_ways`.
        bands: as in `plan_ways`.
        depth: as in `plan_ways`.
        card: as in `plan_ways`.
        memory_bytes: bound on the peak of the whole process.
        facts: as in `plan_ways`.

    Returns:
        The plan.

    Raises:
        ResourceError: one window does not fit; says what would.
        ModelError: the card's window cannot be a grid.
    """
    size = picture_width, picture_height, bands, depth
    ways = plan_ways(*size, card, memory_bytes=memory_bytes, **facts)
    for plan in ways:
        if plan.memory.total <= memory_bytes:
            return plan
    raise MemoryTooSmallError(min(plan.memory.total for plan in ways), memory_bytes)


def plan_ways(
    picture_width: int,
    picture_height: int,
    bands: int,
    depth: Depth,
    card: Card,
    *,
    memory_bytes: int,
    threads: int,
    decoder_bytes: int,
    encoder_bytes: int,
    engine: str = "onnxruntime",
    target: tuple[int, int] | None = None,
    wrap: tuple[bool, bool] = (False, False),
    prepare_reach: int = 0,
    held_bands: int = 0,
    beside_bytes: int = 0,
    self_ensemble: int = 1,
) -> list[Plan]:
    """Every way to compute a picture, the most parallel first; they differ in memory alone.

    Args:
        picture_width: LR pixels.
        picture_height: LR pixels.
        bands: 1, 2, 3 or 4; see `Plan`. A mask that travels with the rows is one more.
        depth: type of the samples that are read and written.
        card: the model.
        memory_bytes: recorded as what was allowed.
        threads: most workers.
        decoder_bytes: peak of the reader.
        encoder_bytes: peak of the writer and of what the caller does to finished rows.
        engine: name of the engine.
        target: recorded for the reader of the plan.
        wrap: whether the picture tiles along (x, y).
        prepare_reach: rows of context of the `Prepare` that will run.
        held_bands: finished bands, with the LR rows they were made of, that the caller holds.
        beside_bytes: per pixel of an area, what a worker takes beside its session.
        self_ensemble: see `Plan`.

    Raises:
        ModelError: the card's window cannot be a grid.
    """
    margin = _wrap_margin(card, wrap)
    width, height = picture_width + 2 * margin[0], picture_height + 2 * margin[1]
    grid = grid_of(card, width, height)
    if self_ensemble > 1:  # a mirrored area, with its mask, and the sum
        beside_bytes += 13 + 12 * card.scale**2
    pixel_bytes = bands * SAMPLE_BYTES[depth]
    options = []
    for workers in range(1, min(threads, grid.columns * grid.bands) + 1):
        useful = min(max(2, -(-workers // grid.columns) + 1), MOST_BANDS_IN_FLIGHT, grid.bands)
        for flight in range(1, useful + 1):
            rows = _row_bytes(grid, card.scale, pixel_bytes, flight + held_bands, prepare_reach)
            if card.task == "deblur":  # the look before it makes no rows
                look = look_grid_of(card, width, height)
                rows = max(rows, _row_bytes(look, 0, pixel_bytes, flight, 0))
            memory = Memory(
                base=BASE_BYTES[engine],
                sessions=_session_bytes(card, grid, workers, engine)
                + workers * beside_bytes * grid.largest_area(),
                decoder=decoder_bytes,
                rows=rows + (picture_width * picture_height * pixel_bytes if wrap[1] else 0),
                encoder=encoder_bytes,
            )
            at_once = min(workers, flight * grid.columns)
            plan = Plan(
                card.id, engine, picture_width, picture_height, bands, depth, card.scale, target,
                wrap, margin, grid, workers, flight, memory, memory_bytes, self_ensemble,
            )  # fmt: skip
            options.append(((at_once, flight, -workers), plan))
    return [plan for _, plan in sorted(options, key=lambda option: option[0], reverse=True)]


def plan_resize(
    width: int,
    height: int,
    bands: int,
    depth: Depth,
    scale: int,
    *,
    strip_rows: int,
    memory_bytes: int,
    decoder_bytes: int,
    encoder_bytes: int,
    target: tuple[int, int] | None = None,
) -> Plan:
    """Plans a picture that is only resized: no session, no halo, a strip of rows at a time.

    Args:
        width: LR pixels.
        height: LR pixels.
        bands: 1, 2, 3 or 4; see `Plan`.
        depth: type of the samples.
        scale: the integer scale whose size is not exceeded.
        strip_rows: LR rows of a strip.
        memory_bytes: as in `make_plan`.
        decoder_bytes: as in `make_plan`.
        encoder_bytes: as in `make_plan`.
        target: as in `make_plan`.

    Raises:
        ResourceError: it does not fit; says what would.
    """
    grid = Grid(width, height, width, strip_rows, 0, 1)
    rows = _row_bytes(grid, scale, bands * SAMPLE_BYTES[depth], 1, 0)
    memory = Memory(BASE_BYTES[""], 0, decoder_bytes, rows, encoder_bytes)
    if memory.total > memory_bytes:
        raise MemoryTooSmallError(memory.total, memory_bytes)
    return Plan(
        model="",
        engine="",
        width=width,
        height=height,
        bands=bands,
        depth=depth,
        scale=scale,
        target=target,
        wrap=(False, False),
        wrap_px=(0, 0),
        grid=grid,
        workers=0,
        bands_in_flight=1,
        memory=memory,
        memory_limit=memory_bytes,
    )


def grid_of(card: Card, width: int, height: int) -> Grid:
    """The windows of a width x height picture: a fact of the card.

    Raises:
        ModelError: the card's core, halo and multiple do not go together.
    """
    return _grid_of(card, width, height, 1)


def look_grid_of(card: Card, width: int, height: int) -> Grid:
    """The windows in which a deblurring model's look sees a picture; errors as in `grid_of`."""
    return _grid_of(card, width, height, LOOK_SIDES)


def _grid_of(card: Card, width: int, height: int, sides: int) -> Grid:
    facts = card.window
    try:
        return plan_grid(
            width,
            height,
            core_width=sides * facts.core_width,
            core_height=sides * facts.core_height,
            halo=sides * facts.halo,
            multiple=facts.multiple,
            minimum=facts.minimum,
        )
    except ValueError as error:
        raise ModelError(f"the card of {card.id} is not valid", str(error)) from error


def _wrap_margin(card: Card, wrap: tuple[bool, bool]) -> tuple[int, int]:
    return (card.window.halo if wrap[0] else 0, card.window.halo if wrap[1] else 0)


def _session_bytes(card: Card, grid: Grid, workers: int, engine: str) -> int:
    # Beside the session: masks of grey and even areas, and three SR planes made grey.
    beside = 16 + 12 * card.scale**2
    per_pixel = int(card.session_bytes_per_lr_pixel * SESSION_FACTOR[engine]) + beside
    return workers * (3 * card.weights.size_bytes + per_pixel * grid.largest_area())


def _row_bytes(grid: Grid, scale: int, pixel_bytes: int, flight: int, prepare_reach: int) -> int:
    row = grid.width * pixel_bytes
    core_rows = min(grid.core_height, grid.height)
    area_rows = max(core_rows + 2 * grid.halo, grid.minimum)
    lr_rows = min(area_rows + 2 * prepare_reach, grid.height)
    lr, sr = lr_rows * row, core_rows * scale * scale * row
    # The reader's own copy while a band is put together, and the SR band the consumer still holds.
    preparing = lr_rows * grid.width * PREPARE_BYTES_PER_PIXEL if prepare_reach else 0
    return flight * (lr + sr) + lr + sr + preparing
