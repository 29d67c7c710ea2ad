"""Row 14: formats by content, clear words for those that are not read, no silent first frame."""

import numpy as np
import pytest
import pyvips

from pictures import header, photo, read_picture, write_picture

LOADERS = {
    "jpg": "jpegload",
    "png": "pngload",
    "webp": "webpload",
    "tif": "tiffload",
    "avif": "heifload",
}


@pytest.mark.parametrize("given", LOADERS)
@pytest.mark.parametrize("wanted", LOADERS)
def test_every_format_into_every_format(command, tmp_path, given, wanted):
    write_picture(tmp_path / f"in.{given}", photo(24, 32))
    assert command("upscale", f"in.{given}", "-o", f"out.{wanted}").code == 0
    facts = header(tmp_path / f"out.{wanted}")
    assert (facts.width, facts.height) == (64, 48)
    assert facts.get("vips-loader").startswith(LOADERS[wanted])


def test_a_wrong_suffix_is_told_and_the_content_read(command, tmp_path):
    write_picture(tmp_path / "in.png", photo(24, 32)).rename(tmp_path / "in.jpg")
    shown = command("upscale", "in.jpg", "--json")
    assert shown.document["output"] == "in_x2.png"
    assert shown.err == "note: in.jpg: the name ends in .jpg, but the content is PNG\n"


def animation(path):
    frames = np.concatenate([photo(20, 30, seed=seed) for seed in range(3)])
    image = pyvips.Image.new_from_array(frames).copy(interpretation="srgb")
    image.set_type(pyvips.GValue.gint_type, "page-height", 20)
    image.write_to_file(str(path))
    return path.name


@pytest.mark.parametrize("suffix", ["gif", "webp"])
def test_an_animation_is_refused_or_its_first_frame_asked_for(command, tmp_path, suffix):
    name = animation(tmp_path / f"in.{suffix}")
    shown = command("upscale", name)
    assert shown.code == 3
    assert "animated" in shown.err
    assert "hint: use --first-frame" in shown.err
    shown = command("upscale", name, "-o", "out.png", "--first-frame", "--json")
    assert shown.document["warnings"] == ["the first of 3 frames was used"]
    out = read_picture(tmp_path / "out.png")
    assert out.shape[:2] == (40, 60)


@pytest.mark.parametrize(
    ("head", "word"),
    [
        (b"BM" + b"\0" * 60, "BMP"),
        (b"\xff\x0a" + b"\0" * 60, "JPEG XL"),
        (b"%PDF-1.7\n" + b" " * 60, "PDF"),
        (b"II*\0\x10\0\0\0CR\x02\0" + b"\0" * 60, "raw"),
    ],
)
def test_formats_that_are_not_read_are_named_with_a_way_out(command, tmp_path, head, word):
    (tmp_path / "in.xyz").write_bytes(head)
    shown = command("upscale", "in.xyz")
    assert shown.code == 3
    assert word in shown.err
    assert "hint: " in shown.err


def test_every_file_of_the_collection_is_done_or_refused_in_one_line(command, shared, tmp_path):
    for source in sorted((shared / "data" / "files").iterdir()):
        if source.name == "manifest.csv":
            continue
        shown = command("upscale", source, "-o", tmp_path / f"{source.name}.png")
        assert shown.code in (0, 3), (source.name, shown.err)
        assert sum(line.startswith("error: ") for line in shown.err.splitlines()) == bool(
            shown.code
        )
        assert (tmp_path / f"{source.name}.png").exists() == (shown.code == 0)
