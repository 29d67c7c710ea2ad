"""The command line's front door: finds the command, maps errors to exit codes and one line each.

Commands are imported when they are asked for; this file loads click and nothing heavier.
"""

from __future__ import annotations

import importlib
import json
import os
import signal
import sys
import traceback
from types import FrameType
from typing import Any, NoReturn

import click

from foveate.errors import FoveateError

COMMANDS = {
    "upscale": "Enlarge a picture by 2, 3 or 4, or to an exact size",
    "plan": "Show what upscale would do, and its cost, touching no pixels",
    "models": "List the models, their quality, cost and licence",
    "doctor": "Show what this machine has and what will be used",
    "evaluate": "Measure a model's quality on a test set",
    "bench": "Measure a model's speed and memory",
    "train": "Train a network from a recipe (needs the extra 'train')",
    "export": "Make a model of a training checkpoint (needs 'train')",
    "import-weights": "Make a model of the authors' weight file (needs 'train')",
}


class LazyGroup(click.Group):
    """A group whose commands live in foveate.cli.NAME, as `command`, imported on use."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        """The commands in the order of the table above."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        """The command, or None."""
        if cmd_name not in COMMANDS:
            return None
        module = importlib.import_module(f"foveate.cli.{cmd_name.replace('-', '_')}")
        command: click.Command = module.command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        """The list, from the table: no command is imported for it."""
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """As click does, but an unknown command names the nearest one."""
        if args and args[0] not in COMMANDS and not args[0].startswith("-"):
            import difflib  # noqa: PLC0415 - only for a typing mistake

            near = difflib.get_close_matches(args[0], COMMANDS, 1)
            hint = f"did you mean {near[0]}?" if near else f"commands: {', '.join(COMMANDS)}"
            raise click.UsageError(f"no command {args[0]!r}; hint: {hint}", ctx)
        return super().resolve_command(ctx, args)


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="foveate", message="foveate %(version)s")
def group() -> None:
    """Restore pictures by spending computation only where the picture needs it.

    \b
    Examples:
      foveate upscale photo.jpg                 writes photo_x2.jpg beside it
      foveate upscale scan.tif --scale 4 -o big.tif --memory 512MiB
      foveate plan photo.jpg --json
    """  # noqa: D301 - \b keeps click from joining the lines


def main() -> NoReturn:
    """Runs the command line and exits with the code that errors.py documents."""
    signal.signal(signal.SIGTERM, _terminate)
    code = run(sys.argv[1:])
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    sys.exit(code)


def run(arguments: list[str]) -> int:
    """Runs one command line; returns its exit code."""
    debug = "--debug" in arguments
    try:
        group.main(arguments, prog_name="foveate", standalone_mode=False)
    except click.exceptions.Exit as leaving:
        return leaving.exit_code
    except click.ClickException as error:
        return _report(error.format_message(), 2, arguments)
    except FoveateError as error:
        if debug:
            traceback.print_exc()
        return _report(str(error), error.exit_code, arguments)
    except (KeyboardInterrupt, click.Abort):
        return _report("interrupted; nothing was left behind", 130, arguments)
    except BrokenPipeError:
        return 0
    except Exception as error:  # noqa: BLE001 - the last line of defence
        if debug:
            traceback.print_exc()
        text = f"{type(error).__name__}: {error}"
        text += "; hint: this is a bug in foveate: run again with --debug and report what it prints"
        return _report(text, 1, arguments)
    return 0


def _report(message: str, code: int, arguments: list[str]) -> int:
    click.echo(f"error: {message}", err=True)
    if "--json" in arguments:
        document: dict[str, Any] = {"type": "error", "code": code, "message": message}
        click.echo(json.dumps(document))
    return code


def _terminate(number: int, frame: FrameType | None) -> NoReturn:  # noqa: ARG001
    raise SystemExit(143)
