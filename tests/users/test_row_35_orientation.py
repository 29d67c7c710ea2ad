"""Row 35: the eight EXIF orientations all come out upright, and say so."""

import numpy as np
import pytest

from pictures import header, photo, read_picture, write_picture

SCENE = photo(48, 80)
# How each orientation stores the upright scene.
STORED = {
    1: SCENE,
    2: SCENE[:, ::-1],
    3: SCENE[::-1, ::-1],
    4: SCENE[::-1],
    5: SCENE.transpose(1, 0, 2),
    6: np.rot90(SCENE, 1),
    7: SCENE[::-1, ::-1].transpose(1, 0, 2),
    8: np.rot90(SCENE, -1),
}


@pytest.mark.parametrize(
    ("orientation", "suffix"), [*((turn, "png") for turn in STORED), (6, "tif"), (7, "tif")]
)
def test_upright(command, tmp_path, orientation, suffix):
    stored = np.ascontiguousarray(STORED[orientation])
    write_picture(tmp_path / f"turned.{suffix}", stored, orientation=orientation)
    write_picture(tmp_path / "upright.png", SCENE)
    assert command("upscale", f"turned.{suffix}", "-o", f"out.{suffix}").code == 0
    assert command("upscale", "upright.png", "-o", "reference.png").code == 0
    facts = header(tmp_path / f"out.{suffix}")
    assert not facts.get_typeof("orientation") or facts.get("orientation") == 1
    out, reference = (
        read_picture(tmp_path / f"out.{suffix}"),
        read_picture(tmp_path / "reference.png"),
    )
    assert np.array_equal(out, reference)


def test_the_real_photos_of_the_collection_agree(command, shared, tmp_path):
    results = []
    for orientation in range(1, 9):
        source = shared / f"data/files/exif_orientation_{orientation}.jpg"
        assert command("upscale", source, "-o", f"{orientation}.png").code == 0
        results.append(read_picture(tmp_path / f"{orientation}.png").astype(float))
    for result in results[1:]:
        assert result.shape == results[0].shape == (450, 600, 3)
        assert np.abs(result - results[0]).mean() < 10  # JPEG noise; the inputs differ by 6
