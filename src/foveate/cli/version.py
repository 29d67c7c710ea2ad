"""Which foveate this is."""

from __future__ import annotations

import click


def foveate_version() -> str:
    """The installed version; a source tree that was not installed has none."""
    from importlib import metadata

    try:
        return metadata.version("foveate")
    except metadata.PackageNotFoundError:
        return "from source, not installed"


def show_version(context: click.Context, _parameter: click.Parameter, value: bool) -> None:
    """Click's way to answer --version before anything else is looked at."""
    if value:
        click.echo(f"foveate {foveate_version()}")
        context.exit()
