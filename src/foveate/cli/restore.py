"""`foveate restore`."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import click

from foveate.cli.deblur_options import DEBLUR_OPTIONS, make_deblur_options
from foveate.cli.file_options import add_options
from foveate.cli.progress import Progress, progress_option
from foveate.cli.upscale_options import make_options, upscale_options
from foveate.errors import UsageError

if TYPE_CHECKING:
    from foveate.pipelines.deblur_options import DeblurOptions

_OPTIONS = [
    click.option("--deblur", is_flag=True, help="Restore what is motion-blurred first."),
    click.option("--deblur-model", help="Id or card path of the deblurring model."),
    *DEBLUR_OPTIONS,
]


@click.command(name="restore")
@click.argument("input", metavar="INPUT")
@add_options(_OPTIONS)
@upscale_options
@progress_option
@click.pass_obj
def command(voice: Progress, /, **values: Any) -> None:  # noqa: ANN401 - click passes every option by name
    """Deblur and enlarge INPUT (a picture file, or - for standard input) in one go.

    Without --deblur it is `foveate upscale`. The options of enlarging are the same.

    \b
    Examples:
      foveate restore photo.jpg --deblur --scale 2
      foveate restore photo.jpg --deblur --mask car.png -o big.png --memory 1GiB
    """
    from foveate.cli.streams import open_destination, read_source

    voice.item = values["input"]
    if values["output"] == "-" and values["as_json"]:
        raise UsageError("--json and -o - both want standard output", "", "drop one of them")
    deblur = _deblur_options(values)
    options = make_options(values)
    destination = open_destination(values["output"])
    source = read_source(values["input"], "restore")
    from foveate.pipelines.restore import restore_file

    report = restore_file(source, destination, options, deblur, voice)
    if values["as_json"]:
        click.echo(json.dumps(report.as_dict()))
    elif values["output"] != "-":
        width, height = report.output_size
        part, seconds = report.deblur, report.seconds["total"]
        how = f"{part.changed_share:.1%} deblurred, " if part else ""
        how += report.model or "plain resize"
        voice.say(f"{report.output}: {width} x {height}, {how}, {seconds:.2f} s")


def _deblur_options(values: dict[str, Any]) -> DeblurOptions | None:
    """The options of deblurring, None without --deblur, where they would have no effect."""
    if values["deblur"]:
        return make_deblur_options(values, model=values["deblur_model"])
    words = ("deblur_model", "threshold", "mask", "save_map", "save_windows")
    lost = [f"--{word.replace('_', '-')}" for word in words if values[word] is not None]
    if lost:
        raise UsageError(f"{', '.join(lost)} without --deblur", "", "add --deblur, or drop them")
    return None
