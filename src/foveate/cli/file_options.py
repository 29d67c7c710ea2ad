"""The options of every command that makes one picture file of another."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import click

from foveate.cli.progress import debug_option

Command = TypeVar("Command", bound=Callable[..., Any])

OUTPUT = click.option(
    "-o", "--output", help="Result; its suffix chooses the format. - is standard output."
)
SELF_ENSEMBLE = click.option(
    "--self-ensemble",
    type=click.Choice([1, 2, 4]),
    default=1,
    show_default=True,
    help="Runs per window, on mirror images, too: a little better, and as many times as long.",
)
FILE_OPTIONS = [
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
    SELF_ENSEMBLE,
    click.option("--max-pixels", type=int, help="Refuse larger inputs before decoding."),
    click.option("--overwrite", is_flag=True, help="Replace an existing output."),
    click.option("--output-quality", type=int, help="1 to 100, for JPEG, WebP and AVIF."),
    click.option("--bit-depth", type=int, help="Bits per sample of the result: 8, 10, 12 or 16."),
    click.option("--strip-metadata", is_flag=True, help="Leave EXIF, XMP and IPTC out."),
    click.option("--first-frame", is_flag=True, help="Take the first frame of an animation."),
]
VOICE_OPTIONS = [
    click.option("--json", "as_json", is_flag=True, help="One JSON document on standard output."),
    debug_option,
]


def add_options(options: list[Callable[[Command], Command]]) -> Callable[[Command], Command]:
    """A decorator that adds options to a command, in this order."""

    def add(command: Command) -> Command:
        for option in reversed(options):
            command = option(command)
        return command

    return add


def file_values(values: dict[str, Any]) -> dict[str, Any]:
    """What click gave for FILE_OPTIONS and --model, by the names of FileOptions.

    Raises:
        UsageError: --memory is not a size.
    """
    from foveate.plan.memory import parse_memory

    names = (
        "model", "threads", "device", "engine", "max_pixels", "overwrite", "bit_depth",
        "strip_metadata", "first_frame", "self_ensemble",
    )  # fmt: skip
    chosen = {name: values[name] for name in names}
    chosen["quality"] = values["output_quality"]
    chosen["memory_bytes"] = None if values["memory"] is None else parse_memory(values["memory"])
    return chosen
