"""The options of deblurring alone, which `deblur` and `restore` share."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from foveate.cli.file_options import file_values

if TYPE_CHECKING:
    from foveate.pipelines.deblur_options import DeblurOptions

DEBLUR_OPTIONS = [
    click.option(
        "--threshold",
        type=float,
        help="Probability of blur from which on a window is restored; a mask decides without it."
        "  [default: 0.5]",
    ),
    click.option("--mask", metavar="MASK.png", help="Restore what is above 0 in it, nothing else."),
    click.option("--save-map", metavar="MAP.png", help="Draw the probability of blur."),
    click.option("--save-windows", metavar="DIR", help="Draw what each stage computed."),
]


def make_deblur_options(values: dict[str, Any], **more: Any) -> DeblurOptions:  # noqa: ANN401 - any option
    """The typed options; raises UsageError for values that mean nothing."""
    from foveate.pipelines.deblur_options import DeblurOptions

    return DeblurOptions(
        **file_values(values) | more,
        threshold=0.5 if values["threshold"] is None else values["threshold"],
        mask=values["mask"],
        save_map=values["save_map"],
        save_windows=values["save_windows"],
    )
