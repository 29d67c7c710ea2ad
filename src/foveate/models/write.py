"""Writes a card as TOML text that `read_card` reads back to the same card."""

from __future__ import annotations

import json
from pathlib import Path

import msgspec

from foveate.atomic import write_bytes
from foveate.models.card import Card


def format_card(card: Card) -> str:
    """The card as TOML: plain fields first, then one table per group of facts."""
    fields: dict[str, object] = msgspec.to_builtins(card)
    fields = {name: value for name, value in fields.items() if value is not None}
    lines = [f"{name} = {_value(value)}" for name, value in fields.items() if _is_plain(value)]
    for name, value in fields.items():
        if isinstance(value, dict):
            lines += ["", f"[{name}]", *_pairs(value)]
        elif not _is_plain(value):
            for row in msgspec.convert(value, list[dict[str, object]]):
                lines += ["", f"[[{name}]]", *_pairs(row)]
    return "\n".join(lines) + "\n"


def write_card(card: Card, path: Path) -> None:
    """Writes the card to `path` (NAME.toml, NAME being the card's id), replacing what is there.

    Raises:
        OutputError: the place cannot be written.
    """
    write_bytes(path, format_card(card).encode(), overwrite=True)


def _is_plain(value: object) -> bool:
    return isinstance(value, str | int | float)


def _pairs(table: dict[str, object]) -> list[str]:
    return [f"{name} = {_value(value)}" for name, value in table.items() if value is not None]


def _value(value: object) -> str:
    """One TOML value. A JSON string is a TOML string, but for DEL, which TOML wants escaped."""
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    if isinstance(value, dict):
        return "{" + ", ".join(f"{_value(name)} = {_value(v)}" for name, v in value.items()) + "}"
    return repr(value)
