"""The group itself: help, unknown words, and what starting costs."""

import os
import re
import subprocess
import sys
import time

import pytest

from command import Command, child, command_of
from foveate.cli.main import COMMANDS

HEAVY = ("numpy", "pyvips", "onnxruntime", "openvino", "torch", "msgspec")


@pytest.mark.parametrize("name", COMMANDS)
def test_help_of_each_command_shows_examples_on_lines_of_their_own(command: Command, name: str):
    shown = command(name, "--help")
    assert (shown.code, shown.err) == (0, "")
    assert shown.out.startswith(f"Usage: foveate {name} ")
    assert "\\b" not in shown.out
    assert re.search(rf"^ +(foveate|torchrun .* foveate) {name}\b", shown.out, re.MULTILINE)


def test_help_lists_every_command(command: Command):
    shown = command("--help")
    assert (shown.code, shown.err) == (0, "")
    assert all(f"  {name} " in shown.out for name in COMMANDS)


def test_without_words_help_is_shown_and_it_is_a_usage_error(command: Command):
    shown = command()
    assert (shown.code, shown.out) == (2, "")
    assert shown.err.startswith("Usage: foveate ")


def test_version_is_one_line(command: Command):
    shown = command("--version")
    assert (shown.code, shown.err) == (0, "")
    assert re.fullmatch(r"foveate \S.*\n", shown.out)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["upscal"], "no command 'upscal'; hint: did you mean upscale?"),
        (["upscale", "--scal", "2"], "no such option '--scal'; hint: did you mean --scale?"),
        (["--bogus"], "no such option '--bogus'; hint: see foveate --help"),
        (["upscale"], "missing argument 'INPUT'; hint: see foveate upscale --help"),
        (
            ["models", "more"],
            "got unexpected extra argument (more); hint: see foveate models --help",
        ),
        (
            ["upscale", "a.png", "--scale", "two"],
            "invalid value for '--scale': 'two' is not a valid float"
            "; hint: see foveate upscale --help",
        ),
        (["bench"], "missing option '--model'; hint: see foveate bench --help"),
    ],
)
def test_a_wrong_word_is_one_line_with_a_way_out(command, arguments, message):
    shown = command(*arguments)
    assert (shown.code, shown.out, shown.err) == (2, "", f"error: {message}\n")


def test_unknown_command_lists_all_where_none_is_near(command: Command):
    shown = command("frobnicate")
    assert shown.err == f"error: no command 'frobnicate'; hint: commands: {', '.join(COMMANDS)}\n"


def test_help_loads_nothing_heavy():
    code = (
        "import sys; from foveate.cli.main import run; run(['--help']);"
        f"print([m for m in {HEAVY} if m in sys.modules], file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stderr == "[]\n"


def test_help_is_quick():
    seconds = []
    for _ in range(5):
        started = time.perf_counter()
        subprocess.run(command_of("--help"), stdout=subprocess.DEVNULL, check=True)
        seconds.append(time.perf_counter() - started)
    print(f"foveate --help: {min(seconds) * 1000:.0f} ms at best")
    assert min(seconds) < 0.4  # promised: 0.2 s; a test machine is busy


def test_a_bug_of_ours_says_so(command: Command, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("foveate.models.store.list_cards", lambda **_: 1 / 0)
    shown = command("models", "--json")
    assert shown.code == 1
    assert shown.err == (
        "error: ZeroDivisionError: division by zero"
        "; hint: this is a bug in foveate: run again with --debug and report what it prints\n"
    )
    assert shown.document["code"] == 1
    assert "Traceback" in command("models", "--debug").err


def test_closed_standard_output_is_no_crash():
    closed = {"capture_output": False, "preexec_fn": lambda: os.close(1)}
    done = child("models", "--json", stderr=subprocess.PIPE, **closed)
    assert (done.returncode, done.stderr) == (0, b"")


def test_a_reader_that_leaves_early_is_no_error():
    words = " ".join(f"'{word}'" for word in command_of("models", "--json"))
    done = subprocess.run(
        ["bash", "-c", f"{words} | true; echo ${{PIPESTATUS[0]}}"], capture_output=True, check=True
    )
    assert (done.stdout, done.stderr) == (b"0\n", b"")
