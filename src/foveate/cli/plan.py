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
    """Show what `foveate upscale` would do with INPUT and the same options, touching no pixels.

    Beside it stands what each --quality that ships would take: time, and peak memory.

    The time is that of the network on an idle machine. Its speed is measured when it is first asked
    for, in a fraction of a second, and remembered in the user's cache folder.

    \b
    Examples:
      foveate plan photo.jpg
      foveate plan photo.jpg --scale 4 --memory 256MiB --json
    """
    from foveate.cli.streams import open_destination, read_source

    options = make_options(values)
    source, destination = read_source(values["input"]), open_destination(values["output"])
    from foveate.pipelines.choices import weigh_choices
    from foveate.pipelines.prepare import prepare_job

    job = prepare_job(source, destination, options, only_plan=True)
    plan = job.as_dict() | {"choices": [choice.as_dict() for choice in weigh_choices(job)]}
    if values["as_json"]:
        click.echo(json.dumps(plan))
        return
    for note in plan["warnings"]:
        click.echo(f"note: {note}", err=True)
    for name, text in _as_words(plan).items():
        click.echo(f"{name:8} {text}")
    for choice in plan["choices"]:
        click.echo(f"choice   {_choice_in_words(choice)}")


def _as_words(plan: dict[str, Any]) -> dict[str, str]:
    from foveate.plan.memory import format_memory

    memory, grid = plan["memory"], plan["grid"]
    parts = ", ".join(f"{k} {format_memory(v)}" for k, v in memory.items() if k != "total")
    words = {
        "input": f"{plan['input']}, {_size(plan['input_size'])}",
        "output": f"{plan['output']}, {_size(plan['output_size'])}, {plan['format']}",
        "model": plan["model"] or "none: a plain resize",
    }
    if plan["windows"]:
        words["engine"] = plan["engine"]
        words["windows"] = (
            f"{plan['windows']} of up to {grid['core_width']} x {grid['core_height']} pixels"
            f" and a halo of {grid['halo']}, {plan['workers']} at a time"
        )
        words["cost"] = f"{plan['macs'] / 1e9:.1f} billion multiply-adds"
    total, limit = format_memory(memory["total"]), format_memory(plan["memory_limit"])
    words["memory"] = f"at most {total} of {limit}: {parts}"
    if plan["seconds"] is not None:
        words["time"] = f"about {_rounded(plan['seconds'])} s of network"
    return words


def _choice_in_words(choice: dict[str, Any]) -> str:
    from foveate.plan.memory import format_memory

    facts = []
    if choice["seconds"] is not None:
        facts.append(f"about {_rounded(choice['seconds'])} s")
    if choice["memory_bytes"] is not None:
        facts.append(f"at most {format_memory(choice['memory_bytes'])}")
    words = "; ".join(filter(None, [", ".join(facts), choice["problem"]]))
    mark = " (chosen)" if choice["chosen"] else ""
    return f"{choice['lane'] or '--model'}: {choice['model']}, {words}{mark}"


def _rounded(seconds: float) -> str:
    return f"{seconds:.{2 if seconds < 10 else 0}f}"


def _size(size: list[int]) -> str:
    return f"{size[0]} x {size[1]}"
