"""`foveate deblur` and `foveate restore` as they are called, with the tiny network and without."""

import os
import shutil

import numpy as np
import pytest

from command import Command, child
from deblurring import Fakes, blur, sharp
from foveate.models.write import write_card
from pictures import read_picture, write_picture
from strategies import TINY_DEBLUR, make_deblur_card

REPORT = {
    "input", "output", "model", "engine", "input_size", "output_size", "windows",
    "windows_computed", "blurred_share", "changed_share", "is_copy", "macs", "macs_unpruned",
    "seconds",
    "peak_memory_bytes", "warnings",
}  # fmt: skip
TINY = ("--model", "tiny_deblur.test")
FAKE = ("--model", "fake.local")


@pytest.fixture
def own(command: Command, tmp_path):
    """The tiny deblurring network as the user's own model; the command stands in its folder."""
    card, folder = make_deblur_card(), tmp_path / "own models"
    folder.mkdir()
    shutil.copy(TINY_DEBLUR, folder / card.weights.file)
    write_card(card, folder / f"{card.id}.toml")
    return command


@pytest.fixture
def fakes(monkeypatch, tmp_path):
    return Fakes(monkeypatch, tmp_path / "own models")


@pytest.fixture
def blurry(tmp_path):
    """`blurry.png`, 190 x 130, blurred in a quarter."""
    return write_picture(tmp_path / "blurry.png", blur(sharp(130, 190), 0, 0, 64, 96)).name


@pytest.mark.usefixtures("fakes")
def test_a_word_on_what_was_done(command: Command, blurry):
    shown = command("deblur", blurry, *FAKE)
    assert (shown.code, shown.out) == (0, "")
    expected = "blurry_deblurred.png: 23.5% blurred, 24.9% changed, 1 of 4 windows computed, "
    assert shown.err.startswith(expected)
    assert shown.err.endswith(" s\n")


@pytest.mark.usefixtures("fakes")
def test_json_is_one_document(command: Command, blurry):
    shown = command("deblur", blurry, *FAKE, "--json")
    assert (shown.code, shown.err) == (0, "")
    report = shown.document
    assert set(report) == REPORT
    assert (report["input"], report["output"]) == (blurry, "blurry_deblurred.png")
    assert report["input_size"] == report["output_size"] == [190, 130]
    assert (report["model"], report["engine"]) == ("fake.local", "fake 1")
    assert report["changed_share"] == 64 * 96 / (130 * 190)


@pytest.mark.usefixtures("fakes")
def test_progress_json_gives_typed_lines(command: Command, tmp_path):
    write_picture(tmp_path / "sharp.jpg", sharp(100, 100))
    shown = command("deblur", "sharp.jpg", *FAKE, "--progress", "json")
    kinds = [event["type"] for event in shown.events]
    assert kinds == ["start", *["progress"] * (len(kinds) - 4), "warning", "file", "end"]
    assert "copy of the file" in shown.events[-3]["message"]


@pytest.mark.parametrize(
    "case",
    [
        (("nowhere.png",), 3, "cannot read nowhere.png: no such file"),
        (("blurry.png", "--mask", "no.png"), 3, "cannot read no.png: no such file"),
        (("blurry.png", "--mask", "small.png"), 2, "the mask small.png does not fit blurry.png"),
        (("blurry.png", "--threshold", "1"), 2, "--threshold 1 is not possible"),
        (("blurry.png", "--threshold", "nan"), 2, "--threshold nan is not possible"),
        (("blurry.png", "--strength", "2"), 2, "--strength 2 is not possible"),
        (("blurry.png", "--save-map", "map.jpg"), 2, "--save-map map.jpg is not possible"),
        (("blurry.png", "--save-map", "no/map.png"), 4, "cannot write no/map.png"),
        (("blurry.png", "--save-windows", "small.png"), 4, "cannot write into small.png"),
        (("blurry.png", "-o", "small.png"), 4, "cannot write small.png: the file exists"),
        (("blurry.png", "-o", "out.xyz"), 4, "cannot write a file that ends in .xyz"),
        (("blurry.png", "--memory", "1MiB"), 5, "not enough memory: needs "),
        (("blurry.png", "--max-pixels", "99"), 3, "cannot read blurry.png"),
        ((".",), 2, 'foveate deblur "$f"'),
    ],
)
@pytest.mark.usefixtures("blurry")
def test_errors_name_the_file_and_leave_nothing(command: Command, fakes, tmp_path, case):
    arguments, code, words = case
    write_picture(tmp_path / "small.png", sharp(9, 9))
    before = sorted(path.name for path in tmp_path.iterdir())
    shown = command("deblur", *arguments, *FAKE)
    assert (shown.code, shown.out) == (code, "")
    assert words in shown.err
    assert shown.err.startswith("error: ")
    assert shown.err.count("\n") == 1
    assert sorted(path.name for path in tmp_path.iterdir()) == before
    assert not fakes.sessions


