import os

import numpy as np
import pytest

from foveate.errors import InputError, UsageError
from foveate.media.container import jpeg_segment
from foveate.media.picture import check_size, open_picture
from foveate.media.reader import open_rows, read_pixels
from foveate.media.vips import pyvips

LOSSLESS = [".png", ".tif"]
# A whole EXIF block that says nothing but the orientation, big-endian.
ORIENTED = b"MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0%c\0\0\0\0\0\0"


def naive_upright(pixels, orientation):
    """EXIF orientation by its definition: where row 0 and column 0 of the stored picture are."""
    ways = {
        1: lambda p: p,
        2: lambda p: p[:, ::-1],
        3: lambda p: p[::-1, ::-1],
        4: lambda p: p[::-1],
        5: lambda p: p.transpose(1, 0, 2),
        6: lambda p: np.rot90(p, -1),
        7: lambda p: np.rot90(p, 2).transpose(1, 0, 2),
        8: lambda p: np.rot90(p, 1),
    }
    return ways[orientation](pixels)


@pytest.mark.parametrize("suffix", LOSSLESS)
@pytest.mark.parametrize("depth", [8, 16])
@pytest.mark.parametrize("bands", [1, 2, 3, 4])
def test_every_mode_is_read_exactly(noise, save, suffix, bands, depth):
    pixels = noise(37, 23, bands, depth)
    picture = open_picture(save(pixels, f"in{suffix}"))
    assert (picture.bands, picture.depth) == (bands, depth)
    assert picture.has_alpha == (bands in (2, 4))
    assert np.array_equal(read_pixels(picture.source), pixels)


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".webp", ".tif", ".avif", ".gif"])
@pytest.mark.parametrize("step", [1, 7, 16, 1000])
def test_rows_do_not_depend_on_how_many_are_asked_for(scene, save, suffix, step):
    picture = open_picture(save(scene(61, 40), f"in{suffix}"))
    whole = read_pixels(picture.source)
    with open_rows(picture) as reader:
        parts = []
        while len(rows := reader.read(step)):
            assert rows.flags.c_contiguous
            parts.append(rows)
        assert len(reader.read(step)) == 0
    assert np.array_equal(np.concatenate(parts), whole)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_orientation_is_applied(noise, save, orientation):
    stored = noise(24, 40)
    path = save(stored, "in.jpg", Q=100)
    data = path.read_bytes()
    plain = read_pixels(path)
    path.write_bytes(data[:2] + jpeg_segment(ORIENTED % orientation) + data[2:])
    picture = open_picture(path)
    wanted = naive_upright(plain, orientation)
    assert (picture.height, picture.width) == wanted.shape[:2]
    with open_rows(picture) as reader:
        rows = [reader.read(5) for _ in range(-(-picture.height // 5))]
    assert np.array_equal(np.concatenate(rows), wanted)


def test_bytes_are_read_like_a_file(noise, save):
    pixels = noise(9, 11)
    data = save(pixels).read_bytes()
    picture = open_picture(data)
    assert picture.name == "standard input"
    assert np.array_equal(read_pixels(data), pixels)


def test_one_bit_is_expanded_to_full_range(save, noise):
    bits = (noise(16, 19, 1) > 127).astype(np.uint8) * 255
    path = save(bits, "in.png", bitdepth=1)
    picture = open_picture(path)
    assert (picture.bands, picture.depth) == (1, 8)
    assert np.array_equal(read_pixels(path), bits)


def test_cmyk_is_converted_by_the_profile_of_the_file(scene, tmp_path):
    pixels = scene(40, 48) // 2 + 60
    image = pyvips.Image.new_from_array(pixels).copy(interpretation="srgb")
    path = tmp_path / "in.jpg"
    path.write_bytes(image.icc_transform("cmyk", depth=8).jpegsave_buffer(Q=98, keep="icc"))
    picture = open_picture(path)
    assert picture.notes == ("CMYK converted to sRGB by the file's profile",)
    assert picture.metadata.icc is None
    assert np.abs(read_pixels(path).astype(int) - pixels).mean() < 12


def test_premultiplied_tiff_alpha_is_made_straight(save):
    pixels = np.full((4, 4, 4), 200, np.uint8)
    pixels[..., 3] = 128
    path = save(pixels, "in.tif", premultiply=True)
    assert np.abs(read_pixels(path).astype(int) - pixels).max() <= 2


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("in.jpg", {}),
        ("in.jpg", {"interlace": True}),
        ("in.png", {}),
        ("in.png", {"interlace": True}),
        ("in.webp", {}),
        ("in.webp", {"lossless": True}),
        ("in.tif", {"compression": "deflate"}),
        ("in.avif", {}),
    ],
)
def test_a_cut_file_never_passes_for_a_picture(scene, save, name, options):
    data = save(scene(64, 80), name, **options).read_bytes()
    for keep in np.linspace(0.05, 0.99, 12):
        cut = data[: int(len(data) * keep)]
        # The last chunk of a PNG says only that the file ends; without it all pixels are there.
        if name.endswith(".png") and len(cut) > len(data) - 16:
            continue
        with pytest.raises(InputError, match="cannot read standard input"):
            read_pixels(cut)


def test_more_pixels_than_allowed_are_refused_before_decoding(noise, save):
    path = save(noise(20, 30))
    with pytest.raises(InputError, match=r"30 x 20 .* over the limit"):
        open_picture(path, max_pixels=599)
    assert open_picture(path, max_pixels=600).width == 30


@pytest.mark.parametrize(
    ("height", "limit", "words"),
    [
        (20, 599, "is 600 pixels, over the limit of 599"),
        (2_000_000, 1_000_000, "is 60,000,000 pixels, over the limit of 1,000,000"),
        (2_000_000, 20_000_000, "is 60 megapixels, over the limit of 20"),
        (2_000_000, 59_999_999, "is 60,000,000 pixels, over the limit of 59,999,999"),
    ],
)
def test_sizes_are_told_in_units_that_show_the_difference(height, limit, words):
    with pytest.raises(InputError, match=rf"cannot read it: 30 x {height} {words}; hint: raise"):
        check_size("it", 30, height, limit)


def test_a_file_that_changed_meanwhile_is_refused(noise, save):
    path = save(noise(20, 30))
    picture = open_picture(path)
    os.utime(path, ns=(1, 1))
    with pytest.raises(InputError, match="changed while it was being read"):
        open_rows(picture)


@pytest.mark.parametrize(
    "name",
    [
        "été à Zürich \u2013 写真 №1.png",
        "😀 %s %d.png",
        "-dash.png",
        "photo.jpg[page=1].png",
        "n" * 196 + ".png",
        "in.png[access=random]",
    ],
)
def test_any_name_is_read(noise, save, tmp_path, name):
    pixels = noise(5, 6)
    path = save(pixels).rename(tmp_path / name)
    assert np.array_equal(read_pixels(path), pixels)


@pytest.mark.parametrize(
    ("head", "word"),
    [
        (b"BM" + bytes(60), "BMP"),
        (b"8BPS" + bytes(60), "Photoshop"),
        (b"\xff\x0a" + bytes(60), "JPEG XL"),
        (b"%PDF-1.7" + bytes(60), "PDF"),
        (b"II*\0\x10\0\0\0CR\x02\0" + bytes(60), "camera raw"),
        (b"\0\0\0\x18ftypisom" + bytes(60), "video"),
        (b"hello" * 20, "not a picture"),
    ],
)
def test_what_is_not_read_is_named(head, word):
    with pytest.raises(InputError, match=word):
        open_picture(head)


def test_heic_without_its_extra_says_how_to_install_it(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "pillow_heif", None)
    with pytest.raises(UsageError, match=r"pip install 'foveate\[heic\]'"):
        open_picture(b"\0\0\0\x18ftypheic\0\0\0\0heicmif1" + bytes(40))


def test_a_damaged_heic_is_an_input_error():
    pytest.importorskip("pillow_heif", reason="pillow-heif, the extra `heic`, is missing")
    with pytest.raises(InputError, match="cannot read standard input"):
        open_picture(b"\0\0\0\x18ftypheic\0\0\0\0heicmif1" + bytes(40))
