"""Row 40: with --wrap the output tiles exactly. Other axes: tests/unit/pipelines/."""

import numpy as np
import pytest

from pictures import read_picture, write_picture

Y, X = np.mgrid[:64, :96]


def texture():
    """A pattern that tiles: whole periods along both axes, and sharp edges."""
    waves = np.sin(X * 2 * np.pi * 3 / 96 + 1) * np.cos(Y * 2 * np.pi * 2 / 64)
    steps = ((X + Y) % 32 < 16) * 60.0
    return np.stack([110 + 60 * waves + steps, 90 + 50 * waves, 60 + steps], -1).astype(np.uint8)


@pytest.mark.parametrize("suffix", ["png", "tif"])
def test_rolling_the_input_rolls_the_output(command, tmp_path, suffix):
    results = []
    for down, across in ((0, 0), (30, 50)):
        write_picture(tmp_path / "in.png", np.roll(texture(), (down, across), (0, 1)))
        done = command("upscale", "in.png", "-o", f"out.{suffix}", "--wrap", "x,y", "--overwrite")
        assert done.code == 0
        out = read_picture(tmp_path / f"out.{suffix}").astype(int)
        results.append(np.roll(out, (-2 * down, -2 * across), (0, 1)))
    assert np.abs(results[0] - results[1]).max() <= 1


def test_without_it_the_edges_do_not_match(command, tmp_path):
    """The test above can fail."""
    results = []
    for down, across in ((0, 0), (30, 50)):
        write_picture(tmp_path / "in.png", np.roll(texture(), (down, across), (0, 1)))
        command("upscale", "in.png", "-o", "out.png", "--overwrite")
        out = read_picture(tmp_path / "out.png").astype(int)
        results.append(np.roll(out, (-2 * down, -2 * across), (0, 1)))
    assert np.abs(results[0] - results[1]).max() > 3
