"""`foveate upscale`."""

from __future__ import annotations

import json
from typing import Any

import click

from foveate.cli.upscale_options import make_options, upscale_options


@click.command(name="upscale")
@click.argument("input", metavar="INPUT")
@upscale_options
@click.option(
    "--progress",
    type=click.Choice(["auto", "json", "none"]),
    default="auto",
    show_default=True,
    help="On stderr: a bar on a terminal, typed JSON lines, or nothing.",
)
def command(**values: Any) -> None:  # noqa: ANN401 - click passes every option by name
    r"""Enlarge INPUT (a picture file, or - for standard input).

    The input is never changed; the result is verified before it takes its name.

    \b
    Examples:
      foveate upscale photo.jpg                             photo_x2.jpg beside it
      foveate upscale photo.jpg --scale 4 -o big.png
      foveate upscale scan.tif --width 6000 --memory 512MiB
      foveate upscale texture.png --wrap x,y --strength 0.7
      cat photo.jpg | foveate upscale - -o - > big.jpg
    """
    from foveate.cli.progress import Progress  # noqa: PLC0415 - --help loads click only
    from foveate.cli.streams import open_destination, read_source  # noqa: PLC0415
    from foveate.errors import UsageError  # noqa: PLC0415

    if values["output"] == "-" and values["as_json"]:
        raise UsageError("--json and -o - both want standard output", "", "drop one of them")
    options = make_options(values)
    source = read_source(values["input"])
    destination = open_destination(values["output"])
    from foveate.pipelines.image import upscale_file  # noqa: PLC0415

    progress = Progress(values["progress"])
    try:
        report = upscale_file(source, destination, options, progress)
    finally:
        progress.clear()
    if values["as_json"]:
        click.echo(json.dumps(report.as_dict()))
    elif values["output"] != "-":
        width, height = report.output_size
        seconds = report.seconds["total"]
        click.echo(f"{report.output}: {width} x {height}, {report.model}, {seconds:.2f} s", err=True)
