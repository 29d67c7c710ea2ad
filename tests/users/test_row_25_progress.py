"""Row 25: progress, what remains, and cancelling. Cancel: tests/fault/test_run_interrupted.py."""

import os
import pty
import statistics
import subprocess
import time

import foveate
from command import command_of
from foveate.engine.fake import FakeSession
from foveate.events import Progressed
from pictures import photo, write_picture

WINDOW_S = 0.08


def test_the_estimate_is_right_to_a_quarter_after_the_first_windows(tmp_path, monkeypatch):
    """On an engine of known speed; whole pictures of windows of one size."""

    def slow(sr):
        time.sleep(WINDOW_S * sr.size / (3 * 4 * 500_000 / 4))
        return sr

    def open_sessions(card, _, count, **_options):
        return [FakeSession(card, slow) for _ in range(count)]

    monkeypatch.setattr("foveate.pipelines.image.open_sessions", open_sessions)
    source = write_picture(tmp_path / "in.png", photo(900, 1500))
    events: list[tuple[float, Progressed]] = []

    def listen(event):
        if isinstance(event, Progressed):
            events.append((time.perf_counter(), event))

    foveate.upscale_file(source, None, foveate.UpscaleOptions(threads=1), listen)
    end = events[-1][0]
    known = [(at, event) for at, event in events if event.remaining_s is not None]
    assert events[-1][1].windows >= 8
    assert len(events) - len(known) <= 2  # it is known after two windows at most
    errors = [abs(event.remaining_s / (end - at) - 1) for at, event in known[:-2]]
    # A busy machine may delay any one window; most estimates must hold.
    assert statistics.median(errors) < 0.25, errors
    assert known[-1][1].remaining_s == 0


def on_a_terminal(*arguments, **variables):
    """What the command writes on a terminal, and its exit code."""
    ours, theirs = pty.openpty()
    environment = {**os.environ, "NO_COLOR": "", **variables}
    run = subprocess.Popen(command_of(*arguments), stderr=theirs, stdout=theirs, env=environment)
    os.close(theirs)
    shown = b""
    while True:
        try:
            part = os.read(ours, 4096)
        except OSError:  # Linux says so that the other side is closed
            break
        if not part:
            break
        shown += part
    os.close(ours)
    return shown.decode(), run.wait()


def test_a_bar_with_speed_is_drawn_on_a_terminal_and_taken_away(tmp_path):
    source = write_picture(tmp_path / "in.png", photo(400, 600))
    shown, code = on_a_terminal("upscale", source)
    assert code == 0
    assert "100%" in shown
    assert "MP/s" in shown
    assert "s left" in shown
    assert "\x1b[36m" in shown
    last = shown.rstrip().rsplit("\x1b[K", 1)[1]
    assert last.startswith(str(tmp_path / "in_x2.png"))  # the bar is gone


def test_no_colour_where_it_is_not_wanted(tmp_path):
    source = write_picture(tmp_path / "in.png", photo(100, 100))
    shown, _ = on_a_terminal("upscale", source, NO_COLOR="1")
    assert "100%" in shown
    assert "\x1b[36m" not in shown
    shown, _ = on_a_terminal("upscale", source, "--overwrite", "--progress", "none")
    assert "%" not in shown


def test_a_picture_is_not_poured_onto_a_terminal(picture):
    shown, code = on_a_terminal("upscale", picture, "-o", "-")
    assert code == 2
    assert shown.startswith("error: -o - would fill the terminal")
