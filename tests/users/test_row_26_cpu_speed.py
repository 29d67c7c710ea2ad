"""Row 26: all cores at work, the time told. Figures: results/, made by scripts/bench."""

import os
import re

from command import child
from pictures import photo, write_picture


def test_the_time_is_printed_per_file(command, picture):
    assert re.search(r", \d+\.\d\d s\n$", command("upscale", picture).err)


def test_all_cores_are_used_by_default(command, tmp_path):
    source = write_picture(tmp_path / "in.png", photo(600, 1100))
    plan = command("plan", source, "--json").document
    assert plan["workers"] == min(len(os.sched_getaffinity(0)), plan["windows"])
    assert command("plan", source, "--threads", "1", "--json").document["workers"] == 1


def test_one_core_is_enough_and_gets_one_worker(picture):
    core = min(os.sched_getaffinity(0))
    done = child("plan", picture, preexec_fn=lambda: os.sched_setaffinity(0, {core}))
    assert done.returncode == 0
    assert b", 1 at a time" in done.stdout
