"""`foveate bench`."""

from __future__ import annotations

import json
import re
from dataclasses import asdict

import click

from foveate.cli.progress import debug_option
from foveate.errors import UsageError


@click.command(name="bench")
@click.option("--model", required=True, help="Model id, or path of a card.")
@click.option("--size", default="960x540", show_default=True, help="LR size, WIDTHxHEIGHT.")
@click.option("--engine", default="auto", show_default=True, help="auto, onnxruntime or openvino.")
@click.option("--threads", type=int, help="Windows computed at once [default: all cores].")
@click.option("--rounds", type=click.IntRange(1), default=10, show_default=True)
@click.option("--json", "as_json", is_flag=True, help="One JSON document on standard output.")
@debug_option
def command(
    *,
    model: str,
    size: str,
    engine: str,
    threads: int | None,
    rounds: int,
    as_json: bool,
) -> None:
    """Measure a model's speed and peak memory on an array of random pixels, windows included.

    Of a deblurring model: processor time of one area with every attention window kept, a tenth of
    them, and none, and of the coarse look alone; --size and --threads do not apply.

    \b
    Examples:
      foveate bench --model rt4ksr_x2.photo
      foveate bench --model rt4ksr_x2.photo --size 1920x1080 --threads 1 --json
    """
    match = re.fullmatch(r"(\d+)x(\d+)", size)
    if not match:
        raise UsageError(f"cannot read --size {size!r}", "", "write 960x540")
    from foveate.models.store import find_model

    if find_model(model).card.task == "deblur":
        _bench_deblur(model, engine, rounds, as_json=as_json)
        return
    from foveate.bench.speed import measure_speed

    speed = measure_speed(
        model,
        width=int(match[1]),
        height=int(match[2]),
        engine=engine,
        threads=threads,
        rounds=rounds,
    )
    if as_json:
        click.echo(json.dumps(asdict(speed)))
        return
    click.echo(
        f"{speed.model} on {speed.engine}, {speed.threads} threads, {speed.width} x {speed.height}"
        f" to x{speed.scale}, {speed.rounds} rounds\n"
        f"min {speed.min_ms:.0f}, median {speed.median_ms:.0f}, max {speed.max_ms:.0f} ms;"
        f" {speed.megapixels_per_s:.1f} SR MP/s; {speed.gflops:.0f} GFLOP/s;"
        f" peak {speed.peak_memory_bytes / 2**20:.0f} MiB"
    )


def _bench_deblur(model: str, engine: str, rounds: int, *, as_json: bool) -> None:
    from foveate.bench.deblur_speed import measure_deblur_speed

    speed = measure_deblur_speed(model, engine=engine, rounds=rounds)
    if as_json:
        click.echo(json.dumps(asdict(speed)))
        return
    click.echo(
        f"{speed.model} on {speed.engine}, one thread, an area of {speed.side} x {speed.side},"
        f" {speed.rounds} rounds, peak {speed.peak_memory_bytes / 2**20:.0f} MiB"
    )
    for way in speed.ways:
        click.echo(
            f"{way.name:12} min {way.min_ms:.0f}, median {way.median_ms:.0f},"
            f" max {way.max_ms:.0f} ms"
        )
