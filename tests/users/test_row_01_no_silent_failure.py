"""Row 1: success is never reported for a missing, black, grey or truncated result.

Engines that go wrong, full disks and inputs that die: tests/fault/test_run_fails.py.
"""

import numpy as np
import pytest

from foveate.media.resample import imresize
from pictures import photo, read_picture, write_picture


@pytest.mark.parametrize("suffix", ["png", "jpg", "webp", "tif", "avif"])
def test_what_is_reported_is_there_whole_and_bright_as_the_input(command, picture, suffix):
    shown = command("upscale", picture, "-o", f"out.{suffix}", "--json")
    assert shown.code == 0
    report = shown.document
    out = read_picture(picture.with_name(report["output"]))
    assert list(out.shape[1::-1]) == report["output_size"] == [180, 120]
    plain = imresize(photo(60, 90), 120, 180)
    assert np.abs(out.mean((0, 1)) - plain.mean((0, 1))).max() < 2
    assert np.abs(out.astype(float) - plain).mean() < 12  # the same picture, not another


def test_the_output_is_checked_before_it_gets_its_name(command, picture, monkeypatch):
    def verify(*_, **_more):
        assert not picture.with_name("out.png").exists()
        raise RuntimeError("verification ran")

    monkeypatch.setattr("foveate.media.writer.verify", verify)
    assert "verification ran" in command("upscale", picture, "-o", "out.png").err
    assert [path.name for path in picture.parent.iterdir()] == ["photo.png"]


def test_code_0_means_a_file_and_another_code_means_none(command, tmp_path):
    for name, height in (("good.png", 20), ("bad.png", 300)):
        write_picture(tmp_path / name, photo(height, 20))
    whole = (tmp_path / "bad.png").read_bytes()
    (tmp_path / "bad.png").write_bytes(whole[: len(whole) // 2])
    codes = {name: command("upscale", f"{name}.png").code for name in ("good", "bad")}
    assert codes == {"good": 0, "bad": 3}
    assert (tmp_path / "good_x2.png").exists()
    assert not (tmp_path / "bad_x2.png").exists()
