"""Row 4: memory is bounded by --memory, whatever the size; and no bit depends on it."""

import json
import re

import numpy as np
import pytest

from command import measured
from foveate.engine.open import open_session
from pictures import photo, read_picture, write_picture

MIB = 1 << 20
CASES = {
    "a photo": ((700, 1000, 3), "in.png", "out.jpg", ()),
    "wide": ((150, 5000, 3), "in.jpg", "out.png", ()),
    "tall, 16 bit": ((3000, 120, 3), "in16.png", "out.tif", ()),
    "alpha": ((400, 500, 4), "in.png", "out.webp", ()),
    "upright and resized": ((500, 700, 3), "turned.jpg", "out.jpg", ("--scale", "1.7")),
    "mixed, in AVIF": ((300, 500, 1), "in.png", "out.avif", ("--strength", "0.5")),
    "plain": ((900, 1600, 3), "in.png", "out.png", ("--strength", "0")),
    "plain, 16 bit": ((2000, 300, 4), "in16.png", "out.tif", ("--strength", "0", "--scale", "4")),
    "tiling": ((300, 400, 3), "in.png", "out.png", ("--wrap", "x,y")),
}


def make(path, height, width, bands):
    """A picture from copies of one block, made quickly."""
    dtype = "uint16" if "16" in path.name else "uint8"
    block = photo(100, 100, bands, dtype)
    pixels = np.tile(block, (-(-height // 100), -(-width // 100), 1))[:height, :width]
    fields = {"orientation": 6} if "turned" in path.name else {}
    return write_picture(path, np.ascontiguousarray(pixels), **fields)


@pytest.mark.parametrize("case", CASES)
def test_the_peak_stays_under_the_least_memory_that_is_accepted(command, tmp_path, case):
    shape, name, output, options = CASES[case]
    arguments = [make(tmp_path / name, *shape), "-o", tmp_path / output, *options]
    refused = command("plan", *arguments, "--memory", "1MiB")
    assert refused.code == 5
    least = int(re.search(r"needs (\d+) MiB", refused.err)[1])
    outcome, peak = measured("upscale", *arguments, "--memory", f"{least}MiB", "--json")
    print(f"{case}: {least} MiB allowed, peak {peak / MIB:.0f} MiB")
    assert outcome.code == 0, outcome.err
    assert peak <= least * MIB
    # What the report says is what the kernel counted, but for the last milliseconds.
    assert abs(json.loads(outcome.out)["peak_memory_bytes"] - peak) < 8 * MIB


def test_four_times_the_pixels_take_no_more_than_their_wider_rows(tmp_path):
    peaks = []
    for side in (600, 1200):
        source = make(tmp_path / "in.png", side, side, 3)
        outcome, peak = measured(
            "upscale", source, "-o", tmp_path / "out.png", "--overwrite", "--threads", "1",
            "--memory", "256MiB",
        )  # fmt: skip
        assert outcome.code == 0, outcome.err
        peaks.append(peak)
    print(f"peaks {[peak // MIB for peak in peaks]} MiB")
    # Nothing is kept of rows that are done: 1.1 megapixels more, 3.2 MB in and 13 MB out.
    rows_in_flight = 600 * 3 * (1 + 4) * (256 + 2 * 30) * 3
    assert peaks[1] - peaks[0] < rows_in_flight + 1400 * 1200 * 3 + 16 * MIB


@pytest.mark.parametrize("suffix", ["png", "jpg"])
def test_no_bit_depends_on_memory_or_threads(command, tmp_path, suffix):
    source = make(tmp_path / "in.png", 500, 900, 3)
    files = []
    for memory, threads in (("256MiB", 1), ("256MiB", 2), ("1GiB", 2), ("4GiB", 1)):
        output = tmp_path / f"{memory}-{threads}.{suffix}"
        options = ["-o", output, "--memory", memory, "--threads", threads]
        assert command("upscale", source, *options).code == 0
        files.append(output)
    assert len({file.read_bytes() for file in files}) == 1


def test_windows_give_what_the_whole_picture_gives(command, tmp_path, shipped):
    pixels = photo(300, 700)
    source = write_picture(tmp_path / "in.png", pixels)
    plan = command("plan", source, "--json").document
    assert plan["windows"] > 1
    assert command("upscale", source, "-o", "out.png").code == 0
    session = open_session(shipped.card, shipped.weights_path)
    lr = np.ascontiguousarray(pixels.transpose(2, 0, 1)[None], np.float32) / np.float32(255)
    whole = np.floor(np.clip(session.run(lr)[0], 0, 1) * 255 + 0.5).transpose(1, 2, 0)
    session.close()
    assert np.abs(read_picture(tmp_path / "out.png") - whole).max() <= 1


@pytest.mark.slow
@pytest.mark.parametrize(
    ("size", "memory_mib", "suffix"),
    [((3000, 4000), 512, "jpg"), ((3000, 4000), 512, "png"), ((10_000, 10_000), 1024, "jpg")],
)
def test_large_photos_stream(tmp_path, size, memory_mib, suffix):
    source = make(tmp_path / f"in.{suffix}", *size, 3)
    outcome, peak = measured(
        "upscale",
        source,
        "-o",
        tmp_path / f"out.{suffix}",
        "--memory",
        f"{memory_mib}MiB",
        "--json",
    )
    assert outcome.code == 0, outcome.err
    seconds = json.loads(outcome.out)["seconds"]["total"]
    megapixels = size[0] * size[1] / 1e6
    print(
        f"{megapixels:.0f} MP {suffix} x2: peak {peak / MIB:.0f} MiB of {memory_mib}, {seconds} s"
    )
    assert peak <= memory_mib * MIB
