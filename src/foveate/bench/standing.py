"""The standing measurements behind `scripts/bench`: quality and speed of each shipped model.

Rows go to results/quality.csv and speed.csv; asked to, quality goes into the cards. `--claims`
measures what the README claims of the default model: command.csv, windows.csv, peers.csv.
"""

from __future__ import annotations

import argparse
import hashlib
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import msgspec

from foveate.bench.command import measure_command
from foveate.bench.evaluate import Report, evaluate
from foveate.bench.peers import measure_peers
from foveate.bench.results import Measurement, record
from foveate.bench.speed import Speed, measure_speed
from foveate.bench.window_loop import measure_window_loop
from foveate.models.card import Card, QualityFacts
from foveate.models.store import Entry, list_cards
from foveate.models.write import write_card
from foveate.pipelines.pixels import OpenModel
from foveate.plan.machine import available_threads

SIZE = (960, 540)
ROUNDS = 10
DEFAULT_MODEL = "rt4ksr_x2.photo"
CORES = ((480, 272), (320, 256), (512, 256), (640, 256), (960, 128), (960, 180), (960, 540))
ENGINES = ("onnxruntime", "openvino")
PHOTO_DEGRADATIONS = ("", "jpeg:q=75", "jpeg:q=50", "jpeg:q=30")


def measure_quality(card_path: Path, sets: list[Path]) -> Iterator[Report]:
    """Reports of one model on every set; models made for photos on compressed LR, too."""
    with OpenModel(card_path) as opened:
        card = opened.card
        for degrade in PHOTO_DEGRADATIONS if card.id.endswith(".photo") else ("",):
            for folder in sets:
                yield evaluate(card.id, opened.upscale, card.scale, folder, degrade=degrade)


def quality_rows(report: Report, set_sha256: str, weights_sha256: str) -> list[Measurement]:
    """Two rows for the model and two for bicubic, which is each one's baseline."""
    rows = []
    for row in report.rows:
        for what, unit in (("psnr_y", "dB"), ("ssim_y", "")):
            rows.append(
                Measurement(
                    what=what,
                    model=row.name,
                    set=report.set,
                    scale=report.scale,
                    protocol=report.protocol,
                    value=getattr(row, what),
                    unit=unit,
                    n=row.images,
                    baseline="bicubic",
                    ratio=getattr(row, what) / getattr(report.rows[1], what),
                    weights_sha256="" if row.name == "bicubic" else weights_sha256[:12],
                    set_sha256=set_sha256[:12],
                )
            )
    return rows


def quality_facts(reports: list[Report]) -> tuple[QualityFacts, ...]:
    """What a card says of these reports."""
    return tuple(
        QualityFacts(
            set=report.set,
            protocol=report.protocol,
            images=model.images,
            psnr_y=round(model.psnr_y, 4),
            ssim_y=round(model.ssim_y, 5),
            bicubic_psnr_y=round(bicubic.psnr_y, 4),
            bicubic_ssim_y=round(bicubic.ssim_y, 5),
        )
        for report in reports
        for model, bicubic in [report.rows]
    )


def speed_rows(speed: Speed, card: Card) -> list[Measurement]:
    """Time, rate and peak memory of one measurement."""
    peak = Measurement(
        what="peak_memory",
        model=speed.model,
        engine=speed.engine,
        size=f"{speed.width}x{speed.height}",
        scale=speed.scale,
        threads=speed.threads,
        value=speed.peak_memory_bytes,
        unit="bytes",
        n=speed.rounds,
        weights_sha256=card.weights.sha256[:12],
    )
    time = replace(peak, what="time", value=speed.median_ms, unit="ms")
    return [
        peak,
        replace(time, min=speed.min_ms, max=speed.max_ms, iqr=speed.iqr_ms),
        replace(peak, what="speed", value=speed.megapixels_per_s, unit="SR MP/s"),
        replace(peak, what="work", value=speed.gflops, unit="GFLOP/s"),
    ]


def set_digest(folder: Path) -> str:
    """SHA-256 over names and contents of the HR files of a set."""
    digest = hashlib.sha256()
    for path in sorted((folder / "HR").glob("*.png")):
        digest.update(path.name.encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()


def main() -> None:
    """Measures what the command line asks for; see scripts/bench."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("models", nargs="*")
    parser.add_argument("--root", type=Path, required=True)
    parser.add_argument("--data", type=Path)
    parser.add_argument("--peers", type=Path, help="folder of OpenCV's graphs")
    for flag in ("--quality", "--speed", "--cards", "--claims"):
        parser.add_argument(flag, action="store_true")
    asked = parser.parse_args()
    data = asked.data or asked.root.parent / "shared" / "data" / "test"
    sets = sorted(folder.parent for folder in data.glob("*/HR"))
    everything = not (asked.quality or asked.speed or asked.claims)
    for entry in list_cards():
        standing = entry.where == "shipped" and entry.card.task == "upscale"
        if entry.card.id in asked.models if asked.models else standing:
            if asked.quality or everything:
                _record_quality(entry, sets, asked.root / "results", into_card=asked.cards)
            if asked.speed or everything:
                _record_speed(entry, asked.root / "results")
    if asked.claims:
        _record_claims(asked.root, asked.models or [DEFAULT_MODEL], asked.peers)


def _record_quality(entry: Entry, sets: list[Path], results: Path, *, into_card: bool) -> None:
    reports = list(measure_quality(entry.path, sets))
    digests = {folder.resolve().name: set_digest(folder) for folder in sets}
    for report in reports:
        rows = quality_rows(report, digests[report.set], entry.card.weights.sha256)
        record(results / "quality.csv", rows)
    if into_card and reports:
        card = msgspec.structs.replace(entry.card, quality=quality_facts(reports))
        write_card(card, entry.path)


def _record_speed(entry: Entry, results: Path) -> None:
    for threads in sorted({1, available_threads()}):
        for engine in ENGINES:
            speed = measure_speed(
                str(entry.path),
                width=SIZE[0],
                height=SIZE[1],
                engine=engine,
                threads=threads,
                rounds=ROUNDS,
            )
            record(results / "speed.csv", speed_rows(speed, entry.card))


def _record_claims(root: Path, models: list[str], peers: Path | None) -> None:
    for model in models:
        entry = next(entry for entry in list_cards() if entry.card.id == model)
        with tempfile.TemporaryDirectory() as folder:
            rows = measure_command(entry.card, root / "examples" / "photo.jpg", Path(folder))
            record(root / "results" / "command.csv", rows)
            for threads in sorted({1, available_threads()}):
                loop = measure_window_loop(entry.path, Path(folder), cores=CORES, threads=threads)
                record(root / "results" / "windows.csv", loop)
        if peers:
            for threads in sorted({1, available_threads()}):
                rows = measure_peers(entry.card, peers, threads=threads)
                record(root / "results" / "peers.csv", rows)


if __name__ == "__main__":
    main()
