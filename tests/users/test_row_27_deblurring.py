"""Rows 27 and 39: deblurring of any size, within --memory, and only where it is wanted."""

import json
import re
import shutil

import numpy as np
import pytest

from command import measured
from foveate.models.write import write_card
from pictures import read_picture, write_picture
from strategies import TINY_DEBLUR, make_deblur_card

MIB = 1 << 20
MODEL = ("--model", "tiny_deblur.test")
MASK = ("--mask", "mask.png")
SHARP = ("--threshold", "0.999")  # the tiny network was never trained: it is never so sure
MAPS = ("--save-map", "map.png", "--save-windows", "stages")
CASES = {
    "sharp, copied": ((700, 1000, 3), "in.jpg", "out.jpg", SHARP),
    "sharp, another format": ((700, 1000, 3), "in.jpg", "out.png", SHARP),
    "restored": ((700, 1000, 3), "in.png", "out.png", MASK),
    "restored late, in JPEG": ((900, 800, 3), "in.jpg", "out.jpg", ("--mask", "late.png")),
    "wide": ((150, 5000, 3), "in.png", "out.jpg", MASK),
    "tall, 16 bit": ((3000, 120, 3), "in16.png", "out.tif", MASK),
    "alpha": ((400, 500, 4), "in.png", "out.webp", MASK),
    "maps": ((900, 1600, 3), "in.png", "out.png", (*MASK, *MAPS)),
}


@pytest.fixture(autouse=True)
def own(command, tmp_path):
    """The tiny deblurring network as the user's own model."""
    card, folder = make_deblur_card(), tmp_path / "own models"
    folder.mkdir()
    shutil.copy(TINY_DEBLUR, folder / card.weights.file)
    write_card(card, folder / f"{card.id}.toml")
    return command


def make(folder, name, shape):
    """A picture of copies of one block, and masks of single pixels, one to a window or late."""
    dtype = "uint16" if "16" in name else "uint8"
    block = np.random.default_rng(3).integers(90, 120, (100, 100, shape[2])).astype(dtype)
    block = block * 257 if dtype == "uint16" else block
    pixels = np.tile(block, (-(-shape[0] // 100), -(-shape[1] // 100), 1))[: shape[0], : shape[1]]
    marked = np.zeros((*shape[:2], 1), np.uint8)
    marked[5::32, 5::32] = 255
    write_picture(folder / "mask.png", marked)
    marked[:-40] = 0
    write_picture(folder / "late.png", marked)
    return write_picture(folder / name, np.ascontiguousarray(pixels)), pixels


@pytest.mark.parametrize("case", CASES)
def test_the_peak_stays_under_the_least_memory_that_is_accepted(own, tmp_path, case):
    shape, name, output, options = CASES[case]
    make(tmp_path, name, shape)
    arguments = [name, "-o", output, *MODEL, *options]
    refused = own("deblur", *arguments, "--memory", "1MiB")
    assert refused.code == 5
    least = int(re.search(r"needs (\d+) MiB", refused.err)[1])
    outcome, peak = measured(
        "deblur", *arguments, "--memory", f"{least}MiB", "--json", cwd=tmp_path
    )
    print(f"{case}: {least} MiB allowed, peak {peak / MIB:.0f} MiB")
    assert outcome.code == 0, outcome.err
    assert peak <= least * MIB
    report = json.loads(outcome.out)
    assert report["is_copy"] == (case == "sharp, copied")
    assert (report["windows_computed"] > 0) == ("--mask" in options)


def test_restoring_in_one_pass_stays_under_its_least_memory(own, tmp_path):
    make(tmp_path, "in.png", (500, 700, 3))
    arguments = ["in.png", "--deblur", "--deblur-model", MODEL[1], *MASK]
    refused = own("restore", *arguments, "--memory", "1MiB")
    least = int(re.search(r"needs (\d+) MiB", refused.err)[1])
    outcome, peak = measured(
        "restore", *arguments, "--memory", f"{least}MiB", "--json", cwd=tmp_path
    )
    print(f"restore: {least} MiB allowed, peak {peak / MIB:.0f} MiB")
    assert outcome.code == 0, outcome.err
    assert peak <= least * MIB


@pytest.mark.parametrize("suffix", ["png", "jpg"])
def test_no_bit_depends_on_memory_or_threads(own, tmp_path, suffix):
    make(tmp_path, "in.png", (300, 500, 3))
    files = set()
    for memory, threads in (("256MiB", 1), ("256MiB", 2), ("2GiB", 2)):
        output = f"{memory}-{threads}.{suffix}"
        options = ["-o", output, "--memory", memory, "--threads", threads, *MASK]
        assert own("deblur", "in.png", *MODEL, *options).code == 0
        files.add((tmp_path / output).read_bytes())
    assert len(files) == 1


def test_untouched_parts_are_bit_exact_and_the_report_says_how_much_was_touched(own, tmp_path):
    _, pixels = make(tmp_path, "in.png", (300, 500, 3))
    shown = own("deblur", "in.png", *MODEL, *MASK, "--json")
    assert shown.code == 0, shown.err
    marked = read_picture(tmp_path / "mask.png")[..., 0] > 0
    out = read_picture(tmp_path / "in_deblurred.png")
    assert (out[~marked] == pixels[~marked]).all()
    assert (out[marked] != pixels[marked]).any()
    assert shown.document["changed_share"] == marked.mean()


def test_no_blur_found_is_a_normal_result(own, tmp_path):
    source, _ = make(tmp_path, "in.jpg", (300, 500, 3))
    shown = own("deblur", "in.jpg", *MODEL, *SHARP)
    assert shown.code == 0
    assert (tmp_path / "in_deblurred.jpg").read_bytes() == source.read_bytes()
    assert "nothing to restore was found" in shown.err
    assert ": 0.0% blurred, 0.0% changed, 0 of 160 windows computed" in shown.err


@pytest.mark.slow
@pytest.mark.usefixtures("own")
@pytest.mark.parametrize("options", [SHARP, ("--mask", "late.png", *MAPS)])
def test_12_megapixels_stay_under_512_mib(tmp_path, options):
    make(tmp_path, "in.jpg", (3000, 4000, 3))
    outcome, peak = measured(
        "deblur", "in.jpg", *MODEL, *options, "--memory", "512MiB", "--json", cwd=tmp_path
    )
    assert outcome.code == 0, outcome.err
    seconds = json.loads(outcome.out)["seconds"]["total"]
    print(f"12 MP, {options[0]}: peak {peak / MIB:.0f} MiB of 512, {seconds} s")
    assert peak <= 512 * MIB
