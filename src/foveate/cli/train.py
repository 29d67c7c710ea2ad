"""`foveate train`: words around foveate.train.loop."""

from __future__ import annotations

from pathlib import Path

import click

from foveate.cli.progress import debug_option
from foveate.cli.torch_extra import need_torch


@click.command(name="train")
@click.argument("recipe", type=click.Path(path_type=Path))
@click.option("--out", required=True, type=click.Path(path_type=Path), help="Folder of this run.")
@click.option("--minutes", type=float, help="Stop, resumable, after this long.")
@click.option("--resume", is_flag=True, help="Go on with the run in --out.")
@click.option(
    "--set",
    "overrides",
    multiple=True,
    metavar="KEY=VALUE",
    help="Lay one setting over the recipe.",
)
@click.option("--threads", type=click.IntRange(1), help="Threads for PyTorch [default: all cores].")
@debug_option
def command(
    *,
    recipe: Path,
    out: Path,
    minutes: float | None,
    resume: bool,
    overrides: tuple[str, ...],
    threads: int | None,
) -> None:
    """Train a network from RECIPE (a TOML file), on one process or under torchrun.

    \b
    Examples:
      foveate train recipes/rt4ksr_x2.bicubic.toml --out runs/x2 --set 'data.folders=["photos"]'
      foveate train recipes/rt4ksr_x2.bicubic.toml --out runs/x2 --resume --minutes 60
      torchrun --nproc-per-node 2 -m foveate train RECIPE.toml --out runs/x2
    """
    need_torch("train")
    import torch

    from foveate.train.loop import train
    from foveate.train.recipe import read_recipe

    if threads:
        torch.set_num_threads(threads)
    path = train(
        read_recipe(recipe, overrides),
        out,
        minutes=minutes,
        resume=resume,
        tell=lambda line: click.echo(line, err=True),
    )
    click.echo(path)
