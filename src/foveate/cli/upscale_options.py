"""The options that `upscale` and `plan` share, and their way into UpscaleOptions."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from foveate.pipelines.options import UpscaleOptions

Command = TypeVar("Command", bound=Callable[..., Any])

_OPTIONS = [
    click.option(
        "-o", "--output", help="Result; its suffix chooses the format. - is standard output."
    ),
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
    click.option("--memory", help="Peak memory of the whole process, such as 512MiB."),
    click.option("--threads", type=int, help="Windows computed at once [default: all cores]."),
    click.option(
        "--device", type=click.Choice(["cpu", "cuda", "auto"]), default="cpu", show_default=True
    ),
    click.option(
        "--engine",
        type=click.Choice(["auto", "onnxruntime", "openvino"]),
        default="auto",
        show_default=True,
    ),
    click.option("--max-pixels", type=int, help="Refuse larger inputs before decoding."),
    click.option("--overwrite", is_flag=True, help="Replace an existing output."),
    click.option("--output-quality", type=int, help="1 to 100, for JPEG, WebP and AVIF."),
    click.option("--bit-depth", type=int, help="Bits per sample of the result: 8, 10, 12 or 16."),
    click.option("--strip-metadata", is_flag=True, help="Leave EXIF, XMP and IPTC out."),
    click.option(
        "--strength", default=1.0, show_default=True, help="0 is a plain resize, 1 the network."
    ),
    click.option("--wrap", default="", metavar="x,y", help="Axes along which the picture tiles."),
    click.option("--first-frame", is_flag=True, help="Take the first frame of an animation."),
    click.option(
        "--name",
        default="{stem}_x{scale}{ext}",
        show_default=True,
        help="Name of the result without -o; also {model} {width} {height}.",
    ),
    click.option("--json", "as_json", is_flag=True, help="One JSON document on standard output."),
    click.option("--debug", is_flag=True, help="Show a traceback on errors."),
]


def upscale_options(command: Command) -> Command:
    """Adds the shared options to a command, in the order above."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


def make_options(values: dict[str, Any]) -> UpscaleOptions:
    """The typed options; raises UsageError for values that mean nothing."""
    from foveate.pipelines.options import UpscaleOptions  # noqa: PLC0415 - --help loads click only
    from foveate.plan.memory import parse_memory  # noqa: PLC0415 - as above

    return UpscaleOptions(
        scale=values["scale"],
        width=values["width"],
        height=values["height"],
        fit=values["fit"],
        lane=values["quality"],
        model=values["model"],
        memory_bytes=None if values["memory"] is None else parse_memory(values["memory"]),
        threads=values["threads"],
        device=values["device"],
        engine=values["engine"],
        max_pixels=values["max_pixels"],
        overwrite=values["overwrite"],
        quality=values["output_quality"],
        bit_depth=values["bit_depth"],
        strip_metadata=values["strip_metadata"],
        strength=values["strength"],
        wrap=values["wrap"],
        first_frame=values["first_frame"],
        name=values["name"],
    )
