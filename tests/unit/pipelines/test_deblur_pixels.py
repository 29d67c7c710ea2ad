"""Deblurring arrays: the same bits as files, and errors that name what is wrong."""

import numpy as np
import pytest

import foveate
from deblurring import Fakes, blur, checkerboard, sharp
from foveate.errors import ResourceError, UsageError
from pictures import read_picture, write_picture
from strategies import DTYPES


@pytest.fixture(autouse=True)
def fakes(monkeypatch, tmp_path):
    return Fakes(monkeypatch, tmp_path / "models")


def deblur(pixels, **more):
    return foveate.deblur(pixels, **{"model": "fake.local", **more})


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("bands", [1, 2, 3, 4])
def test_what_is_outside_the_mask_is_the_input(dtype, bands):
    pixels = blur(sharp(150, 131, bands, dtype), 16, 24, 80, 64)
    before = pixels.copy()
    made = deblur(pixels)
    assert (pixels == before).all()
    assert (made.pixels.shape, made.pixels.dtype) == (pixels.shape, pixels.dtype)
    assert (made.pixels[~made.mask] == pixels[~made.mask]).all()
    assert made.mask.sum() == 80 * 64
    assert (made.blur_map.shape, made.blur_map.dtype) == ((19, 17), np.float32)
    assert (made.blur_map[2:12, 3:11] > 0.5).all()
    assert (made.blur_map > 0.5).sum() == 80


def test_file_and_array_give_the_same_pixels(tmp_path):
    pixels = blur(sharp(200, 300), 20, 20, 150, 100)
    source = write_picture(tmp_path / "in.png", pixels)
    foveate.deblur_file(source, tmp_path / "out.png", foveate.DeblurOptions(model="fake.local"))
    assert (read_picture(tmp_path / "out.png") == deblur(pixels).pixels).all()


def test_a_plane_stays_a_plane():
    made = deblur(blur(sharp(40, 50, 1), 0, 0, 40, 50)[:, :, 0])
    assert (made.pixels.shape, made.mask.shape) == ((40, 50), (40, 50))


def test_a_view_is_not_in_the_way():
    pixels = blur(sharp(80, 90), 0, 0, 80, 90)
    assert (deblur(pixels[::-1, ::2]).pixels == deblur(pixels[::-1, ::2].copy()).pixels).all()


@pytest.mark.parametrize("dtype", ["bool", "uint8", "float64"])
def test_a_mask_may_be_of_any_type(dtype):
    pixels = sharp(100, 90)
    mask = np.zeros((100, 90), dtype)
    mask[10:30, 20:50] = 1 if dtype != "float64" else 0.2
    made = deblur(pixels, mask=mask)
    assert (made.mask == (mask > 0)).all()
    assert (made.pixels[16:24, 26:44] == checkerboard(pixels)[16:24, 26:44]).all()


def test_the_threshold_decides():
    pixels = blur(sharp(64, 64), 0, 0, 64, 64)
    assert deblur(pixels, threshold=0.9).mask.sum() == 0
    assert deblur(pixels, threshold=0.1).mask.all()


def test_threads_and_memory_do_not_change_a_bit():
    pixels = blur(sharp(300, 260), 20, 20, 250, 200)
    one = deblur(pixels, threads=1).pixels
    assert (deblur(pixels, threads=3, memory_bytes=150 << 20).pixels == one).all()


def test_a_self_ensemble_runs_more_than_once():
    pixels = blur(sharp(128, 128), 40, 40, 48, 48)
    found = deblur(pixels, self_ensemble=2)
    assert (found.mask == deblur(pixels).mask).all()
    assert (found.pixels == pixels).all()  # the fake's checkerboard is its mirror's opposite
    assert found.mask.any()


@pytest.mark.parametrize(
    "bad", [{"threshold": 0}, {"threshold": 1.0}, {"threads": 0}, {"self_ensemble": 3}]
)
def test_numbers_that_mean_nothing_are_refused(bad):
    with pytest.raises(UsageError):
        deblur(sharp(8, 8), **bad)


def test_arrays_that_are_no_pictures_are_refused():
    for pixels in (np.zeros((4, 4, 5), np.uint8), np.zeros((4, 4), np.int64), np.zeros((0, 4))):
        with pytest.raises(UsageError, match="cannot deblur an array"):
            deblur(pixels)
    with pytest.raises(UsageError, match="mask does not fit"):
        deblur(sharp(8, 8), mask=np.ones((8, 9)))


def test_too_little_memory_is_refused_and_nothing_stays_open(fakes):
    with pytest.raises(ResourceError, match="needs"):
        deblur(sharp(8, 8), memory_bytes=1 << 20)
    deblur(blur(sharp(64, 64), 0, 0, 64, 64))
    assert fakes.sessions
    assert all(session.is_closed for session in fakes.sessions)
