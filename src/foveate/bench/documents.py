"""The command behind `scripts/tables`: renews or checks tables and plots of README.md and docs/."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from foveate.atomic import write_bytes
from foveate.bench.plots import draw_plot, find_stale_plots
from foveate.bench.tables import renew_tables
from foveate.errors import FoveateError
from foveate.models.card import Card
from foveate.models.store import list_cards


def find_stale(root: Path) -> dict[Path, str]:
    """The documents of a checkout whose tables are stale, each with the text it should have.

    Raises:
        InputError: a marker is malformed, or what it names cannot be read.
        ModelError: a shipped card cannot be read.
    """
    cards, stale = _shipped_cards(), {}
    for path in [root / "README.md", *sorted((root / "docs").glob("*.md"))]:
        if path.exists():
            text = path.read_text("utf-8")
            renewed = renew_tables(text, root / "results", cards, path.name)
            if renewed != text:
                stale[path] = renewed
    return stale


def _shipped_cards() -> list[Card]:
    return [entry.card for entry in list_cards() if entry.where == "shipped"]


def main() -> int:
    """Checks or writes; the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--root", type=Path, required=True)
    parser.add_argument("--check", action="store_true", help="change nothing, fail when stale")
    asked = parser.parse_args()
    try:
        stale = find_stale(asked.root)
        for path, text in stale.items():
            if asked.check:
                sys.stderr.write(f"{path}: a table is stale; hint: run scripts/tables\n")
            else:
                write_bytes(path, text.encode(), overwrite=True)
        plots = list(find_stale_plots(asked.root, _shipped_cards()))
        for path, points in plots:
            if asked.check:
                sys.stderr.write(f"{path}: the plot is stale; hint: run scripts/tables\n")
            else:
                draw_plot(path, points)
    except FoveateError as error:
        sys.stderr.write(f"error: {error}\n")
        return error.exit_code
    return 1 if (stale or plots) and asked.check else 0


if __name__ == "__main__":
    sys.exit(main())
