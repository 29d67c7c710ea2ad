"""`foveate plan`."""

from __future__ import annotations

import json
from typing import Any

import click

from foveate.cli.upscale_options import make_options, upscale_options


@click.command(name="plan")
@click.argument("input", metavar="INPUT")
@upscale_options
def command(**values: Any) -> None:  # noqa: ANN401 - click passes every option by name
    r"""Show what `foveate upscale` would do with INPUT and the same options, touching no pixels.

    \b
    Examples:
      foveate plan photo.jpg
      foveate plan photo.jpg --scale 4 --memory 256MiB --json
    """
    from foveate.cli.streams import open_destination, read_source  # noqa: PLC0415 - --help loads click only
    from foveate.plan.memory import format_memory  # noqa: PLC0415

    options = make_options(values)
    source, destination = read_source(values["input"]), open_destination(values["output"])
    from foveate.pipelines.prepare import prepare_job  # noqa: PLC0415

    plan = prepare_job(source, destination, options).as_dict()
    if values["as_json"]:
        click.echo(json.dumps(plan))
        return
    memory = plan["memory"]
    parts = ", ".join(f"{k} {format_memory(v)}" for k, v in memory.items() if k != "total")
    rows = {
        "input": f"{plan['input']}, {plan['input_size'][0]} x {plan['input_size'][1]}",
        "output": f"{plan['output']}, {plan['output_size'][0]} x {plan['output_size'][1]}, {plan['format']}",
        "model": plan["model"],
        "engine": plan["engine"],
        "windows": f"{plan['windows']} of up to {plan['grid']['core_width']} x {plan['grid']['core_height']}"
        f" pixels and a halo of {plan['grid']['halo']}, {plan['workers']} at a time",
        "memory": f"{format_memory(memory['total'])} of {format_memory(plan['memory_limit'])}: {parts}",
    }
    if plan["seconds"] is not None:
        rows["time"] = f"about {plan['seconds']:.1f} s of network"
    for note in plan["warnings"]:
        click.echo(f"note: {note}", err=True)
    for name, text in rows.items():
        click.echo(f"{name:8} {text}")
