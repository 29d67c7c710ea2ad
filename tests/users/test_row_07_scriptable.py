"""Row 7: everything by the command line, for programs too.

JSON, typed progress and exit codes: tests/cli/. Ctrl-C: tests/fault/test_run_interrupted.py.
"""

import subprocess

import numpy as np

from command import child, command_of
from pictures import photo, read_picture


def test_one_picture_through_a_pipe(picture, tmp_path):
    words = " ".join(f"'{word}'" for word in command_of("upscale", "-", "-o", "-", "--json"))
    assert subprocess.run(["bash", "-c", f"{words} < {picture}"], check=False).returncode == 2
    done = child("upscale", "-", "-o", "-", input=picture.read_bytes())
    assert (done.returncode, done.stderr) == (0, b"")
    (tmp_path / "piped.png").write_bytes(done.stdout)
    assert read_picture(tmp_path / "piped.png").shape == (120, 180, 3)


def test_a_script_can_go_on_by_the_code_alone(picture, tmp_path):
    outcomes = {
        0: ["upscale", picture, "-o", tmp_path / "a.png"],
        2: ["upscale", picture, "--scale", "9"],
        3: ["upscale", tmp_path / "missing.png"],
        4: ["upscale", picture, "-o", tmp_path / "a.png"],
        5: ["upscale", picture, "-o", tmp_path / "b.png", "--memory", "9MiB"],
    }
    assert {code: child(*words).returncode for code, words in outcomes.items()} == {
        code: code for code in outcomes
    }


def test_the_events_of_a_run_go_to_stderr_and_the_document_to_stdout(command, picture):
    shown = command("upscale", picture, "--progress", "json", "--json")
    assert [event["type"] for event in shown.events] == ["start", "progress", "file", "end"]
    assert shown.document["output"] == shown.events[2]["output"]
    assert np.array_equal(read_picture(picture), photo(60, 90))  # the input is as it was
