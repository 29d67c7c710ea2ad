"""The command line's front door: finds the command, maps errors to exit codes and one line each.

Commands are imported when they are asked for; this file loads click and nothing heavier.
"""

from __future__ import annotations

import contextlib
import importlib
import itertools
import json
import os
import signal
import sys
import traceback
from types import FrameType
from typing import Any, NoReturn

import click

from foveate.cli.progress import STYLES, Progress
from foveate.cli.version import show_version
from foveate.errors import FoveateError, UsageError

COMMANDS = {
    "upscale": "Enlarge a picture by 2, 3 or 4, or to an exact size",
    "deblur": "Restore what is motion-blurred, and touch nothing else",
    "restore": "Deblur and enlarge in one go",
    "plan": "Show what upscale would do, and its cost, touching no pixels",
    "models": "List the models, their quality, cost and licence",
    "doctor": "Show what this machine has and what will be used",
    "evaluate": "Measure a model's quality on a test set",
    "bench": "Measure a model's speed and memory",
    "train": "Train a network from a recipe (needs the extra 'train')",
    "export": "Make a model of a training checkpoint (needs 'train')",
    "import-weights": "Make a model of the authors' weight file (needs 'train')",
    "synthesize": "Make pairs of blurry and sharp pictures to train or measure with",
}


class LazyGroup(click.Group):
    """A group whose commands live in foveate.cli.NAME, as `command`, imported on use."""

    def list_commands(self, _ctx: click.Context) -> list[str]:
        """The commands in the order of the table above."""
        return list(COMMANDS)

    def get_command(self, _ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command, or None."""
        if cmd_name not in COMMANDS:
            return None
        module = importlib.import_module(f"foveate.cli.{cmd_name.replace('-', '_')}")
        command: click.Command = module.command
        return command

    def format_commands(self, _ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The list, from the table: no command is imported for it."""
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """As click does, but an unknown command names the nearest one."""
        if args and args[0] not in COMMANDS and not args[0].startswith("-"):
            import difflib

            near = difflib.get_close_matches(args[0], COMMANDS, 1)
            hint = f"did you mean {near[0]}?" if near else f"commands: {', '.join(COMMANDS)}"
            raise UsageError(f"no command {args[0]!r}", "", hint)
        return super().resolve_command(ctx, args)


class Signalled(KeyboardInterrupt):
    """A signal that ends the run; from Ctrl-C on there is one way out, and it tidies up."""

    def __init__(self, number: int) -> None:
        """Keeps the signal's number."""
        super().__init__()
        self.number = number


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--version",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=show_version,
    help="Show the version and exit.",
)
def group() -> None:
    """Restore pictures by spending computation only where the picture needs it.

    \b
    Examples:
      foveate upscale photo.jpg                 writes photo_x2.jpg beside it
      foveate upscale scan.tif --scale 4 -o big.tif --memory 512MiB
      foveate plan photo.jpg --json
    """


def main() -> NoReturn:
    """Runs the command line and exits with the code that errors.py documents."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) is not signal.SIG_IGN:  # as `nohup` and `&` set it
            signal.signal(number, _leave)
    code = run(sys.argv[1:])
    try:
        if sys.stdout is not None:  # closed by `>&-`
            sys.stdout.flush()
    except OSError:  # told already, if it was more than a reader who has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    sys.exit(code)


def run(arguments: list[str]) -> int:
    """Runs one command line; returns its exit code."""
    voice = Progress(_style(arguments))
    code = _run(arguments, voice)
    voice.end(code)
    return code


def _run(arguments: list[str], voice: Progress) -> int:
    try:
        with group.make_context("foveate", list(arguments), obj=voice) as context:
            group.invoke(context)
    except click.exceptions.Exit as leaving:
        return leaving.exit_code
    except BrokenPipeError:  # the reader of standard output has seen enough
        return 0
    except click.exceptions.NoArgsIsHelpError as error:
        voice.say(error.format_message())
        return UsageError.exit_code
    except (KeyboardInterrupt, Exception) as error:  # noqa: BLE001 - the last line of defence
        return _report(_as_ours(error), arguments, voice)
    return 0


def _report(error: FoveateError, arguments: list[str], voice: Progress) -> int:
    """Tells a failure: one line on stderr, and the document that --json promises."""
    if "--debug" in arguments:
        voice.say(traceback.format_exc())
    voice.fail(str(error))
    if "--json" in arguments:
        document: dict[str, Any] = {
            "type": "error",
            "code": error.exit_code,
            "message": str(error),
        }
        with contextlib.suppress(OSError):  # it may be what failed
            click.echo(json.dumps(document))
    return error.exit_code


def _as_ours(error: BaseException) -> FoveateError:
    if isinstance(error, FoveateError):
        return error
    if isinstance(error, click.ClickException):
        return _as_usage_error(error)
    if isinstance(error, KeyboardInterrupt):
        number = error.number if isinstance(error, Signalled) else signal.SIGINT
        word = "interrupted" if number == signal.SIGINT else "terminated"
        stop = FoveateError(f"{word}; nothing was left behind")
        stop.exit_code = 128 + number
        return stop
    if isinstance(error, OSError) and error.filename is None:  # not of a file: those are told
        from foveate.atomic import output_error

        return output_error(error, "standard output")
    remedy = "this is a bug in foveate: run again with --debug and report what it prints"
    return FoveateError(type(error).__name__, str(error), remedy)


def _as_usage_error(error: click.ClickException) -> UsageError:
    """Click's complaint in our words: one line, no full stop, and where help is."""
    is_made_late = isinstance(error, click.BadParameter)  # else it would name the near ones too
    text = (error.format_message() if is_made_late else error.message).rstrip(".")
    near = getattr(error, "possibilities", None)
    context = getattr(error, "ctx", None)
    remedy = f"see {context.command_path if context else 'foveate'} --help"
    if near:
        remedy = f"did you mean {' or '.join(near)}?"
    return UsageError(text[:1].lower() + text[1:], "", remedy)


def _style(arguments: list[str]) -> str:
    """What --progress asks for, known before click reads it: its mistakes are typed lines too."""
    pairs = set(itertools.pairwise(arguments))
    for style in STYLES:
        if f"--progress={style}" in arguments or ("--progress", style) in pairs:
            return style
    return "auto"


def _leave(number: int, _frame: FrameType | None) -> NoReturn:
    signal.signal(number, signal.SIG_IGN)  # a second Ctrl-C must not stop the tidying
    raise Signalled(number)
