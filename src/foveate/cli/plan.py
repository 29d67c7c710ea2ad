"""`foveate plan`."""

from __future__ import annotations

import json
from typing import Any

import click
from click.core import ParameterSource

from foveate.cli.file_options import file_values
from foveate.cli.upscale_options import make_options, upscale_options
from foveate.errors import UsageError

GIVEN = ParameterSource.COMMANDLINE
UPSCALE_ONLY = ("scale", "width", "height", "fit", "quality", "wrap")


@click.command(name="plan")
@click.argument("input", metavar="INPUT")
@upscale_options
@click.pass_context
def command(context: click.Context, /, **values: Any) -> None:  # noqa: ANN401 - click passes every option by name
    """Show what `foveate upscale` would do with INPUT and the same options, touching no pixels.

    Beside it stands what each --quality that ships would take: time, and peak memory. With --model
    of a deblurring model it shows what `foveate deblur` would do.

    The time is that of the network on an idle machine. Its speed is measured when it is first asked
    for, in a fraction of a second (in a few for deblurring), and remembered in the user's cache
    folder.

    \b
    Examples:
      foveate plan photo.jpg
      foveate plan photo.jpg --scale 4 --memory 256MiB --json
      foveate plan photo.jpg --model lmdvit.local
    """
    from foveate.models.store import find_model

    deblurs = values["model"] is not None and find_model(values["model"]).card.task == "deblur"
    plan = _plan_deblur(context, values) if deblurs else _plan_upscale(values)
    if values["as_json"]:
        click.echo(json.dumps(plan))
        return
    for note in plan["warnings"]:
        click.echo(f"note: {note}", err=True)
    for name, text in _as_words(plan).items():
        click.echo(f"{name:8} {text}")
    for choice in plan.get("choices", ()):
        click.echo(f"choice   {_choice_in_words(choice)}")


def _plan_upscale(values: dict[str, Any]) -> dict[str, Any]:
    from foveate.cli.streams import open_destination, read_source

    options = make_options(values)
    source, destination = read_source(values["input"]), open_destination(values["output"])
    from foveate.pipelines.choices import weigh_choices
    from foveate.pipelines.prepare import prepare_job

    job = prepare_job(source, destination, options, only_plan=True)
    return job.as_dict() | {"choices": [choice.as_dict() for choice in weigh_choices(job)]}


def _plan_deblur(context: click.Context, values: dict[str, Any]) -> dict[str, Any]:
    from foveate.cli.streams import open_destination, read_source

    given = {name for name in values if context.get_parameter_source(name) is GIVEN}
    if lost := [f"--{name}" for name in UPSCALE_ONLY if name in given]:
        raise UsageError(
            f"{', '.join(lost)} with --model {values['model']}",
            "it deblurs, and keeps the size",
            "drop one of them",
        )
    more = {"name": values["name"]} if "name" in given else {}
    from foveate.pipelines.deblur_options import DeblurOptions

    options = DeblurOptions(**file_values(values), strength=values["strength"], **more)
    source, destination = read_source(values["input"]), open_destination(values["output"])
    from foveate.pipelines.deblur_costs import plan_of
    from foveate.pipelines.deblur_prepare import prepare_deblur

    return plan_of(prepare_deblur(source, destination, options, only_plan=True))


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
        if "look_macs" in plan:
            words["cost"] += f" if all is blurred, {plan['look_macs'] / 1e9:.1f} billion if nothing"
    total, limit = format_memory(memory["total"]), format_memory(plan["memory_limit"])
    words["memory"] = f"at most {total} of {limit}: {parts}"
    if plan["seconds"] is not None:
        words["time"] = f"about {_rounded(plan['seconds'])} s of network"
        if plan.get("look_seconds") is not None:
            words["time"] += f" if all is blurred, {_rounded(plan['look_seconds'])} s if nothing"
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
