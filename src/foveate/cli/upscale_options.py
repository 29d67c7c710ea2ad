"""The options that `upscale` and `plan` share, and their way into UpscaleOptions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from foveate.cli.file_options import (
    FILE_OPTIONS,
    OUTPUT,
    VOICE_OPTIONS,
    add_options,
    file_values,
)

if TYPE_CHECKING:
    from foveate.pipelines.options import UpscaleOptions

_OPTIONS = [
    OUTPUT,
    click.option("--scale", default=2.0, show_default=True, help="2, 3, 4, or a fraction between."),
    click.option("--width", type=int, help="Exact width in pixels."),
    click.option("--height", type=int, help="Exact height in pixels."),
    click.option(
        "--fit", is_flag=True, help="Largest size inside --width x --height, in proportion."
    ),
    click.option(
        "--quality",
        type=click.Choice(["fast", "balanced", "best"]),
        help="Which model of the scale, by its time [default: fast].",
    ),
    click.option("--model", help="Model id or card path; it wins over --quality."),
    *FILE_OPTIONS,
    click.option(
        "--strength", default=1.0, show_default=True, help="0 is a plain resize, 1 the network."
    ),
    click.option("--wrap", default="", metavar="x,y", help="Axes along which the picture tiles."),
    click.option(
        "--name",
        default="{stem}_x{scale}{ext}",
        show_default=True,
        help="Name of the result without -o; also {model} {width} {height}.",
    ),
    *VOICE_OPTIONS,
]
upscale_options = add_options(_OPTIONS)  # in the order above


def make_options(values: dict[str, Any]) -> UpscaleOptions:
    """The typed options; raises UsageError for values that mean nothing."""
    from foveate.pipelines.options import UpscaleOptions

    return UpscaleOptions(
        **file_values(values),
        scale=values["scale"],
        width=values["width"],
        height=values["height"],
        fit=values["fit"],
        lane=values["quality"],
        strength=values["strength"],
        wrap=values["wrap"],
        name=values["name"],
    )
