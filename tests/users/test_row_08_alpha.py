"""Row 8: transparency without fringes, whatever stands behind it."""

import numpy as np
import pytest
import pyvips

from pictures import header, photo, read_picture, write_picture

Y, X = np.mgrid[:64, :80]
DISC = np.clip((24 - np.hypot(Y - 32, X - 40)) / 1.5 + 0.5, 0, 1)
GROUNDS = {"black": (0, 0, 0), "white": (255, 255, 255), "magenta": (255, 0, 255)}


def sprite(hidden=(0, 255, 0), bands=4):
    """A photo cut out as a disc; what is invisible has a colour that would shine through."""
    alpha = np.round(DISC * 255).astype(np.uint8)
    colours = photo(64, 80, bands - 1)
    colours[alpha == 0] = hidden[: bands - 1]
    return np.dstack([colours, alpha])


def over(rgba, ground):
    share = rgba[..., -1:] / 255.0
    return rgba[..., :-1] * share + np.array(ground[: rgba.shape[2] - 1]) * (1 - share)


@pytest.mark.parametrize("ground", GROUNDS)
def test_a_composite_is_as_the_composite_enlarged(command, model, tmp_path, ground):
    source = write_picture(tmp_path / "in.png", sprite())
    assert command("upscale", source, "-o", "out.png").code == 0
    got = over(read_picture(tmp_path / "out.png"), GROUNDS[ground])
    flat = np.round(over(sprite(), GROUNDS[ground])).astype(np.uint8)
    reference = model.upscale(flat).astype(float)
    # Mixing and enlarging do not commute at the rim; nothing there may look wrong.
    assert np.abs(got - reference).mean() < 1.5
    assert np.abs(got - reference).max() < 80
    rim = (DISC > 0) & (DISC < 1)
    rim = rim.repeat(2, 0).repeat(2, 1)
    assert np.abs((got - reference)[rim].mean(0)).max() < 6  # no tint along the edge


@pytest.mark.parametrize("bands", [2, 4])
def test_invisible_colours_never_show(command, tmp_path, bands):
    results = []
    for hidden in ((0, 255, 0), (255, 0, 0), (128, 128, 255)):
        write_picture(tmp_path / "in.png", sprite(hidden, bands))
        assert command("upscale", "in.png", "-o", "out.png", "--overwrite").code == 0
        out = read_picture(tmp_path / "out.png")
        assert out.shape == (128, 160, bands)
        results.append(np.where(out[..., -1:] > 0, out, 0))
    assert np.array_equal(results[0], results[1])
    assert np.array_equal(results[0], results[2])


@pytest.mark.parametrize("bands", [2, 4])
def test_opaque_stays_opaque_and_changes_nothing(command, tmp_path, bands):
    opaque = np.dstack([photo(40, 50, bands - 1), np.full((40, 50), 255, np.uint8)])
    write_picture(tmp_path / "alpha.png", opaque)
    write_picture(tmp_path / "plain.png", opaque[..., :-1])
    for name in ("alpha", "plain"):
        assert command("upscale", f"{name}.png").code == 0
    out = read_picture(tmp_path / "alpha_x2.png")
    assert (out[..., -1] == 255).all()
    assert np.array_equal(out[..., :-1], read_picture(tmp_path / "plain_x2.png"))


def test_fully_transparent_stays_so_inside(command, tmp_path):
    write_picture(tmp_path / "in.png", sprite())
    command("upscale", "in.png")
    alpha = read_picture(tmp_path / "in_x2.png")[..., 3]
    distance = np.hypot(*(np.mgrid[:128, :160] - np.array([63.5, 79.5])[:, None, None]))
    assert (alpha[distance < 34] == 255).all()
    assert (alpha[distance > 62] == 0).all()


def test_a_palette_with_one_transparent_colour(command, tmp_path):
    rgba = sprite()
    rgba[..., 3] = np.where(rgba[..., 3] > 127, 255, 0)
    image = pyvips.Image.new_from_array(rgba).copy(interpretation="srgb")
    image.write_to_file(str(tmp_path / "in.png"), palette=True)
    assert header(tmp_path / "in.png").get("palette")
    assert command("upscale", "in.png").code == 0
    out = read_picture(tmp_path / "in_x2.png")
    assert out.shape == (128, 160, 4)
    assert out[64, 80, 3] == 255
    assert out[2, 2, 3] == 0


def test_tiff_alpha_is_not_taken_as_premultiplied_and_kept_straight(command, tmp_path):
    write_picture(tmp_path / "in.tif", sprite())
    write_picture(tmp_path / "in.png", sprite())
    for suffix in ("tif", "png"):
        assert command("upscale", f"in.{suffix}").code == 0
    results = [read_picture(tmp_path / f"in_x2.{suffix}") for suffix in ("tif", "png")]
    assert np.array_equal(*results)


def test_premultiplied_tiff_is_divided_out(command, tmp_path):
    straight = sprite()
    share = straight[..., 3:] / 255
    associated = straight.copy()
    associated[..., :3] = np.round(straight[..., :3] * share)
    write_picture(tmp_path / "in.tif", associated)
    mark_as_premultiplied(tmp_path / "in.tif")
    assert command("upscale", "in.tif", "-o", "out.png").code == 0
    write_picture(tmp_path / "straight.png", straight)
    assert command("upscale", "straight.png", "-o", "reference.png").code == 0
    out, reference = (read_picture(tmp_path / name) for name in ("out.png", "reference.png"))
    # Premultiplied bytes hold faint colours coarsely; undivided they would be 40 % darker.
    seen = reference[..., 3] > 150
    assert np.abs(out.astype(int) - reference)[seen].max() <= 20


def mark_as_premultiplied(path):
    """Sets ExtraSamples (338) of a little-endian TIFF to 1: associated alpha."""
    data = bytearray(path.read_bytes())
    entry = bytes([0x52, 0x01, 3, 0, 1, 0, 0, 0])
    at = data.index(entry)
    data[at + 8] = 1
    path.write_bytes(data)
