"""Every file of ../shared/data/files does what the manifest asks."""

import csv
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from foveate.errors import InputError
from foveate.media.picture import open_picture
from foveate.media.reader import open_rows, read_pixels
from outputs import open_output


@dataclass(frozen=True)
class Reads:
    """The facts and the words expected of a file that is read."""

    format: str
    width: int
    height: int
    bands: int = 3
    depth: int = 8
    note: str = ""
    first_frame: bool = False


UPRIGHT = Reads("jpeg", 300, 225)
EXPECTED: dict[str, Reads | str] = {
    **{f"exif_orientation_{number}.jpg": UPRIGHT for number in range(1, 9)},
    "cmyk_adobe.jpg": Reads("jpeg", 100, 100, note="CMYK without a profile converted to sRGB"),
    "adobe_rgb_icc.jpg": Reads("jpeg", 300, 200),
    "display_p3_icc.png": Reads("png", 300, 200),
    "swapped_red_green_icc.jpg": Reads("jpeg", 240, 160),
    "rgb16.png": Reads("png", 29, 100, depth=16),
    "rgb16.tiff": Reads("tiff", 100, 40, depth=16),
    "gray16.tif": Reads("tiff", 64, 64, bands=1, depth=16),
    "gray_alpha.png": Reads("png", 128, 128, bands=2),
    "rgba_transparent.png": Reads("png", 100, 100, bands=4),
    "palette_transparency.png": Reads("png", 64, 64, bands=4),
    "rgb_trns_chunk.png": Reads("png", 64, 64, bands=4),
    "palette_photo.png": Reads("png", 290, 442),
    "gray.jpg": Reads("jpeg", 128, 128, bands=1),
    "bilevel.png": Reads("png", 128, 128, bands=1),
    "one_by_one.png": Reads("png", 1, 1, bands=4),
    "three_by_five.png": Reads("png", 3, 5),
    "one_row_257.png": Reads("png", 257, 1),
    "interlaced.png": Reads("png", 240, 160),
    "progressive.jpg": Reads("jpeg", 240, 160),
    "truncated.jpg": "the file ends early (premature end of JPEG image)",
    "truncated.png": "the file ends early (not enough data)",
    "png_header_only.png": "the file is damaged (",
    "zero_bytes.png": "the file is empty",
    "text_named.jpg": "it is not a picture",
    "png_named.jpg": Reads("png", 120, 80, note="ends in .jpg, but the content is PNG"),
    "animated.gif": Reads("gif", 192, 168, bands=4, note="first of 3 frames", first_frame=True),
    "animated.webp": Reads("webp", 120, 120, bands=4, note="first of 4", first_frame=True),
    "animated.png": Reads("png", 128, 64, bands=4, note="first of 4 frames", first_frame=True),
    "bomb_30000x30000.png": "30000 x 30000 is 900 megapixels, over the limit of 500",
    "bomb_header_only.png": "2000000000 x 2000000000 is 4,000,000,000,000 megapixels",
    "bomb.gif": "the file ends early (Unexpected end of GIF source data)",
    "trailing_garbage.jpg": Reads("jpeg", 240, 160),
    "corrupt_middle.jpg": Reads("jpeg", 240, 160),
    "photo.heic": Reads("heic", 640, 426),
    "photo.avif": Reads("avif", 128, 128),
    "rotated.avif": Reads("avif", 640, 427),
    "multi_picture.mpo": Reads("jpeg", 640, 480, note="first of 2 pictures"),
    "bitfields32.bmp": "BMP is not supported",
    "multipage.tiff": Reads("tiff", 10, 10, note="first of 3 pictures"),
    "broken_exif.jpg": Reads("jpeg", 100, 100),
    "odd_name.jpg": Reads("jpeg", 240, 160),
    "leading_dash.jpg": Reads("jpeg", 64, 48),
}
READABLE = [name for name, wanted in EXPECTED.items() if isinstance(wanted, Reads)]
REFUSED = [name for name, wanted in EXPECTED.items() if isinstance(wanted, str)]


@pytest.fixture
def files(shared: Path) -> Path:
    return shared / "data" / "files"


def needs_heic(name: str) -> None:
    if name.endswith(".heic"):
        pytest.importorskip("pillow_heif", reason="pillow-heif, the extra `heic`, is missing")


def test_every_file_of_the_manifest_has_an_expectation(files):
    with (files / "manifest.csv").open(newline="") as rows:
        assert {row["file"] for row in csv.DictReader(rows)} == set(EXPECTED)


@pytest.mark.parametrize("name", READABLE)
def test_file_is_read_as_its_row_says(files, name):
    needs_heic(name)
    wanted = EXPECTED[name]
    picture = open_picture(files / name, first_frame=wanted.first_frame)
    facts = (picture.format, picture.width, picture.height, picture.bands, picture.depth)
    assert facts == (wanted.format, wanted.width, wanted.height, wanted.bands, wanted.depth)
    assert any(wanted.note in note for note in picture.notes) if wanted.note else not picture.notes
    with open_rows(picture) as reader:
        pixels = reader.read(picture.height)
    assert pixels.shape == (wanted.height, wanted.width, wanted.bands)
    assert pixels.dtype == (np.uint16 if wanted.depth == 16 else np.uint8)


@pytest.mark.parametrize("name", REFUSED)
def test_file_is_refused_in_one_line_that_names_it(files, name):
    with pytest.raises(InputError) as caught:
        read_pixels(files / name)
    line = str(caught.value)
    assert EXPECTED[name] in line
    assert name in line
    assert "\n" not in line
    assert caught.value.remedy


@pytest.mark.parametrize("name", ["animated.gif", "animated.webp", "animated.png"])
def test_animation_is_refused_unless_its_first_frame_is_asked_for(files, name):
    with pytest.raises(InputError, match=r"animated .* frames; hint: use --first-frame"):
        open_picture(files / name)


def test_all_eight_orientations_show_the_same_scene(files):
    first = read_pixels(files / "exif_orientation_1.jpg").astype(int)
    for number in range(2, 9):
        other = read_pixels(files / f"exif_orientation_{number}.jpg").astype(int)
        # JPEG noise of this busy scene; a wrong turn differs by more than 30.
        assert np.abs(first - other).mean() < 8, f"orientation {number}"


def test_trailing_junk_changes_nothing(files):
    clean = read_pixels(files / "odd_name.jpg").astype(int)
    junk = read_pixels(files / "trailing_garbage.jpg").astype(int)
    assert np.abs(clean - junk).mean() < 3


def test_grey_of_16_bits_keeps_its_values(files):
    assert read_pixels(files / "gray16.tif").max() > 255


def test_cmyk_is_not_inverted(files):
    pixels = read_pixels(files / "cmyk_adobe.jpg")
    assert pixels.mean() < 60


@pytest.mark.parametrize("name", READABLE)
def test_file_copied_to_png_has_the_same_samples_and_profile(files, name, tmp_path):
    needs_heic(name)
    picture = open_picture(files / name, first_frame=True)
    out = tmp_path / "out.png"
    shape, depth = (picture.height, picture.width, picture.bands), picture.depth
    with (
        open_rows(picture) as reader,
        open_output(out, "png", shape, depth=depth, metadata=picture.metadata) as writer,
    ):
        while len(rows := reader.read(37)):
            writer.write(rows)
        writer.finish()
    copy = open_picture(out)
    assert np.array_equal(read_pixels(out), read_pixels(files / name, first_frame=True))
    assert copy.metadata.icc == picture.metadata.icc
    assert copy.metadata.xmp == picture.metadata.xmp
    assert copy.orientation == 1
