"""`foveate doctor`."""

from __future__ import annotations

import json
import platform
import sys
from importlib import metadata

import click

from foveate.cli.progress import debug_option
from foveate.cli.version import foveate_version

EXTRAS = {"heic": "pillow-heif", "openvino": "openvino", "train": "torch"}


@click.command(name="doctor")
@click.option("--json", "as_json", is_flag=True, help="One JSON document on standard output.")
@debug_option
def command(as_json: bool) -> None:
    """Show what this machine has, what is missing, and what foveate will use.

    \b
    Examples:
      foveate doctor
      foveate doctor --json
    """
    facts = gather()
    if as_json:
        click.echo(json.dumps(facts))
        return
    for name, value in facts.items():
        lines = value if isinstance(value, list) else [value]
        for i, line in enumerate(lines):
            click.echo(f"{name if i == 0 else '':12} {line}")


def gather() -> dict[str, str | list[str]]:
    """The facts, as words; a broken part is told, not raised."""
    from foveate.engine.open import available_engines
    from foveate.media.vips import decoder_versions
    from foveate.models.store import find_model, list_cards
    from foveate.plan.machine import (
        available_memory,
        available_threads,
        default_memory,
    )
    from foveate.plan.memory import format_memory

    engines, broken = [], []
    for engine in available_engines():
        here = f"{engine.version}, {' and '.join(engine.devices)}" if engine.version else ""
        engines.append(f"{engine.name}: {here or engine.missing}")
    models = []
    for entry in list_cards(on_broken=lambda error: broken.append(str(error))):
        try:
            find_model(entry.path)
            models.append(f"{entry.card.id} ({entry.where}, verified)")
        except Exception as error:  # noqa: BLE001 - doctor tells everything it finds
            broken.append(str(error))
    return {
        "foveate": foveate_version(),
        "python": f"{platform.python_version()} ({sys.executable})",
        "system": f"{platform.system()} {platform.release()} {platform.machine()}",
        "cores": f"{available_threads()} will be used",
        "memory": f"{format_memory(available_memory())} free,"
        f" {format_memory(default_memory())} by default",
        "pictures": decoder_versions(),
        "engines": engines,
        "extras": [f"{name}: {_version(package)}" for name, package in EXTRAS.items()],
        "models": models,
        "own models": _own_models(),
        "problems": broken or ["none"],
    }


def _own_models() -> str:
    from foveate.errors import UsageError
    from foveate.models.store import own_folder

    try:
        return str(own_folder())
    except UsageError as error:
        return str(error)


def _version(package: str) -> str:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return f"not installed ({package})"
