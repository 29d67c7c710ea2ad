"""Row 19: the colour profile goes out as it came in; CMYK is converted and said."""

import numpy as np
import pytest
import pyvips

from pictures import built_in_profile, header, photo, read_picture, write_picture


@pytest.mark.parametrize("suffix", ["png", "jpg", "tif", "webp", "avif"])
@pytest.mark.parametrize("profile", ["p3", "srgb"])
def test_profile_bytes_are_the_same(command, tmp_path, suffix, profile):
    source = write_picture(tmp_path / f"in.{suffix}", photo(30, 40), profile)
    assert command("upscale", source, "-o", f"out.{suffix}").code == 0
    found = header(tmp_path / f"out.{suffix}").get("icc-profile-data")
    assert found == built_in_profile(profile)


def test_the_profile_survives_a_change_of_format(command, tmp_path):
    write_picture(tmp_path / "in.jpg", photo(30, 40), "p3")
    for suffix in ("png", "tif", "webp"):
        assert command("upscale", "in.jpg", "-o", f"out.{suffix}").code == 0
        found = header(tmp_path / f"out.{suffix}").get("icc-profile-data")
        assert found == built_in_profile("p3")


def test_no_profile_is_invented(command, picture, tmp_path):
    assert command("upscale", picture).code == 0
    assert not header(tmp_path / "photo_x2.png").get_typeof("icc-profile-data")


def test_cmyk_is_converted_with_a_message(command, tmp_path):
    scene = photo(60, 80)
    image = pyvips.Image.new_from_array(scene).copy(interpretation="srgb")
    image.icc_transform("cmyk", input_profile="srgb").write_to_file(str(tmp_path / "in.jpg"))
    assert header(tmp_path / "in.jpg").interpretation == "cmyk"
    shown = command("upscale", "in.jpg", "--json")
    assert shown.code == 0
    assert any("CMYK" in note for note in shown.document["warnings"])
    out = read_picture(tmp_path / "in_x2.jpg")
    assert out.shape == (120, 160, 3)
    # Not inverted, and about the colours it was made from; the press holds fewer.
    assert np.abs(out.mean((0, 1)) - scene.mean((0, 1))).max() < 25
