"""Ctrl-C and other signals in the middle of a run: the right code, quickly, nothing left behind."""

import json
import os
import signal
import subprocess
import time
from pathlib import Path

import numpy as np
import pytest

from command import command_of
from pictures import photo, write_picture

LONG = 1440  # pixels a side: 2 s or more on one thread


@pytest.fixture(scope="module")
def long_picture(tmp_path_factory: pytest.TempPathFactory) -> Path:
    pixels = np.tile(photo(240, 240), (LONG // 240, LONG // 240, 1))
    return write_picture(tmp_path_factory.mktemp("long") / "long.png", pixels)


def start(picture: Path, *options: str) -> subprocess.Popen[bytes]:
    """A run that is past its first window."""
    words = command_of("upscale", picture, "--threads", "1", "--progress", "json", *options)
    run = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert run.stderr
    while b'"progress"' not in (line := run.stderr.readline()):
        assert line, "the run ended before its first window"
    return run


@pytest.mark.parametrize(
    ("number", "code", "word", "suffix"),
    [
        (signal.SIGINT, 130, "interrupted", "png"),
        (signal.SIGTERM, 143, "terminated", "png"),
        (signal.SIGHUP, 129, "terminated", "png"),
        (signal.SIGINT, 130, "interrupted", "webp"),
        (signal.SIGINT, 130, "interrupted", "avif"),
    ],
)
def test_a_signal_ends_the_run_and_leaves_nothing(long_picture, number, code, word, suffix):
    run = start(long_picture, "-o", str(long_picture.with_name(f"out.{suffix}")), "--json")
    sent = time.perf_counter()
    run.send_signal(number)
    out, err = run.communicate(timeout=30)
    seconds = time.perf_counter() - sent
    print(f"{word}, {suffix}: ended after {seconds:.2f} s")
    assert run.returncode == code
    assert {path.name for path in long_picture.parent.iterdir()} == {"long.png"}
    message = f"{word}; nothing was left behind"
    assert json.loads(out) == {"type": "error", "code": code, "message": message}
    last = [json.loads(line) for line in err.splitlines()][-2:]
    assert last == [
        {"type": "error", "item": str(long_picture), "message": message},
        {"type": "end", "code": code},
    ]
    assert seconds < 3  # promised: 1 s; a test machine is busy


def test_an_impatient_second_signal_does_not_stop_the_tidying(long_picture: Path):
    run = start(long_picture)
    for _ in range(5):
        run.send_signal(signal.SIGINT)
        time.sleep(0.01)
    run.communicate(timeout=30)
    assert run.returncode == 130
    assert {path.name for path in long_picture.parent.iterdir()} == {"long.png"}


def test_a_killed_run_leaves_nothing(long_picture: Path):
    try:
        os.close(os.open(long_picture.parent, os.O_RDWR | os.O_TMPFILE))
    except OSError:
        pytest.skip("the file system of the temporary folder has no files without a name")
    run = start(long_picture)
    run.kill()
    run.communicate(timeout=30)
    assert run.returncode == -signal.SIGKILL
    assert {path.name for path in long_picture.parent.iterdir()} == {"long.png"}


def test_an_interrupted_stream_gets_no_half_picture(long_picture: Path):
    run = start(long_picture, "-o", "-")
    run.send_signal(signal.SIGINT)
    out, _ = run.communicate(timeout=30)
    assert (run.returncode, out) == (130, b"")


def test_a_listener_that_leaves_does_not_end_the_run(long_picture: Path):
    output = long_picture.with_name("heard.jpg")
    run = start(long_picture, "-o", str(output))
    assert run.stderr
    run.stderr.close()
    assert run.wait(timeout=60) == 0
    assert run.stdout
    run.stdout.close()
    assert output.stat().st_size > 0
    output.unlink()
