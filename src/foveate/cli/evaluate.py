"""`foveate evaluate`."""

from __future__ import annotations

import json
import math
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from foveate.cli.file_options import SELF_ENSEMBLE
from foveate.cli.progress import debug_option
from foveate.errors import UsageError

if TYPE_CHECKING:
    from foveate.bench.evaluate import Row


@click.command(name="evaluate")
@click.option("--model", required=True, help="Model id, or path of a card.")
@click.option(
    "--data",
    "data_dir",
    required=True,
    type=click.Path(path_type=Path),
    help="DIR/HR/NAME.png ..., or blur/, sharp/ and mask/ for deblurring.",
)
@click.option("--limit", type=int, help="Only the first pictures by name.")
@click.option("--degrade", default="", metavar="jpeg:q=75", help="Compress LR first.")
@click.option("--engine", default="auto", show_default=True, help="auto, onnxruntime or openvino.")
@click.option("--threads", type=int, help="Windows computed at once [default: all cores].")
@SELF_ENSEMBLE
@click.option("--pictures", is_flag=True, help="Also every picture's rows.")
@click.option("--json", "as_json", is_flag=True, help="One JSON document on standard output.")
@debug_option
def command(
    *,
    model: str,
    data_dir: Path,
    limit: int | None,
    degrade: str,
    engine: str,
    threads: int | None,
    self_ensemble: int,
    pictures: bool,
    as_json: bool,
) -> None:
    """Measure PSNR-Y and SSIM-Y of a model, windows included, with bicubic beside it.

    DIR holds HR/NAME.png and LR_bicubic/X{s}/NAMEx{s}.png; missing LR is made by the same bicubic.
    A picture that equals its HR in luma has an infinite PSNR, and so has a mean with it: in JSON,
    which has no infinity, psnr_y is null then and psnr_y_infinite is true.

    Of a deblurring model, DIR holds blur/NAME, sharp/NAME and mask/NAME. Measured are PSNR, SSIM
    and PSNR of the mask's pixels, beside those of the blurry pictures, the share of attention
    windows restored, and their precision and recall against the mask's.

    \b
    Examples:
      foveate evaluate --model rt4ksr_x2.bicubic --data Set5
      foveate evaluate --model rt4ksr_x2.photo --data BSD100 --degrade jpeg:q=75 --json
    """
    from foveate.models.store import find_model

    how: dict[str, Any] = {"engine": engine, "threads": threads, "self_ensemble": self_ensemble}
    if find_model(model).card.task == "deblur":
        if degrade:
            raise UsageError(
                "cannot use --degrade", "a deblurring model takes pictures as they are"
            )
        _evaluate_deblur(model, data_dir, limit, how, pictures=pictures, as_json=as_json)
        return
    from foveate.bench.evaluate import evaluate
    from foveate.pipelines.pixels import OpenModel

    with OpenModel(model, **how) as opened:
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


def _evaluate_deblur(
    model: str,
    data_dir: Path,
    limit: int | None,
    options: dict[str, Any],
    *,
    pictures: bool,
    as_json: bool,
) -> None:
    from foveate.bench.evaluate_deblur import evaluate_deblur
    from foveate.pipelines.deblur_pixels import deblur

    report = evaluate_deblur(
        model, lambda blurry, _: deblur(blurry, model=model, **options), data_dir, limit=limit
    )
    rows = [*report.rows, *(report.pictures if pictures else ())]
    if as_json:
        # JSON has no infinity and no NaN: both are null.
        plain = [
            {k: v if isinstance(v, str) or math.isfinite(v) else None for k, v in asdict(r).items()}
            for r in rows
        ]
        click.echo(json.dumps({"set": report.set, "protocol": report.protocol, "rows": plain}))
        return
    click.echo(f"{report.set}: {report.protocol}", err=True)
    for row in rows:
        click.echo(
            f"{row.name:32} {row.images:4d}  {row.psnr:7.3f} dB  {row.ssim:.4f}"
            f"  {row.psnr_w:7.3f} dB in the mask  {row.kept:6.1%} kept"
            f"  precision {row.precision:.3f}  recall {row.recall:.3f}"
        )
