"""`foveate upscale`."""

from __future__ import annotations

import json
from typing import Any

import click

from foveate.cli.progress import Progress, progress_option
from foveate.cli.upscale_options import make_options, upscale_options
from foveate.errors import UsageError


@click.command(name="upscale")
@click.argument("input", metavar="INPUT")
@upscale_options
@progress_option
@click.pass_obj
def command(voice: Progress, /, **values: Any) -> None:  # noqa: ANN401 - click passes every option by name
    """Enlarge INPUT (a picture file, or - for standard input).

    The result is verified before it takes its name. The input is never changed, unless it is what
    --overwrite is told to replace.

    \b
    Examples:
      foveate upscale photo.jpg                             photo_x2.jpg beside it
      foveate upscale photo.jpg --scale 4 -o big.png
      foveate upscale scan.tif --width 6000 --memory 512MiB
      foveate upscale texture.png --wrap x,y
      foveate upscale old.jpg --strength 0.7 --progress json
      cat photo.jpg | foveate upscale - -o - > big.jpg
    """
    from foveate.cli.streams import open_destination, read_source

    voice.item = values["input"]
    if values["output"] == "-" and values["as_json"]:
        raise UsageError("--json and -o - both want standard output", "", "drop one of them")
    options = make_options(values)
    destination = open_destination(values["output"])
    source = read_source(values["input"])
    from foveate.pipelines.image import upscale_file

    report = upscale_file(source, destination, options, voice)
    if values["as_json"]:
        click.echo(json.dumps(report.as_dict()))
    elif values["output"] != "-":
        width, height = report.output_size
        how, seconds = report.model or "plain resize", report.seconds["total"]
        voice.say(f"{report.output}: {width} x {height}, {how}, {seconds:.2f} s")
