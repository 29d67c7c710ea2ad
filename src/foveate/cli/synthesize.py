"""`foveate synthesize`: words around foveate.train.blur.synthesis; needs no PyTorch."""

from __future__ import annotations

from pathlib import Path

import click

from foveate.cli.progress import Progress, debug_option, progress_option
from foveate.errors import UsageError

FOLDER = click.Path(path_type=Path)


@click.command(name="synthesize")
@click.option("--photos", required=True, multiple=True, type=FOLDER, help="Folder of photos.")
@click.option(
    "--cutouts", required=True, multiple=True, type=FOLDER, help="Folder of pictures with alpha."
)
@click.option("--out", required=True, type=FOLDER, help="Folder for blur/, sharp/ and mask/.")
@click.option("--count", required=True, type=click.IntRange(1), help="Pairs it shall hold.")
@click.option(
    "--seed", default=0, type=click.IntRange(0), show_default=True, help="Of all choices."
)
@click.option(
    "--size", default=512, type=click.IntRange(32, 2048), show_default=True, help="Side, in pixels."
)
@click.option(
    "--shares",
    nargs=3,
    type=click.FloatRange(0),
    default=(0.7, 0.15, 0.15),
    show_default=True,
    metavar="LOCAL GLOBAL SHARP",
    help="How often an object moves, the camera, nothing.",
)
@click.option(
    "--length",
    nargs=2,
    type=click.FloatRange(1, 200),
    default=(3.0, 40.0),
    show_default=True,
    metavar="MIN MAX",
    help="Of the way during exposure, in pixels.",
)
@click.option(
    "--object-size",
    nargs=2,
    type=click.FloatRange(0.01, 10),
    default=(0.15, 1.2),
    show_default=True,
    metavar="MIN MAX",
    help="Of an object's longer side, as a share of the picture's; cut-outs are not enlarged.",
)
@click.option(
    "--defocus",
    type=click.FloatRange(0, 1),
    default=0.0,
    show_default=True,
    metavar="SHARE",
    help="How often the photo is out of focus, in parts or all over; that is no blur to restore.",
)
@click.option(
    "--held-out",
    type=click.IntRange(1),
    help="Take only what training with so many validation photos lays aside (recipes: 16).",
)
@click.option(
    "--training",
    type=click.IntRange(1),
    help="Take all but that: pairs for training, which validation may follow.",
)
@progress_option
@debug_option
@click.pass_obj
def command(
    voice: Progress,
    /,
    *,
    photos: tuple[Path, ...],
    cutouts: tuple[Path, ...],
    out: Path,
    count: int,
    seed: int,
    size: int,
    shares: tuple[float, float, float],
    length: tuple[float, float],
    object_size: tuple[float, float],
    defocus: float,
    held_out: int | None,
    training: int | None,
) -> None:
    """Make pairs of a blurry and a sharp picture, and the mask of what is blurred.

    Cut-outs move over photos as before an open shutter, or the whole picture moves, or nothing
    does. A seed always gives the same pairs; run again, it goes on where it was stopped.

    \b
    Examples:
      foveate synthesize --photos photos --cutouts cutouts --out pairs --count 1000
      foveate synthesize --photos photos --cutouts cutouts --out test --count 50 --seed 1 --size 256
    """
    from foveate.train.blur.scenes import BlurSettings
    from foveate.train.blur.synthesis import Synthesis, synthesize

    voice.item = str(out)
    problems = {
        "LOCAL GLOBAL SHARP are all 0": not any(shares),
        "MIN is above MAX": length[0] > length[1] or object_size[0] > object_size[1],
    }
    for cause in (cause for cause, holds in problems.items() if holds):
        remedy = "--shares 0.7 0.15 0.15 --length 3 40 --object-size 0.15 1.2"
        raise UsageError("these pairs cannot be made", cause, remedy)
    if held_out and training:
        raise UsageError(
            "--held-out and --training", "each takes what the other leaves", "give one"
        )
    blur = BlurSettings(shares, length, object_size, defocus=defocus)
    settings = Synthesis(seed, size, blur)
    made = synthesize(
        photos, cutouts, out, count, settings,
        validation=held_out or training or 0, held_out=bool(held_out), on_event=voice,
    )  # fmt: skip
    voice.say(f"{out}: {made} pairs made, {count - made} were there")
