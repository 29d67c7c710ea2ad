"""`foveate evaluate`."""

from __future__ import annotations

import json
import math
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from foveate.bench.evaluate import Row


@click.command(name="evaluate")
@click.option("--model", required=True, help="Model id, or path of a card.")
@click.option(
    "--data", "data_dir", required=True, type=click.Path(path_type=Path), help="DIR/HR/NAME.png ..."
)
@click.option("--limit", type=int, help="Only the first pictures by name.")
@click.option("--degrade", default="", metavar="jpeg:q=75", help="Compress LR first.")
@click.option("--engine", default="auto", show_default=True, help="auto, onnxruntime or openvino.")
@click.option("--threads", type=int, help="Windows computed at once [default: all cores].")
@click.option("--pictures", is_flag=True, help="Also every picture's rows.")
@click.option("--json", "as_json", is_flag=True, help="One JSON document on standard output.")
@click.option("--debug", is_flag=True, help="Show a traceback on errors.")
def command(
    *,
    model: str,
    data_dir: Path,
    limit: int | None,
    degrade: str,
    engine: str,
    threads: int | None,
    pictures: bool,
    as_json: bool,
    debug: bool,  # noqa: ARG001 - read by main.py
) -> None:
    """Measure PSNR-Y and SSIM-Y of a model, windows included, with bicubic beside it.

    DIR holds HR/NAME.png and LR_bicubic/X{s}/NAMEx{s}.png; missing LR is made by the same bicubic.
    A picture that equals its HR in luma has an infinite PSNR, and so has a mean with it: in JSON,
    which has no infinity, psnr_y is null then and psnr_y_infinite is true.

    \b
    Examples:
      foveate evaluate --model rt4ksr_x2.bicubic --data Set5
      foveate evaluate --model rt4ksr_x2.photo --data BSD100 --degrade jpeg:q=75 --json
    """  # noqa: D301 - \b keeps click from joining the lines
    from foveate.bench.evaluate import evaluate  # noqa: PLC0415 - --help loads click only
    from foveate.pipelines.pixels import OpenModel  # noqa: PLC0415 - as above

    with OpenModel(model, engine=engine, threads=threads) as opened:
        report = evaluate(
            opened.card.id,
            opened.upscale,
            opened.card.scale,
            data_dir,
            limit=limit,
            degrade=degrade,
        )
    rows = [*report.rows, *(report.pictures if pictures else ())]
    if as_json:
        document = {
            "set": report.set,
            "scale": report.scale,
            "protocol": report.protocol,
            "rows": [_as_json(row) for row in rows],
        }
        click.echo(json.dumps(document, allow_nan=False))
        return
    click.echo(f"{report.set} x{report.scale}: {report.protocol}", err=True)
    for row in rows:
        click.echo(f"{row.name:32} {row.images:4d}  {row.psnr_y:7.3f} dB  {row.ssim_y:.4f}")


def _as_json(row: Row) -> dict[str, Any]:
    infinite = math.isinf(row.psnr_y)
    fields = asdict(row) | {"psnr_y_infinite": infinite}
    return fields | {"psnr_y": None} if infinite else fields