def test_upscaling_models_are_refused(command: Command, blurry):
    shown = command("deblur", blurry, "--model", "rt4ksr_x2.photo")
    assert shown.code == 2
    assert "rt4ksr_x2.photo does not deblur: it is made to upscale" in shown.err


def test_the_tiny_network_restores_what_a_mask_marks(own: Command, tmp_path):
    pixels = sharp(130, 190, 3, "uint16")
    marked = np.zeros((130, 190, 1), np.uint8)
    marked[40:56, 60:75] = 255
    write_picture(tmp_path / "in.png", pixels)
    write_picture(tmp_path / "mask.png", marked)
    shown = own("deblur", "in.png", *TINY, "--mask", "mask.png", "--save-windows", "dir", "--json")
    assert shown.code == 0, shown.err
    out = read_picture(tmp_path / "in_deblurred.png")
    differ = (out != pixels).any(-1)
    assert not differ[marked[..., 0] == 0].any()
    assert differ[41:55, 61:74].all()
    assert shown.document["engine"].startswith("onnxruntime ")
    assert any((tmp_path / "dir").iterdir())


@pytest.mark.usefixtures("own")
def test_standard_input_and_output(tmp_path):
    data = write_picture(tmp_path / "in.jpg", sharp(90, 90)).read_bytes()
    variables = os.environ | {"FOVEATE_MODELS": str(tmp_path / "own models")}
    done = child("deblur", "-", "-o", "-", *TINY, "--threshold", "0.999", input=data, env=variables)
    assert done.returncode == 0, done.stderr
    assert done.stdout == data
    assert b"note: standard input: nothing to restore was found" in done.stderr


@pytest.mark.usefixtures("fakes")
def test_restore_deblurs_and_enlarges(command: Command, blurry, tmp_path):
    shown = command("restore", blurry, "--deblur", "--deblur-model", "fake.local", "--json")
    assert shown.code == 0, shown.err
    report = shown.document
    assert report["output_size"] == [380, 260]
    assert report["deblur"]["model"] == "fake.local"
    assert report["deblur"]["changed_share"] == 64 * 96 / (130 * 190)
    assert command("deblur", blurry, *FAKE, "-o", "between.png").code == 0
    assert command("upscale", "between.png", "-o", "two.png").code == 0
    assert (read_picture(tmp_path / "two.png") == read_picture(tmp_path / "blurry_x2.png")).all()


def test_restore_without_deblur_is_upscale(command: Command, blurry, tmp_path):
    assert command("restore", blurry, "-o", "one.png", "--json").document["deblur"] is None
    assert command("upscale", blurry, "-o", "two.png").code == 0
    assert (tmp_path / "one.png").read_bytes() == (tmp_path / "two.png").read_bytes()


@pytest.mark.parametrize(
    "option", ["--mask", "--save-map", "--save-windows", "--deblur-model", "--threshold"]
)
def test_options_of_deblurring_alone_have_no_silent_effect(command: Command, blurry, option):
    shown = command("restore", blurry, option, "0.5")
    assert shown.code == 2
    assert f"{option} without --deblur" in shown.err
