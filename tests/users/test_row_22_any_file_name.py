"""Row 22: any file name. (A leading dash needs -- or ./ before it, as with every command.)"""

import pytest

from command import child
from pictures import read_picture

NAMES = [
    "été à Zürich \u2013 写真 №1",
    "two  spaces ",
    "100%",
    "emoji 🦊🏞️",
    'quote\'s "double" `tick`',
    "[page=1]",
    "photo.jpg[Q=5]",
    "{stem}",
    "back\\slash",
    "new\nline",
    "$HOME",
    "e\u0301 decomposed",
    "x" * 200,
    ".hidden",
]


@pytest.mark.parametrize("stem", NAMES)
def test_names_make_the_round_trip(command, picture, tmp_path, stem):
    source = picture.rename(tmp_path / f"{stem}.png")
    assert command("upscale", source).code == 0
    assert {path.name for path in tmp_path.iterdir()} == {source.name, f"{stem}_x2.png"}
    assert read_picture(tmp_path / f"{stem}_x2.png").shape == (120, 180, 3)


def test_a_leading_dash(command, picture, tmp_path):
    picture.rename(tmp_path / "-dash.png")
    assert command("upscale", "--", "-dash.png").code == 0
    assert command("upscale", "./-dash.png", "--overwrite").code == 0
    assert (tmp_path / "-dash_x2.png").exists()


def test_bytes_that_are_no_utf_8(picture, tmp_path):
    source = tmp_path / b"latin-\xe9.png".decode("utf-8", "surrogateescape")
    picture.rename(source)
    done = child("upscale", source, "--json")
    assert done.returncode == 0, done.stderr
    assert (tmp_path / b"latin-\xe9_x2.png".decode("utf-8", "surrogateescape")).exists()


def test_names_in_messages_stay_on_one_line(command):
    assert command("upscale", "new\nline.png").err.count("\n") == 1
