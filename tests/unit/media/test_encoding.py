from dataclasses import replace

import numpy as np
import pytest

from foveate.errors import OutputError, UsageError
from foveate.media.encoding import Encoding, check_limits, choose_encoding, encoder_bytes
from foveate.media.jpeg import decode_jpeg_round_trip
from foveate.media.picture import open_picture


@pytest.fixture
def picture(noise, save):
    return open_picture(save(noise(8, 8), "in.jpg"))


@pytest.mark.parametrize(
    ("suffix", "format_"),
    [
        (".jpg", "jpeg"),
        (".JPEG", "jpeg"),
        (".png", "png"),
        (".webp", "webp"),
        (".tif", "tiff"),
        (".TIFF", "tiff"),
        (".avif", "avif"),
        (None, "jpeg"),
        ("", "jpeg"),
    ],
)
def test_the_suffix_decides_and_else_the_input(picture, suffix, format_):
    encoding, notes = choose_encoding(suffix, picture)
    assert encoding.format == format_
    assert notes == ()


@pytest.mark.parametrize("format_", ["gif", "heic"])
def test_a_format_that_cannot_be_written_becomes_png(picture, format_):
    assert choose_encoding(None, replace(picture, format=format_))[0].format == "png"


def test_an_unknown_suffix_lists_the_known_ones(picture):
    with pytest.raises(
        OutputError, match=r"ends in \.bmp.*\.jpg .*\.png .*\.webp .*\.tif .*\.avif"
    ):
        choose_encoding(".bmp", picture)


def test_alpha_is_refused_where_it_cannot_be_held(picture):
    with pytest.raises(OutputError, match=r"cannot hold transparency; hint: write \.png"):
        choose_encoding(".jpg", replace(picture, bands=4, has_alpha=True))


@pytest.mark.parametrize(
    ("suffix", "depth", "note"),
    [
        (".png", 16, ()),
        (".tif", 16, ()),
        (".jpg", 8, ("16 bits per sample reduced to 8",)),
        (".webp", 8, ("16 bits per sample reduced to 8",)),
        (".avif", 12, ("16 bits per sample reduced to 12",)),
    ],
)
def test_16_bits_stay_where_they_can_and_else_it_is_told(picture, suffix, depth, note):
    encoding, notes = choose_encoding(suffix, replace(picture, depth=16, bits=16))
    assert (encoding.depth, notes) == (depth, note)


def test_what_is_told_is_the_bits_of_the_file(scene, save):
    picture = open_picture(save(scene(16, 16, depth=16), "in.avif", bitdepth=10))
    assert (picture.depth, picture.bits) == (16, 10)
    assert choose_encoding(None, picture) == (Encoding("avif", 85, 12), ())
    assert choose_encoding(".jpg", picture)[1] == ("10 bits per sample reduced to 8",)


def test_bit_depth_and_quality_are_checked(picture):
    with pytest.raises(OutputError, match=r"holds 8 bits, not 16; hint: write \.png or \.tif"):
        choose_encoding(".jpg", picture, bit_depth=16)
    with pytest.raises(UsageError, match="from 1 to 100"):
        choose_encoding(".jpg", picture, quality=0)
    assert choose_encoding(".png", picture, bit_depth=16)[0].depth == 16
    encoding, notes = choose_encoding(".png", picture, quality=50)
    assert encoding.quality is None
    assert "no effect" in notes[0]


@pytest.mark.parametrize(
    ("format_", "side", "hint"),
    [("jpeg", 65_535, ".png"), ("webp", 16_383, ".jpg"), ("avif", 32_768, ".jpg")],
)
def test_a_side_too_long_is_refused_with_a_way_out(format_, side, hint):
    encoding = Encoding(format_, 90, 8)
    check_limits(encoding, side, 10)
    with pytest.raises(
        OutputError, match=f"at most {side:,} pixels per side; hint: write .*{hint}"
    ):
        check_limits(encoding, 10, side + 1)


def test_streaming_formats_need_no_more_memory_for_taller_pictures():
    for format_ in ("jpeg", "png", "tiff"):
        encoding = Encoding(format_, None, 8)
        assert encoder_bytes(encoding, 4000, 100, 3) == encoder_bytes(encoding, 4000, 50_000, 3)


@pytest.mark.parametrize("bands", [1, 3])
def test_jpeg_round_trip_is_closer_at_higher_quality(scene, bands):
    pixels = scene(48, 56, bands)
    errors = []
    for quality in (95, 75, 30):
        out = decode_jpeg_round_trip(pixels, quality, subsample=True)
        assert out.shape == pixels.shape
        assert out.dtype == np.uint8
        errors.append(np.abs(out.astype(int) - pixels).mean())
    assert errors[0] < errors[1] < errors[2]


def test_subsampling_loses_fine_colour(noise):
    pixels = noise(32, 32)
    off, on = (
        np.abs(decode_jpeg_round_trip(pixels, 95, subsample=s).astype(int) - pixels).mean()
        for s in (False, True)
    )
    assert on > 2 * off
