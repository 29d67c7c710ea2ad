"""Row 38: what a format cannot hold is said before any work, with one that can."""

import time

import numpy as np
import pytest

from pictures import write_picture


@pytest.mark.parametrize(
    ("width", "output", "limit"),
    [
        (8192, "out.webp", "16,383"),
        (16_385, "out.avif", "32,768"),
        (32_768, "out.jpg", "65,535"),
    ],
)
def test_too_many_pixels_per_side(command, tmp_path, width, output, limit):
    write_picture(tmp_path / "wide.png", np.zeros((2, width, 3), np.uint8))
    started = time.perf_counter()
    shown = command("upscale", "wide.png", "-o", output)
    assert time.perf_counter() - started < 1
    assert shown.code == 4
    assert f"it holds at most {limit} pixels per side" in shown.err
    assert ".png" in shown.err.partition("hint: write ")[2]
    assert [path.name for path in tmp_path.iterdir()] == ["wide.png"]


def test_the_largest_size_is_written(command, tmp_path):
    write_picture(tmp_path / "wide.png", np.zeros((2, 8191, 1), np.uint8))
    assert command("upscale", "wide.png", "-o", "out.webp").code == 0
