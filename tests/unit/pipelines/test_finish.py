"""Mixing by strength, and the last resize to an exact size."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import foveate
from foveate.media.resample import imresize, taps
from foveate.pipelines.finish import mixed_rows
from foveate.pipelines.resize import PictureResampler
from pictures import photo, read_picture, write_picture
from strategies import noise


def cut(pixels, heights):
    """The picture in parts of these heights, in turn."""
    top = 0
    for height in itertools.cycle(heights):
        yield pixels[top : top + height]
        top += height
        if top >= len(pixels):
            return


@given(
    st.lists(st.integers(1, 9), min_size=1, max_size=4),
    st.lists(st.integers(0, 9), min_size=1, max_size=4).filter(any),
    st.sampled_from([0.0, 0.25, 0.5, 1.0]),
    st.sampled_from(["uint8", "uint16"]),
)
def test_mixing_is_the_weighted_mean_rounded_however_rows_come(
    ours_cut, plain_cut, strength, dtype
):
    ours, plain = noise(23, 5, 3, dtype, seed=1), noise(23, 5, 3, dtype, seed=2)
    mixed = np.concatenate(list(mixed_rows(cut(ours, ours_cut), cut(plain, plain_cut), strength)))
    expected = np.floor(strength * ours.astype(float) + (1 - strength) * plain + 0.5)
    assert mixed.dtype == ours.dtype
    assert np.array_equal(mixed, expected)


@pytest.fixture
def upscaled(tmp_path, tiny):
    """upscale_file on an array: the pixels of the file it writes."""

    def run(pixels, **options):
        source = write_picture(tmp_path / "in.png", pixels)
        output = tmp_path / "out.png"
        made = foveate.UpscaleOptions(model=str(tiny), overwrite=True, **options)
        foveate.upscale_file(source, output, made)
        return read_picture(output)

    return run


def test_strength_0_is_the_plain_resize_exactly(upscaled):
    pixels = photo(37, 53)
    plain = upscaled(pixels, strength=0)
    # MATLAB's way rounds between the two passes; ours rounds once.
    assert np.abs(plain.astype(int) - imresize(pixels, 74, 106)).max() <= 1
    assert np.array_equal(plain, naive_resize(pixels, 74, 106))


def test_strength_a_half_is_the_mean(upscaled):
    pixels = photo(37, 53)
    network, plain = upscaled(pixels).astype(int), upscaled(pixels, strength=0).astype(int)
    assert np.abs(network - plain).max() > 10
    assert np.array_equal(upscaled(pixels, strength=0.5), (network + plain + 1) // 2)


@pytest.mark.parametrize("options", [{"scale": 1.5}, {"width": 70}, {"width": 90, "height": 50}])
@pytest.mark.parametrize("dtype", ["uint8", "uint16"])
def test_exact_sizes_are_the_network_s_rows_shrunk_without_aliasing(upscaled, options, dtype):
    pixels = photo(37, 53, dtype=dtype)
    out = upscaled(pixels, **options)
    expected = naive_resize(upscaled(pixels), *out.shape[:2])
    assert np.abs(out.astype(int) - expected.astype(int)).max() <= 1
    assert np.mean(out != expected) < 0.01


def naive_resize(pixels, height, width):
    """Keys' kernel, widened where it shrinks, as two matrices in double precision."""
    down, across = naive_matrix(len(pixels), height), naive_matrix(pixels.shape[1], width)
    total = np.einsum("yj,jib->yib", down, pixels.astype(float))
    total = np.einsum("xi,yib->yxb", across, total)
    top = np.iinfo(pixels.dtype).max
    return np.clip(np.floor(total + 0.5), 0, top).astype(pixels.dtype)


def naive_matrix(length_in, length_out):
    scale = length_out / length_in
    wide = max(1.0, 1 / scale)
    matrix = np.zeros((length_out, length_in))
    for out in range(length_out):
        centre = (out + 0.5) / scale - 0.5
        for place in range(-length_in, 2 * length_in):
            mirrored = place % (2 * length_in)
            mirrored = mirrored if mirrored < length_in else 2 * length_in - 1 - mirrored
            matrix[out, mirrored] += keys(abs(centre - place) / wide)
        matrix[out] /= matrix[out].sum()
    return matrix


def keys(x):
    if x < 1:
        return 1.5 * x**3 - 2.5 * x**2 + 1
    return -0.5 * x**3 + 2.5 * x**2 - 4 * x + 2 if x < 2 else 0.0


def test_the_naive_matrix_is_what_media_computes():
    places, weights = taps(20, 13)
    matrix = np.zeros((13, 20))
    np.add.at(matrix, (np.arange(13)[:, None], places), weights)
    assert np.allclose(matrix, naive_matrix(20, 13), atol=1e-12)


@pytest.mark.parametrize("bands", [2, 4])
def test_hidden_colours_do_not_leak_in_a_resize(bands):
    pixels = photo(20, 20, bands)
    pixels[..., -1] = np.where(np.arange(20) < 10, 0, 255)
    results = []
    for hidden in (0, 255):
        pixels[:, :10, :-1] = hidden
        resampler = PictureResampler((20, 20), (31, 31), bands, np.dtype(np.uint8))
        results.append(resampler.feed(pixels))
    assert np.array_equal(*results)
