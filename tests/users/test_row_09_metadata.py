"""Row 9: EXIF, XMP and IPTC are kept, sizes corrected, and what fails is a warning."""

import pytest
import pyvips

from pictures import header, photo, write_picture

EXIF = {
    "exif-ifd0-Artist": "Ada (Ada, ASCII, 4 components, 4 bytes)",
    "exif-ifd2-PixelXDimension": "90 (90, Long, 1 components, 4 bytes)",
}
XMP = b'<x:xmpmeta xmlns:x="adobe:ns:meta/"></x:xmpmeta>'


@pytest.fixture
def tagged(tmp_path):
    fields = {**EXIF, "xmp-data": XMP, "orientation": 6}
    return write_picture(tmp_path / "in.jpg", photo(60, 90), **fields)


@pytest.mark.parametrize("suffix", ["jpg", "png", "webp", "tif"])
def test_exif_and_xmp_are_kept_and_corrected(command, tagged, tmp_path, suffix):
    assert command("upscale", tagged, "-o", f"out.{suffix}").code == 0
    facts = header(tmp_path / f"out.{suffix}")
    assert (facts.width, facts.height) == (120, 180)  # turned upright
    assert b"Ada" in (tmp_path / f"out.{suffix}").read_bytes()
    if suffix != "tif":  # there libvips does not show it; tests/unit/media/ looks into the file
        assert facts.get("exif-ifd0-Artist").startswith("Ada")
        assert facts.get("exif-ifd2-PixelXDimension").startswith("120 ")
    assert not facts.get_typeof("orientation") or facts.get("orientation") == 1
    assert bytes(facts.get("xmp-data")).strip(b"\0") == XMP


def test_stripping_leaves_the_profile_alone(command, tmp_path):
    source = write_picture(tmp_path / "in.jpg", photo(60, 90), "p3", **EXIF, **{"xmp-data": XMP})
    assert command("upscale", source, "--strip-metadata").code == 0
    facts = header(tmp_path / "in_x2.jpg")
    assert facts.get("icc-profile-data") == header(source).get("icc-profile-data")
    assert not facts.get_typeof("xmp-data")
    assert not facts.get_typeof("exif-ifd0-Artist")


def test_broken_exif_is_a_warning(command, tagged):
    data = bytearray(tagged.read_bytes())
    at = data.index(b"Exif\0\0") + 10
    data[at : at + 4] = b"\xff\xff\xff\x7f"  # the first directory is nowhere
    tagged.write_bytes(data)
    shown = command("upscale", tagged, "--json")
    assert shown.code == 0
    assert any("EXIF" in note for note in shown.document["warnings"])
    assert shown.err.startswith(f"note: {tagged}: ")


def test_dots_per_inch_are_kept(command, tmp_path):
    image = pyvips.Image.new_from_array(photo(60, 90)).copy(
        interpretation="srgb", xres=300 / 25.4, yres=300 / 25.4
    )
    image.write_to_file(str(tmp_path / "in.png"))
    assert command("upscale", "in.png", "-o", "out.tif").code == 0
    assert header(tmp_path / "out.tif").xres == pytest.approx(300 / 25.4, rel=0.01)
