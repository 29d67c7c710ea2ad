"""Row 23: 16 bit in, 16 bit out, with no 8-bit step between."""

import numpy as np
import pytest

from pictures import header, read_picture, write_picture


@pytest.mark.parametrize(
    ("suffix", "bands", "options"),
    [
        ("png", 1, ()),
        ("png", 3, ()),
        ("tif", 4, ()),
        ("tif", 3, ("--scale", "1.5")),
        ("png", 4, ("--strength", "0.5")),
        ("png", 1, ("--scale", "1.5", "--strength", "0.5")),
    ],
)
def test_a_fine_ramp_stays_fine(command, tmp_path, suffix, bands, options):
    ramp = np.linspace(20_000, 24_000, 64 * 96).reshape(64, 96, 1).repeat(bands, 2)
    if bands == 4:
        ramp[..., 3] = 65535
    write_picture(tmp_path / f"in.{suffix}", ramp.astype(np.uint16))
    assert command("upscale", f"in.{suffix}", "-o", f"out.{suffix}", *options).code == 0
    out = read_picture(tmp_path / f"out.{suffix}")
    assert out.dtype == np.uint16
    # 4000 of 65536 levels are 16 levels in 8 bits.
    assert len(np.unique(out[..., 0])) > 256
    assert abs(out[..., 0].mean() - ramp[..., 0].mean()) < 257 / 2


def test_depth_is_as_asked_and_a_loss_is_told(command, tmp_path):
    write_picture(tmp_path / "in.png", np.full((20, 20, 3), 30_000, np.uint16))
    shown = command("upscale", "in.png", "-o", "out.jpg", "--json")
    assert shown.document["warnings"] == ["16 bits per sample reduced to 8"]
    command("upscale", "in.png", "-o", "eight.png", "--bit-depth", "8")
    assert header(tmp_path / "eight.png").format == "uchar"
    write_picture(tmp_path / "low.png", np.full((20, 20, 3), 100, np.uint8))
    assert command("upscale", "low.png", "--bit-depth", "16").code == 0
    assert abs(int(read_picture(tmp_path / "low_x2.png").mean()) - 100 * 257) <= 257
