"""The plots of the documents, drawn from results: docs/NAME.png, for every NAME a document shows.

A plot holds the digest of the points it was drawn from, so a stale one is told without drawing.
"""

from __future__ import annotations

import hashlib
import json
import struct
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from foveate.bench.attention_memory import BY_SQUARE, ORIGINAL
from foveate.bench.results import read_results
from foveate.errors import InputError, UsageError
from foveate.models.card import Card

if TYPE_CHECKING:
    from matplotlib.axes import Axes

PNG = b"\x89PNG\r\n\x1a\n"
KEYWORD = "Points"  # of the text chunk that holds the digest
Points = dict[str, Any]


def memory_points(results: Path, _cards: Sequence[Card]) -> Points:
    """MiB of attention by window, for each way: {lane: [(side, MiB), ...]}."""
    rows = [
        row
        for row in read_results(results / "attention_memory.csv")
        if row["what"] == "attention_memory" and row["protocol"] == "inference"
    ]
    lanes: Points = {}
    for row in sorted(rows, key=lambda row: int(row["size"].partition("x")[0])):
        side = int(row["size"].partition("x")[0])
        lanes.setdefault(row["lane"], []).append([side, float(row["value"])])
    return lanes


def draw_memory(points: Points, axes: Axes) -> None:
    """Lines over the side of the window, MiB on a logarithmic axis."""
    for lane, line in sorted(points.items(), key=lambda item: -item[1][-1][1]):
        style, before = "o-", []
        if lane == BY_SQUARE:  # goes on where the measured line ends
            style, before = "o--", points.get(ORIGINAL, [])[-1:]
        axes.semilogy(*zip(*before, *line, strict=True), style, label=lane, markersize=4)
    axes.set(xlabel="side of the window, LR pixels", ylabel="memory of the attention, MiB")
    axes.legend(frameon=False)


def quality_time_points(results: Path, cards: Sequence[Card]) -> Points:
    """{name: [seconds, PSNR-Y]} of what is timed in one run, without models that do not ship."""
    shipped = {card.id for card in cards}
    rows = read_results(results / "quality_time.csv")
    known = {(row["model"], row["what"]): row for row in rows}
    points = {}
    for (name, what), row in known.items():
        psnr = known.get((name, "psnr_y"))
        if what == "time" and psnr and (name in shipped or not row["weights_sha256"]):
            points[name] = [float(row["value"]) / 1e3, float(psnr["value"])]
    return points


def draw_quality_time(points: Points, axes: Axes) -> None:
    """Names beside their points, seconds on a logarithmic axis."""
    for name, (seconds, psnr) in points.items():
        ours = "_x2" in name
        axes.semilogx(seconds, psnr, "o", color="tab:blue" if ours else "tab:grey")
        place = {"xytext": (0, 7), "ha": "center"} if ours else {"xytext": (7, -4)}
        axes.annotate(name, (seconds, psnr), textcoords="offset points", **place)
    axes.margins(x=0.2, y=0.15)
    axes.set(
        xlabel="seconds for a photo of one megapixel, twice as large", ylabel="PSNR-Y on BSD100, dB"
    )


Make = Callable[[Path, Sequence[Card]], Points]
PLOTS: dict[str, tuple[Make, Callable[[Points, Axes], None]]] = {
    "esrt_memory": (memory_points, draw_memory),
    "quality_time": (quality_time_points, draw_quality_time),
}


def find_stale_plots(root: Path, cards: Sequence[Card]) -> Iterator[tuple[Path, Points]]:
    """The plots that a document of the checkout shows and that are missing or stale.

    Args:
        root: the checkout.
        cards: the shipped cards.

    Yields:
        The plot's path, and the points it should show.

    Raises:
        InputError: its results cannot be read.
    """
    documents = [root / "README.md", *(root / "docs").glob("*.md")]
    text = "".join(path.read_text("utf-8") for path in documents if path.exists())
    for name, (make, _) in PLOTS.items():
        if f"{name}.png)" in text:
            path, points = root / "docs" / f"{name}.png", make(root / "results", cards)
            if read_digest(path) != digest_of(points):
                yield path, points


def draw_plot(path: Path, points: Points) -> None:
    """Draws docs/NAME.png.

    Raises:
        UsageError: matplotlib is not installed.
    """
    try:
        from matplotlib import figure as figures  # noqa: PLC0415 - the extra 'train' has it
    except ImportError as error:
        what = f"cannot draw {path}"
        raise UsageError(what, "matplotlib is absent", "pip install 'foveate[train]'") from error
    figure = figures.Figure(figsize=(7, 4), layout="constrained")
    axes = figure.subplots()
    axes.grid(visible=True, alpha=0.3)
    PLOTS[path.stem][1](points, axes)
    figure.savefig(path, dpi=110, metadata={KEYWORD: digest_of(points), "Software": None})


def digest_of(points: Points) -> str:
    """SHA-256 of the points."""
    return hashlib.sha256(json.dumps(points, sort_keys=True).encode()).hexdigest()


def read_digest(path: Path) -> str:
    """The digest that a plot holds, "" where it is missing or holds none.

    Raises:
        InputError: it is not a PNG file.
    """
    if not path.exists():
        return ""
    data, at = path.read_bytes(), len(PNG)
    try:
        if not data.startswith(PNG):
            raise InputError(f"cannot read {path}", "it is not a PNG file")
        while at < len(data):
            length, kind = struct.unpack(">I4s", data[at : at + 8])
            keyword, _, text = data[at + 8 : at + 8 + length].partition(b"\0")
            if (kind, keyword) == (b"tEXt", KEYWORD.encode()):
                return text.decode("ascii")
            at += length + 12
    except (struct.error, UnicodeDecodeError) as error:
        raise InputError(f"cannot read {path}", "it is a damaged PNG file") from error
    return ""
