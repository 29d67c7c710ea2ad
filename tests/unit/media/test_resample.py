import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from foveate.media.reader import read_pixels
from foveate.media.resample import RowResampler, imresize


def keys(x):
    x = abs(x)
    if x <= 1:
        return 1.5 * x**3 - 2.5 * x**2 + 1
    return -0.5 * x**3 + 2.5 * x**2 - 4 * x + 2 if x < 2 else 0.0


def naive_line(line, length):
    """The formula, sample by sample: line is (n, ...) float64."""
    n = len(line)
    scale = length / n
    shrink = min(scale, 1.0)
    out = []
    for i in range(length):
        centre = (i + 0.5) / scale - 0.5
        reach = int(2 / shrink) + 2
        total, weight_sum = 0.0, 0.0
        for j in range(int(np.floor(centre)) - reach, int(np.floor(centre)) + reach + 1):
            weight = keys((centre - j) * shrink)
            k = j % (2 * n)
            total = total + weight * line[k if k < n else 2 * n - 1 - k]
            weight_sum += weight
        out.append(total / weight_sum)
    return np.array(out)


def naive(pixels, height, width):
    tall = naive_line(pixels.astype(np.float64), height)
    return naive_line(tall.swapaxes(0, 1), width).swapaxes(0, 1)


def resample(pixels, height, width, dtype, steps=(1000,)):
    size = pixels.shape[:2]
    resampler = RowResampler(size, (height, width), pixels.shape[2], dtype)
    parts, top, turn = [], 0, 0
    while top < size[0]:
        step = steps[turn % len(steps)]
        parts.append(resampler.feed(pixels[top : top + step]))
        top, turn = top + step, turn + 1
    parts.append(resampler.flush())
    return np.concatenate(parts)


SIZES = [
    ((7, 9), (14, 18)),
    ((12, 10), (5, 4)),
    ((5, 6), (13, 7)),
    ((1, 1), (4, 3)),
    ((9, 3), (2, 8)),
]


@pytest.mark.parametrize(("size", "out"), SIZES)
@pytest.mark.parametrize("bands", [1, 3, 4])
def test_float_result_is_the_formula(noise, size, out, bands):
    pixels = noise(*size, bands).astype(np.float32)
    assert np.abs(resample(pixels, *out, np.float32) - naive(pixels, *out)).max() < 1e-3


@pytest.mark.parametrize(("size", "out"), SIZES)
@pytest.mark.parametrize("depth", [8, 16])
def test_integer_result_is_the_formula_rounded_and_clipped(noise, size, out, depth):
    pixels = noise(*size, 3, depth)
    wanted = naive(pixels, *out)
    found = resample(pixels, *out, pixels.dtype)
    assert found.dtype == pixels.dtype
    assert np.abs(found - np.clip(wanted, 0, (1 << depth) - 1)).max() <= 0.51


@given(
    st.tuples(*[st.integers(1, 40)] * 4),
    st.lists(st.integers(1, 9), min_size=1, max_size=4),
    st.sampled_from([np.uint8, np.uint16, np.float32]),
)
def test_rows_may_come_in_any_pieces(sizes, steps, dtype):
    height, width, out_height, out_width = sizes
    rng = np.random.default_rng(list(sizes))
    pixels = (rng.random((height, width, 3)) * 255).astype(dtype)
    whole = resample(pixels, out_height, out_width, dtype)
    pieces = resample(pixels, out_height, out_width, dtype, steps)
    assert whole.shape == (out_height, out_width, 3)
    assert np.array_equal(whole, pieces)


@pytest.mark.parametrize("level", [0, 1, 127, 254, 255])
def test_flat_stays_flat(level):
    flat = np.full((13, 17, 3), level, np.uint8)
    assert (resample(flat, 31, 29, np.uint8) == level).all()
    assert (imresize(flat, 5, 40) == level).all()


def test_same_size_is_the_same_picture(noise):
    pixels = noise(20, 30)
    assert np.array_equal(resample(pixels, 20, 30, np.uint8), pixels)
    assert np.array_equal(imresize(pixels, 20, 30), pixels)


def test_16_bits_are_not_cut_to_8():
    ramp = np.linspace(0, 65535, 300).astype(np.uint16).reshape(1, 300, 1)
    assert len(np.unique(resample(ramp, 1, 1200, np.uint16))) > 1000


@pytest.mark.parametrize("ratio", [2, 0.5, 0.1])
def test_only_the_rows_needed_are_held(noise, ratio):
    pixels = noise(600, 8)
    resampler = RowResampler((600, 8), (int(600 * ratio), 16), 3)
    held = []
    for top in range(0, 600, 32):
        resampler.feed(pixels[top : top + 32])
        held.append(resampler.rows_held)
    assert max(held) <= 4 / min(ratio, 1) + 3


def test_missing_rows_are_refused(noise):
    resampler = RowResampler((10, 8), (20, 16), 3)
    resampler.feed(noise(9, 8))
    with pytest.raises(ValueError, match="9 rows of 10"):
        resampler.flush()


def test_pixel_centres_are_aligned():
    """Twice the size of a ramp is the ramp at x / 2 - 1/4, not shifted by half a pixel."""
    ramp = np.arange(40, dtype=np.float32).reshape(1, 40, 1)
    out = resample(ramp, 1, 80, np.float32)[0, :, 0]
    assert np.abs(out - (np.arange(80) / 2 - 0.25))[8:-8].max() < 1e-4


@pytest.mark.parametrize(
    ("name", "scale"),
    [(name, scale) for name in ("Set5", "Set14") for scale in (2, 3, 4)] + [("BSD100", 2)],
)
def test_imresize_makes_the_lr_files_of_the_test_sets(shared, name, scale):
    files = sorted((shared / "data" / "test" / name / "LR_bicubic" / f"X{scale}").glob("*.png"))
    assert files
    for file in files:
        lr = read_pixels(file)
        hr = read_pixels(shared / "data" / "test" / name / "HR" / f"{file.stem[:-2]}.png")
        cut = hr[: lr.shape[0] * scale, : lr.shape[1] * scale]
        assert np.array_equal(imresize(cut, *lr.shape[:2]), lr), file.name
