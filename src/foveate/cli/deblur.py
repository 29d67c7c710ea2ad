"""`foveate deblur`."""

from __future__ import annotations

import json
from typing import Any

import click

from foveate.cli.deblur_options import DEBLUR_OPTIONS, make_deblur_options
from foveate.cli.file_options import FILE_OPTIONS, OUTPUT, VOICE_OPTIONS, add_options
from foveate.cli.progress import Progress, progress_option
from foveate.errors import UsageError

_OPTIONS = [
    OUTPUT,
    *DEBLUR_OPTIONS,
    click.option("--model", help="Model id or card path [default: the one that ships]."),
    *FILE_OPTIONS,
    click.option(
        "--strength",
        default=1.0,
        show_default=True,
        help="Share of the change; 0 only looks, and gives a copy.",
    ),
    click.option(
        "--name",
        default="{stem}_deblurred{ext}",
        show_default=True,
        help="Name of the result without -o; also {model} {width} {height}.",
    ),
    *VOICE_OPTIONS,
]


@click.command(name="deblur")
@click.argument("input", metavar="INPUT")
@add_options(_OPTIONS)
@progress_option
@click.pass_obj
def command(voice: Progress, /, **values: Any) -> None:  # noqa: ANN401 - click passes every option by name
    """Restore what is motion-blurred in INPUT (a picture file, or - for standard input).

    What is sharp is not touched: its samples come out as they went in, bit for bit. Where nothing
    is blurred the result is a copy of the file.

    \b
    Examples:
      foveate deblur photo.jpg -o photo.png                 lossless: only what was blurred differs
      foveate deblur photo.png --mask car.png               restores what the mask marks
      foveate deblur photo.png --save-map map.png --save-windows stages
      foveate deblur photo.png --strength 0 --save-map map.png   only looks; the result is a copy
    """
    from foveate.cli.streams import open_destination, read_source

    voice.item = values["input"]
    if values["output"] == "-" and values["as_json"]:
        raise UsageError("--json and -o - both want standard output", "", "drop one of them")
    options = make_deblur_options(values, strength=values["strength"], name=values["name"])
    destination = open_destination(values["output"])
    source = read_source(values["input"], "deblur")
    from foveate.pipelines.deblur import deblur_file

    report = deblur_file(source, destination, options, voice)
    if values["as_json"]:
        click.echo(json.dumps(report.as_dict()))
    elif values["output"] != "-":
        voice.say(
            f"{report.output}: {report.blurred_share:.1%} blurred, {report.changed_share:.1%}"
            f" changed, {report.windows_computed} of {report.windows} windows computed,"
            f" {report.seconds['total']:.2f} s"
        )
