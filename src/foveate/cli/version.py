"""Which foveate this is."""

from __future__ import annotations

import click


def foveate_version() -> str:
    """The installed version; a source tree that was not installed has none."""
    from importlib import metadata  # noqa: PLC0415 - `foveate --help` does without

    try:
        return metadata.version("foveate")
    except metadata.PackageNotFoundError:
        return "from source, not installed"


def show_version(context: click.Context, parameter: click.Parameter, value: bool) -> None:  # noqa: ARG001 - click's way to call
    """Click's way to answer --version before anything else is looked at."""
    if value:
        click.echo(f"foveate {foveate_version()}")
        context.exit()
