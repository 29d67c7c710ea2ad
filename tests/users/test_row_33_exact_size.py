"""Row 33: exact target sizes; the last step is antialiased. Rounding: tests/unit/pipelines/."""

import numpy as np
import pytest

from pictures import read_picture, write_picture


@pytest.mark.parametrize(
    ("options", "size"),
    [
        (("--scale", "1.25"), (113, 75)),
        (("--width", "135"), (135, 90)),
        (("--height", "100"), (150, 100)),
        (("--width", "170", "--height", "61"), (170, 61)),
        (("--width", "170", "--height", "90", "--fit"), (135, 90)),
        (("--width", "120", "--height", "900", "--fit"), (120, 80)),
    ],
)
def test_the_output_has_exactly_that_size(command, picture, options, size):
    shown = command("upscale", picture, "-o", "out.png", *options, "--json")
    assert tuple(shown.document["output_size"]) == size
    assert read_picture(picture.with_name("out.png")).shape[1::-1] == size


def test_fine_lines_do_not_alias(command, tmp_path):
    y, x = np.mgrid[:120, :160]
    rings = 127 + 100 * np.sin(np.hypot(x - 80, y - 60) ** 2 / 60)
    write_picture(tmp_path / "in.png", rings.astype(np.uint8)[..., None])
    command("upscale", "in.png", "-o", "direct.png", "--scale", "1.1")
    command("upscale", "in.png", "-o", "twice.png")
    direct, twice = (read_picture(tmp_path / f"{name}.png") for name in ("direct", "twice"))
    # Taking every n-th sample instead keeps contrast that the size cannot hold.
    step = np.round((np.arange(direct.shape[0]) + 0.5) * 240 / direct.shape[0] - 0.5).astype(int)
    across = np.round((np.arange(direct.shape[1]) + 0.5) * 320 / direct.shape[1] - 0.5).astype(int)
    picked = twice[step][:, across]
    corner = np.s_[:40, :40]
    assert direct[corner].std() < picked[corner].std()
    assert abs(direct.mean() - twice.mean()) < 0.5
