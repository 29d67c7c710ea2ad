"""Measurements as data: results/NAME.csv, one row per measurement, and results/machines.csv.

A row is known by what was measured and on what (KEY): measuring again replaces it. Machine facts
stand once in machines.csv; a row names them by their key.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from foveate.atomic import write_bytes
from foveate.bench.compare import Timing
from foveate.bench.machine import commit, machine_facts, machine_key, today
from foveate.errors import InputError

KEY = ("what", "model", "engine", "lane", "set", "size", "scale", "protocol", "threads")


@dataclass(frozen=True, kw_only=True)
class Measurement:
    """One measurement; what does not apply keeps its default and stays empty in the file.

    Attributes:
        what: the quantity: "psnr_y", "time", "speed", "peak_memory", "parameters".
        model: model id, or the name of a peer.
        engine: engine and version.
        lane: how windows were treated.
        set: image set.
        size: LR size, "960x540".
        scale: SR/LR size ratio.
        protocol: what else must be known to measure it again.
        threads: CPU threads.
        value: the measurement; the median where it was repeated.
        unit: of value, min, max and iqr: "dB", "ms", "MP/s", "bytes"; "" for plain numbers.
        n: pictures or rounds.
        min: the least of the rounds.
        max: the largest of the rounds.
        iqr: the distance between the quartiles of the rounds.
        baseline: name of what it was compared with in the same run.
        ratio: value divided by the baseline's.
        weights_sha256: first 12 digits, of the weights.
        set_sha256: first 12 digits, of the image set.
    """

    what: str
    model: str
    engine: str = ""
    lane: str = ""
    set: str = ""
    size: str = ""
    scale: int | None = None
    protocol: str = ""
    threads: int | None = None
    value: float
    unit: str = ""
    n: int | None = None
    min: float | None = None
    max: float | None = None
    iqr: float | None = None
    baseline: str = ""
    ratio: float | None = None
    weights_sha256: str = ""
    set_sha256: str = ""


COLUMNS = (*(field.name for field in fields(Measurement)), "machine", "commit", "date")


def timed(timing: Timing, baseline: str, **facts: Any) -> Measurement:  # noqa: ANN401 - fields of Measurement
    """The row of one way that `compare` timed: median, spread, and ratio to the baseline."""
    return Measurement(
        value=timing.median_ms,
        unit="ms",
        n=timing.rounds,
        min=timing.min_ms,
        max=timing.max_ms,
        iqr=timing.iqr_ms,
        baseline=baseline,
        ratio=timing.ratio,
        **facts,
    )


def record(path: Path, measurements: Iterable[Measurement]) -> None:
    """Puts measurements made on this machine into a results file, and the machine beside it.

    Args:
        path: results/NAME.csv; made when missing. Rows with the same KEY are replaced.
        measurements: what was measured just now.

    Raises:
        InputError: the file is there but cannot be read as results.
        OutputError: it cannot be written.
    """
    facts = machine_facts()
    key = machine_key(facts)
    origin = {"machine": key, "commit": commit(), "date": today()}
    rows = {_key(row): row for row in read_results(path)} if path.exists() else {}
    for measurement in measurements:
        row = {name: _text(getattr(measurement, name)) for name in COLUMNS[:-3]} | origin
        rows[_key(row)] = row
    _write(path, COLUMNS, [rows[key] for key in sorted(rows)])
    machines = path.parent / "machines.csv"
    known = {row["key"]: row for row in _read(machines)} if machines.exists() else {}
    known[key] = {"key": key} | facts
    _write(machines, ("key", *facts), [known[key] for key in sorted(known)])


def read_results(path: Path) -> list[dict[str, str]]:
    """The rows of one results file, each a text by column name.

    Raises:
        InputError: missing, unreadable, or its columns are not those of results.
    """
    rows = _read(path)
    if rows and tuple(rows[0]) != COLUMNS:
        raise InputError(f"cannot read {path}", "its columns are not those of results")
    return rows


def _key(row: Mapping[str, str]) -> tuple[str, ...]:
    return tuple(row[name] for name in KEY)


def _text(value: str | float | None) -> str:
    """Six significant digits; whole numbers in full."""
    if isinstance(value, float) and not value.is_integer():
        return f"{value:.6g}"
    return "" if value is None else f"{value:.0f}" if isinstance(value, float) else str(value)


def _read(path: Path) -> list[dict[str, str]]:
    try:
        return list(csv.DictReader(io.StringIO(path.read_text("utf-8"))))
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"cannot read {path}", str(error)) from error


def _write(path: Path, columns: Iterable[str], rows: Iterable[Mapping[str, str]]) -> None:
    text = io.StringIO()
    writer = csv.DictWriter(text, list(columns), restval="", lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    path.parent.mkdir(parents=True, exist_ok=True)
    write_bytes(path, text.getvalue().encode(), overwrite=True)
