"""Row 20: no tint. The output shrunk is the input, and grey stays grey exactly."""

import numpy as np
import pytest

from foveate.media.reader import read_pixels
from foveate.media.resample import imresize
from pictures import photo, read_picture, write_picture

Y, X = np.mgrid[:96, :128]
SCENES = {
    "photo": photo(96, 128),
    "warm": photo(96, 128) * (1.0, 0.8, 0.5),
    "dark": photo(96, 128) // 8,
    "gradient": np.stack([X * 2 % 256, Y * 2, 255 - X * 2 % 256], -1),
}


@pytest.mark.parametrize("name", SCENES)
def test_shrunk_again_each_channel_is_the_input_s(command, tmp_path, name):
    pixels = SCENES[name].astype(np.uint8)
    source = write_picture(tmp_path / "in.png", pixels)
    assert command("upscale", source).code == 0
    out = read_picture(tmp_path / "in_x2.png")
    off = imresize(out, *pixels.shape[:2]).astype(float) - pixels
    print(f"{name}: mean differences {off.mean((0, 1)).round(3)}")
    assert np.abs(off.mean((0, 1))).max() < 0.5


def test_real_photos_keep_their_colours(model, shared):
    for source in sorted((shared / "data/test/Set5/LR_bicubic/X2").glob("*.png")):
        pixels = read_pixels(source)
        off = imresize(model.upscale(pixels), *pixels.shape[:2]).astype(float) - pixels
        assert np.abs(off.mean((0, 1))).max() < 0.5, source.name


@pytest.mark.parametrize("dtype", ["uint8", "uint16"])
def test_grey_input_gives_equal_channels_exactly(command, tmp_path, dtype):
    grey = photo(300, 560, 1, dtype)
    write_picture(tmp_path / "in.png", grey.repeat(3, axis=2))
    assert command("upscale", "in.png").code == 0
    out = read_picture(tmp_path / "in_x2.png")
    assert np.array_equal(out[..., 0], out[..., 1])
    assert np.array_equal(out[..., 1], out[..., 2])
    write_picture(tmp_path / "grey.png", grey)
    assert command("upscale", "grey.png").code == 0
    assert np.array_equal(read_picture(tmp_path / "grey_x2.png"), out[..., :1])


@pytest.mark.parametrize("level", [0, 1, 127, 254, 255])
def test_flat_stays_flat(model, level):
    out = model.upscale(np.full((40, 50, 3), level, np.uint8)).astype(int)
    assert np.abs(out - level).max() <= 1
