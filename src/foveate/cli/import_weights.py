"""`foveate import-weights`: the authors' file becomes a model."""

from __future__ import annotations

from pathlib import Path

import click

from foveate.cli.progress import debug_option
from foveate.cli.torch_extra import need_torch


@click.command(name="import-weights")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--family", required=True, help="The network: rt4ksr, esrt or lmdvit.")
@click.option("--id", "model_id", required=True, help="The id to give the model.")
@click.option("--into", type=click.Path(path_type=Path), help="Folder [default: your own models].")
@debug_option
def command(
    file: Path,
    family: str,
    model_id: str,
    into: Path | None,
) -> None:
    """Make a model of the authors' weight FILE, read without running any code from it.

    \b
    Example:
      foveate import-weights rt4ksr_x2.pth --family rt4ksr --id official_x2
      foveate upscale photo.jpg --model official_x2
    """
    need_torch("import-weights")
    from foveate.models.store import own_folder
    from foveate.train.export.model import export_official

    click.echo(export_official(file, family, model_id, into or own_folder()))
