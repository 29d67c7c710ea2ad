"""A PNG's gAMA chunk is not applied; where that shows, it is told."""

import struct
import zlib

import pytest

from foveate.media.picture import open_picture
from foveate.media.reader import read_pixels


def with_chunks(png, *chunks):
    """The file with (kind, data) right behind its header."""
    for kind, data in reversed(chunks):
        whole = struct.pack(">I", len(data)) + kind + data
        png = png[:33] + whole + struct.pack(">I", zlib.crc32(kind + data)) + png[33:]
    return png


def gamma(value):
    return b"gAMA", struct.pack(">I", round(value * 100_000))


@pytest.fixture
def png(noise, save):
    return save(noise(20, 12)).read_bytes()


@pytest.mark.parametrize("value", [1.0, 1 / 1.8, 1 / 2.4, 0])
def test_an_unusual_gamma_is_told(png, value):
    file = with_chunks(png, gamma(value))
    assert open_picture(file).notes == (
        f"its gamma of {value:.4g} (gAMA) is not kept: samples are taken as sRGB",
    )
    assert (read_pixels(file) == read_pixels(png)).all()


@pytest.mark.parametrize("value", [1 / 2.2, 0.45, 0.47])
def test_a_gamma_about_srgb_s_is_not(png, value):
    assert open_picture(with_chunks(png, gamma(value))).notes == ()


@pytest.mark.parametrize("stronger", [(b"sRGB", b"\0"), (b"cICP", bytes([1, 13, 0, 1]))])
@pytest.mark.parametrize("is_first", [True, False])
def test_a_chunk_that_wins_over_it_keeps_it_quiet(png, stronger, is_first):
    chunks = [stronger, gamma(1.0)] if is_first else [gamma(1.0), stronger]
    assert open_picture(with_chunks(png, *chunks)).notes == ()


def test_a_profile_wins_over_it(png):
    profile = b"x\0\0" + zlib.compress(b"profile")
    file = with_chunks(png, gamma(1.0), (b"iCCP", profile))
    assert not any("gamma" in note for note in open_picture(file).notes)


def test_frames_are_still_counted(png):
    animated = with_chunks(png, gamma(1 / 2.2), (b"acTL", struct.pack(">II", 3, 0)))
    picture = open_picture(animated, first_frame=True)
    assert picture.notes == ("the first of 3 frames was used",)
    assert read_pixels(animated, first_frame=True).shape == (20, 12, 3)
