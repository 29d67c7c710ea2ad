"""Inputs that cannot be read: one line each, with the file's name, the cause and a remedy."""

import os
from pathlib import Path

import numpy as np
import pytest

from foveate.errors import InputError
from foveate.media.picture import open_picture
from foveate.media.reader import open_rows
from foveate.media.vips import pyvips

PIXELS = np.random.default_rng(0).integers(0, 256, (40, 50, 3), np.uint8)
NOBODY = 65534


def refusal(source) -> str:
    with pytest.raises(InputError) as caught:
        open_picture(source)
    line = str(caught.value)
    assert "\n" not in line
    assert line.startswith("cannot read ")
    return line


@pytest.mark.parametrize(
    ("name", "cause"),
    [
        ("missing.png", "no such file"),
        ("folder", "it is a folder"),
        ("file/in.png", "not a folder"),
        ("empty.png", "the file is empty"),
        ("pipe", "it is not a regular file"),
        ("circle", "the link points in a circle"),
        ("n" * 300, "the name is too long"),
        ("zero\0byte.png", "embedded null byte"),
    ],
)
def test_an_impossible_input_is_told_with_its_cause(tmp_path, name, cause):
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").write_bytes(b"x")
    (tmp_path / "empty.png").write_bytes(b"")
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "circle").symlink_to("circle")
    line = refusal(tmp_path / name)
    assert cause in line
    assert str(tmp_path) in line


def test_empty_standard_input_is_told():
    assert "standard input: the file is empty" in refusal(b"")


def test_a_file_without_permission_is_told(tmp_path):
    path = tmp_path / "in.png"
    path.write_bytes(pyvips.Image.new_from_array(PIXELS).pngsave_buffer())
    path.chmod(0)
    root = os.geteuid() == 0
    if root:
        os.seteuid(NOBODY)
    try:
        line = refusal(path)
    finally:
        if root:
            os.seteuid(0)
    assert "no permission" in line


def read_in_small_steps(path):
    with open_rows(open_picture(path)) as reader:
        while len(reader.read(4)):
            pass


@pytest.mark.parametrize("saver", ["jpegsave_buffer", "pngsave_buffer", "tiffsave_buffer"])
def test_damage_that_shows_only_while_reading_is_an_input_error(tmp_path, saver):
    data = getattr(pyvips.Image.new_from_array(PIXELS).copy(interpretation="srgb"), saver)()
    path = tmp_path / "in"
    path.write_bytes(data[: len(data) * 2 // 3])
    with pytest.raises(InputError, match=r"cannot read .*in: .*(ends early|damaged|directory)"):
        read_in_small_steps(path)


def test_random_damage_never_escapes_as_a_foreign_error(tmp_path):
    rng = np.random.default_rng(3)
    image = pyvips.Image.new_from_array(PIXELS).copy(interpretation="srgb")
    files = [
        image.jpegsave_buffer(),
        image.pngsave_buffer(),
        image.webpsave_buffer(),
        image.tiffsave_buffer(compression="lzw"),
        image.heifsave_buffer(compression="av1"),
        image.gifsave_buffer(),
    ]
    path = tmp_path / "in"
    for data in files:
        for _ in range(40):
            broken = bytearray(data)
            for at in rng.integers(4, len(data), 6):
                broken[at] = rng.integers(256)
            path.write_bytes(broken)
            try:
                picture = open_picture(path, max_pixels=1_000_000, first_frame=True)
                with open_rows(picture) as reader:
                    pixels = reader.read(picture.height)
                assert pixels.shape == (picture.height, picture.width, picture.bands)
            except InputError:
                pass


def test_reading_leaves_no_open_file(tmp_path):
    good, bad = tmp_path / "good.png", tmp_path / "bad.png"
    data = pyvips.Image.new_from_array(PIXELS).pngsave_buffer()
    good.write_bytes(data)
    bad.write_bytes(data[: len(data) // 2])

    def read(path: Path) -> None:
        with open_rows(open_picture(path)) as reader:
            reader.read(1000)

    def open_files() -> int:
        return len(list(Path("/proc/self/fd").iterdir()))

    read(good)
    before = open_files()
    for _ in range(20):
        read(good)
        with pytest.raises(InputError):
            read(bad)
    assert open_files() <= before
