"""`foveate export`: a training checkpoint becomes a model."""

from __future__ import annotations

from pathlib import Path

import click

from foveate.cli.progress import debug_option
from foveate.cli.torch_extra import need_torch


@click.command(name="export")
@click.argument("checkpoint", type=click.Path(path_type=Path))
@click.option("--id", "model_id", required=True, help="The model's id, such as rt4ksr_x2.photo.")
@click.option("--into", type=click.Path(path_type=Path), help="Folder [default: your own models].")
@click.option("--summary", default="", help="One sentence for people, kept on the card.")
@click.option("--recipe", default="", help="The recipe's name, kept on the card.")
@click.option("--data", default="", help="The training data and its licences, kept on the card.")
@click.option("--halo", type=int, help="Context around each core, in a window of one size.")
@debug_option
def command(
    *,
    checkpoint: Path,
    model_id: str,
    into: Path | None,
    summary: str,
    recipe: str,
    data: str,
    halo: int | None,
) -> None:
    """Make a model (ID.onnx or ID.zip, and its card ID.toml) of CHECKPOINT's averaged weights.

    \b
    Example:
      foveate export runs/x2/checkpoint.pt --id my_x2.photo
      foveate upscale photo.jpg --model my_x2.photo
    """
    need_torch("export")
    from foveate.models.store import own_folder
    from foveate.train.export.model import export_checkpoint

    path = export_checkpoint(
        checkpoint,
        model_id,
        into or own_folder(),
        summary=summary,
        recipe=recipe,
        data=data,
        halo=halo,
    )
    click.echo(path)
