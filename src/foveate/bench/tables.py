"""Markdown tables made from cards and results, put between markers in documents.

    <!-- table:NAME [show=COLUMN,COLUMN] [where=COLUMN:TEXT,...] [split=COLUMN] -->
    the table; whatever stands here is replaced
    <!-- /table -->

NAME "models" and "quality" are made from the shipped cards; any other is results/NAME.csv: `show`
picks and orders columns, `where` keeps rows, `split` spreads the values of one column over columns.
Rows stand in the order of results/*.csv, but that 5 comes before 10.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from pathlib import Path

from foveate.bench.results import KEY, read_results
from foveate.errors import InputError
from foveate.models.card import Card

MARKERS = re.compile(
    r"(?P<head><!-- table:(?P<name>[\w.-]+)(?P<options>[^>\n]*?) -->\n)(?P<body>.*?)"
    r"(?P<foot><!-- /table -->)",
    re.DOTALL,
)
MODEL_COLUMNS = ("model", "task", "scale", "made for", "parameters", "MACs per LR pixel", "licence")


def renew_tables(text: str, results: Path, cards: Sequence[Card], where: str) -> str:
    """A document with every marked table made anew.

    Args:
        text: the document.
        results: the folder of results/*.csv.
        cards: the shipped cards.
        where: the document's name, for messages.

    Raises:
        InputError: a marker is not closed, names no results, or has an unknown option or column.
    """
    if text.count("<!-- table:") != len(MARKERS.findall(text)):
        raise InputError(
            f"cannot renew the tables of {where}", "a marker is malformed or not closed"
        )

    def table(found: re.Match[str]) -> str:
        name = found["name"]
        try:
            body = _table(name, _options(found["options"]), results, cards)
        except (KeyError, ValueError) as error:
            raise InputError(f"cannot make table {name} of {where}", str(error)) from error
        return found["head"] + body + found["foot"]

    return MARKERS.sub(table, text)


def format_table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A Markdown table; columns that hold numbers only are aligned right."""
    cells = [[str(cell).replace("|", "\\|") for cell in row] for row in rows]
    numeric = [
        all(re.fullmatch(r"[-+~]?[\d,.]+%?|", row[at]) for row in cells)
        for at in range(len(columns))
    ]
    rules = ["---:" if right else "---" for right in numeric]
    return "".join(f"| {' | '.join(row)} |\n" for row in [list(columns), rules, *cells])


def models_table(cards: Iterable[Card]) -> str:
    """The facts of each card, cheapest first within task and scale."""
    ordered = sorted(cards, key=lambda c: (c.task != "upscale", c.scale, c.macs_per_lr_pixel, c.id))
    return format_table(
        MODEL_COLUMNS,
        [
            (
                f"`{card.id}`",
                card.task,
                f"{card.scale}",
                card.trained_for,
                f"{card.parameters:,}",
                f"{card.macs_per_lr_pixel:,}",
                card.licence,
            )
            for card in ordered
        ],
    )


def quality_table(cards: Iterable[Card]) -> str:
    """PSNR-Y of each card and, in brackets, what it gains over bicubic on the same LR."""
    ordered = sorted(cards, key=lambda c: (c.scale, c.macs_per_lr_pixel, c.id))
    sets = sorted({row.set for card in ordered for row in card.quality}, key=len)
    lines: dict[tuple[str, str], dict[str, str]] = {}
    for card in ordered:
        for row in card.quality:
            jpeg = re.search(r"JPEG quality \d+", row.protocol)
            line = lines.setdefault((f"`{card.id}`", jpeg[0] if jpeg else "clean"), {})
            line[row.set] = f"{row.psnr_y:.2f} ({row.psnr_y - row.bicubic_psnr_y:+.2f})"
    return format_table(
        ("model", "LR", *sets),
        [[*key, *(line.get(name, "") for name in sets)] for key, line in lines.items()],
    )


def _table(name: str, options: dict[str, str], results: Path, cards: Sequence[Card]) -> str:
    if name == "models":
        return models_table(cards)
    if name == "quality":
        return quality_table(cards)
    rows = read_results(results / f"{name}.csv")
    rows.sort(key=lambda row: [_natural(row[column]) for column in KEY])
    for condition in filter(None, options.get("where", "").split(",")):
        column, _, wanted = condition.partition(":")
        rows = [row for row in rows if row[column] == wanted]
    used = [c for c in rows[0] if any(row[c] for row in rows)] if rows else ["what"]
    show = options["show"].split(",") if "show" in options else used
    if "split" in options:
        return _split(rows, show, options["split"])
    return format_table(show, [[row[column] for column in show] for row in rows])


def _natural(text: str) -> list[tuple[int, str]]:
    """Sorts numbers in a text by their size."""
    parts = re.split(r"(\d+)", text)
    return [(int(part), "") if part.isdecimal() else (-1, part) for part in parts if part]


def _split(rows: list[dict[str, str]], show: list[str], split: str) -> str:
    """One row per distinct rest of the columns; the values stand under what `split` says."""
    heads = list(dict.fromkeys(row[split] for row in rows))
    lines: dict[tuple[str, ...], dict[str, str]] = {}
    for row in rows:
        lines.setdefault(tuple(row[column] for column in show), {})[row[split]] = row["value"]
    return format_table(
        [*show, *heads],
        [[*key, *(line.get(head, "") for head in heads)] for key, line in lines.items()],
    )


def _options(text: str) -> dict[str, str]:
    """The options of a marker, `name=value` separated by blanks."""
    options = dict(part.split("=", 1) for part in text.split())
    if unknown := set(options) - {"show", "where", "split"}:
        raise ValueError(f"unknown option {', '.join(sorted(unknown))}")
    return options
