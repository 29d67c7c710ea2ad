"""Row 24: mode in = mode out; palettes are expanded, 1 bit is handled."""

import numpy as np
import pytest
import pyvips

from pictures import header, photo, read_picture, write_picture


@pytest.mark.parametrize("bands", [1, 2, 3, 4])
@pytest.mark.parametrize(
    ("suffix", "dtype"), [("png", "uint8"), ("png", "uint16"), ("tif", "uint16")]
)
def test_channels_and_depth_are_kept(command, tmp_path, suffix, bands, dtype):
    write_picture(tmp_path / f"in.{suffix}", photo(24, 32, bands, dtype))
    assert command("upscale", f"in.{suffix}", "-o", f"out.{suffix}").code == 0
    before, after = header(tmp_path / f"in.{suffix}"), header(tmp_path / f"out.{suffix}")
    assert (after.bands, after.format) == (before.bands, before.format)
    assert after.interpretation == before.interpretation


def test_grey_jpeg_stays_grey(command, tmp_path):
    write_picture(tmp_path / "in.jpg", photo(24, 32, 1))
    assert command("upscale", "in.jpg").code == 0
    assert header(tmp_path / "in_x2.jpg").bands == 1


def test_a_palette_is_expanded(command, tmp_path):
    image = pyvips.Image.new_from_array(photo(60, 80)).copy(interpretation="srgb")
    image.write_to_file(str(tmp_path / "in.png"), palette=True)
    assert command("upscale", "in.png").code == 0
    out = read_picture(tmp_path / "in_x2.png")
    assert out.shape == (120, 160, 3)
    assert not header(tmp_path / "in_x2.png").get_typeof("palette")
    assert np.abs(out.mean((0, 1)) - photo(60, 80).mean((0, 1))).max() < 4


@pytest.mark.parametrize("suffix", ["png", "tif"])
def test_one_bit_becomes_grey(command, tmp_path, suffix):
    pixels = ((photo(60, 80, 1) > 120) * 255).astype(np.uint8)
    image = pyvips.Image.new_from_array(pixels).copy(interpretation="b-w")
    image.write_to_file(str(tmp_path / f"in.{suffix}"), bitdepth=1)
    shown = command("upscale", f"in.{suffix}", "-o", "out.png")
    assert shown.code == 0, shown.err
    out = read_picture(tmp_path / "out.png")
    assert out.shape == (120, 160, 1)
    assert abs(out.mean() - pixels.mean()) < 4
