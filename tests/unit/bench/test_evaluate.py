import math

import numpy as np
import pytest
import pyvips

from foveate.bench.evaluate import evaluate
from foveate.errors import InputError, ModelError, UsageError
from foveate.media.jpeg import decode_jpeg_round_trip
from foveate.media.resample import imresize
from foveate.metrics.psnr import psnr_y
from foveate.metrics.ssim import ssim_y


def write_png(path, pixels):
    path.parent.mkdir(parents=True, exist_ok=True)
    pyvips.Image.new_from_array(pixels).pngsave(str(path))


def nearest(lr):
    return lr.repeat(2, axis=0).repeat(2, axis=1)


def smooth(height, width, seed):
    """Pictures with slopes, as noise alone would say little about bicubic."""
    rng = np.random.default_rng(seed)
    coarse = rng.integers(0, 256, (height // 4 + 2, width // 4 + 2, 3), np.uint8)
    return np.asarray(imresize(coarse, height, width), np.uint8)


@pytest.fixture
def hr_only(tmp_path):
    """Two pictures, one of odd size, without LR."""
    folder = tmp_path / "Tiny"
    write_png(folder / "HR" / "b.png", smooth(41, 37, 1))
    write_png(folder / "HR" / "a.png", smooth(32, 48, 2))
    return folder


def test_rows_are_the_means_of_the_model_and_of_bicubic(hr_only):
    report = evaluate("nearest", nearest, 2, hr_only)
    scores = {"nearest": [], "bicubic": []}
    for hr in (smooth(32, 48, 2), smooth(41, 37, 1)[:40, :36]):
        height, width = hr.shape[:2]
        lr = np.asarray(imresize(hr, height // 2, width // 2), np.uint8)
        for name, sr in (("nearest", nearest(lr)), ("bicubic", imresize(lr, height, width))):
            scores[name].append((psnr_y(sr, hr, border_px=2), ssim_y(sr, hr, border_px=2)))
    for row, (name, values) in zip(report.rows, scores.items(), strict=True):
        assert (row.name, row.images) == (name, 2)
        assert (row.psnr_y, row.ssim_y) == pytest.approx(tuple(np.mean(values, axis=0)), abs=1e-9)
    assert report.set == "Tiny"
    assert report.protocol.startswith("LR by MATLAB bicubic; ")
    assert [row.name for row in report.pictures][0::2] == ["a: nearest", "b: nearest"]


def test_lr_files_are_used_where_they_are(hr_only):
    flat = np.full((16, 24, 3), 90, np.uint8)
    write_png(hr_only / "LR_bicubic" / "X2" / "ax2.png", flat)
    seen = []
    report = evaluate("spy", lambda lr: seen.append(lr) or nearest(lr), 2, hr_only, limit=1)
    assert np.array_equal(seen[0], flat)
    assert report.protocol.startswith("LR as given; ")


def test_lr_of_another_scale_does_not_count(hr_only):
    (hr_only / "LR_bicubic" / "X3").mkdir(parents=True)
    assert evaluate("n", nearest, 2, hr_only).protocol.startswith("LR by MATLAB bicubic")


def test_the_limit_takes_the_first_by_name_and_progress_is_told(hr_only):
    told = []
    report = evaluate("n", nearest, 2, hr_only, limit=1, on_picture=lambda *a: told.append(a))
    assert (report.rows[0].images, told) == (1, [("a", 1, 1)])


def test_jpeg_is_applied_to_lr_before_model_and_bicubic(hr_only):
    seen = []
    report = evaluate(
        "spy", lambda lr: seen.append(lr) or nearest(lr), 2, hr_only, limit=1, degrade="jpeg:q=30"
    )
    clean = np.asarray(imresize(smooth(32, 48, 2), 16, 24), np.uint8)
    dirty = decode_jpeg_round_trip(clean, 30, subsample=True)
    assert np.array_equal(seen[0], dirty)
    assert not np.array_equal(dirty, clean)
    expected = psnr_y(imresize(dirty, 32, 48), smooth(32, 48, 2), border_px=2)
    assert report.rows[1].psnr_y == pytest.approx(expected, abs=1e-9)
    assert "JPEG quality 30 4:2:0" in report.protocol


def test_a_grey_picture_is_enlarged_as_three_equal_bands(tmp_path):
    grey = smooth(32, 32, 3)[..., :1]
    write_png(tmp_path / "HR" / "bridge.png", grey[..., 0])
    seen = []
    report = evaluate("spy", lambda lr: seen.append(lr) or nearest(lr), 2, tmp_path)
    assert seen[0].shape == (16, 16, 3)
    assert np.array_equal(seen[0][..., 0], seen[0][..., 2])
    assert math.isfinite(report.rows[0].psnr_y)


@pytest.mark.parametrize("degrade", ["jpeg", "jpeg:q=0", "jpeg:q=101", "webp:q=75", "jpeg:q=7.5"])
def test_unknown_degradations_are_refused(hr_only, degrade):
    with pytest.raises(UsageError, match="write jpeg:q=75"):
        evaluate("n", nearest, 2, hr_only, degrade=degrade)


def test_a_limit_below_one_is_refused(hr_only):
    with pytest.raises(UsageError, match="--limit 0"):
        evaluate("n", nearest, 2, hr_only, limit=0)


def test_pictures_outside_hr_are_an_error_that_tells_the_layout(tmp_path):
    write_png(tmp_path / "a.png", smooth(16, 16, 1))
    with pytest.raises(InputError, match=r"no folder HR; hint: the layout is DIR/HR/NAME\.png"):
        evaluate("n", nearest, 2, tmp_path)


def test_a_missing_lr_file_is_an_error_not_a_replacement(hr_only):
    write_png(hr_only / "LR_bicubic" / "X2" / "ax2.png", np.zeros((16, 24, 3), np.uint8))
    with pytest.raises(InputError, match=r"bx2\.png"):
        evaluate("n", nearest, 2, hr_only)


def test_an_lr_file_of_the_wrong_size_is_refused(hr_only):
    write_png(hr_only / "LR_bicubic" / "X2" / "ax2.png", np.zeros((16, 23, 3), np.uint8))
    with pytest.raises(InputError, match="it is 23x16, 24x16 was expected"):
        evaluate("n", nearest, 2, hr_only)


def test_a_16_bit_picture_is_refused(tmp_path):
    write_png(tmp_path / "HR" / "deep.png", np.full((16, 16, 3), 4000, np.uint16))
    with pytest.raises(InputError, match="16 bits"):
        evaluate("n", nearest, 2, tmp_path)


def test_a_model_that_gives_another_size_is_refused(hr_only):
    with pytest.raises(ModelError, match="wrong size"):
        evaluate("identity", lambda lr: lr, 2, hr_only)
