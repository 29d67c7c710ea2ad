"""`foveate synthesize`: what it writes, that it goes on where it stopped, and what it refuses."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from command import Command
from pictures import photo, read_picture, write_picture

PARTS = ("blur", "sharp", "mask")


@pytest.fixture
def sources(tmp_path: Path) -> list[str]:
    """The options that name a folder of photos and one of cut-outs."""
    for name in ("photos", "cutouts"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "notes.txt").write_text("not a picture")
    for index in range(2):
        write_picture(tmp_path / f"photos/{index}.jpg", photo(90, 70, seed=index))
        pixels = photo(40, 50, 4, seed=9 + index)
        pixels[..., 3] = np.clip(800 - 50 * np.hypot(*(np.mgrid[:40, :50] - 20)), 0, 255)
        write_picture(tmp_path / f"cutouts/{index}.webp", pixels)
    return ["--photos", "photos", "--cutouts", "cutouts", "--size", "64"]


def contents(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def test_pairs_are_written_as_three_folders_of_png(command: Command, sources, tmp_path):
    shown = command("synthesize", *sources, "--out", "pairs", "--count", 4)
    assert (shown.code, shown.out, shown.err) == (0, "", "pairs: 4 pairs made, 0 were there\n")
    names = [f"{index:06d}.png" for index in range(4)]
    shares = []
    for name in names:
        blurry, sharp, mask = (read_picture(tmp_path / "pairs" / part / name) for part in PARTS)
        assert blurry.shape == sharp.shape == (64, 64, 3)
        assert mask.shape == (64, 64, 1)
        assert set(np.unique(mask)) <= {0, 255}
        shares.append((mask > 0).mean())
    assert max(shares) > 0.01
    pictures = {f"{part}/{name}" for part in PARTS for name in names}
    assert set(contents(tmp_path / "pairs")) == {"synthesis.json", *pictures}


def test_a_seed_gives_the_same_files_and_another_gives_others(command, sources, tmp_path):
    for out, seed in (("a", 3), ("b", 3), ("c", 4)):
        assert command("synthesize", *sources, "--out", out, "--count", 3, "--seed", seed).code == 0
    a, b, c = (contents(tmp_path / out) for out in "abc")
    assert a == b
    assert all(a[name] != c[name] for name in a if name.startswith("blur"))


def test_it_goes_on_where_it_was_stopped_and_keeps_what_is_whole(command, sources, tmp_path):
    command("synthesize", *sources, "--out", "whole", "--count", 4)
    command("synthesize", *sources, "--out", "pairs", "--count", 3)
    out = tmp_path / "pairs"
    kept = out / "blur/000000.png"
    kept.write_bytes(b"a mark that shows it was not written again")
    (out / "mask/000001.png").unlink()
    (out / "blur/000001.png").write_bytes(b"half a file")
    (out / "sharp/000002.png").unlink()
    shown = command("synthesize", *sources, "--out", "pairs", "--count", 4)
    assert shown.err == "pairs: 3 pairs made, 1 were there\n"
    assert kept.read_bytes().startswith(b"a mark")
    kept.write_bytes((tmp_path / "whole/blur/000000.png").read_bytes())
    assert contents(out) == contents(tmp_path / "whole")


@pytest.mark.usefixtures("sources")
def test_objects_are_as_large_as_is_asked(command, tmp_path):
    shares = []
    for size in (0.2, 0.9):
        out = tmp_path / str(size)
        arguments = ["--photos", "photos", "--cutouts", "cutouts", "--out", out, "--count", 8]
        arguments += ["--shares", 1, 0, 0, "--length", 2, 3, "--object-size", size, size]
        assert command("synthesize", *arguments).code == 0
        masks = [read_picture(path) for path in (out / "mask").iterdir()]
        shares.append(np.mean([(mask > 0).mean() for mask in masks]))
    assert 0 < 2 * shares[0] < shares[1]


@pytest.mark.parametrize("change", [["--seed", "1"], ["--shares", "1", "0", "0"], "photo"])
def test_it_does_not_mix_pairs_of_two_kinds(command, sources, tmp_path, change):
    command("synthesize", *sources, "--out", "pairs", "--count", 1)
    before = contents(tmp_path / "pairs")
    if change == "photo":
        write_picture(tmp_path / "photos/more.png", photo(80, 80))
        change = []
    shown = command("synthesize", *sources, "--out", "pairs", "--count", 2, *change)
    assert (shown.code, shown.err) == (
        2,
        "error: the pairs in pairs were made with other settings or pictures"
        ": synthesis.json in it tells which; hint: choose another folder\n",
    )
    assert contents(tmp_path / "pairs") == before


def test_a_folder_of_other_pairs_is_not_touched(command, sources, tmp_path):
    (tmp_path / "real/sharp").mkdir(parents=True)
    shown = command("synthesize", *sources, "--out", "real", "--count", 1)
    assert (shown.code, shown.err) == (
        4,
        "error: cannot write pairs to real: it has a folder like ours but no synthesis.json"
        ": its pairs may be others; hint: choose another folder\n",
    )
    assert [path.name for path in (tmp_path / "real").rglob("*")] == ["sharp"]


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["--photos", "cutouts", "--out", "cutouts/x"], 2, "it lies in cutouts, whose pictures"),
        (["--photos", "gone", "--out", "x"], 3, "cannot read pictures from gone: not a folder"),
        (
            ["--photos", "empty", "--out", "x"],
            3,
            "no pictures in empty: none of at least 64 pixels",
        ),
        (
            ["--photos", "photos", "--out", "x", "--shares", 0, 0, 0],
            2,
            "LOCAL GLOBAL SHARP are all",
        ),
        (["--photos", "photos", "--out", "x", "--length", 9, 3], 2, "MIN is above MAX"),
        (["--photos", "photos", "--out", "x", "--object-size", 1, 0.5], 2, "MIN is above MAX"),
        (["--photos", "photos", "--out", "photos/0.jpg/x"], 2, "it lies in photos"),
        (["--photos", "photos", "--out", "file"], 4, "cannot write file"),
    ],
)
@pytest.mark.usefixtures("sources")
def test_what_cannot_be_made_is_one_line(command, tmp_path, arguments, code, message):
    (tmp_path / "empty").mkdir()
    (tmp_path / "file").write_text("")
    shown = command("synthesize", "--cutouts", "cutouts", "--count", 1, *arguments)
    assert (shown.code, shown.out, shown.err.count("\n")) == (code, "", 1)
    assert message in shown.err
    assert not (tmp_path / "x").exists()


@pytest.mark.usefixtures("sources")
def test_a_folder_without_transparency_is_no_folder_of_cutouts(command):
    shown = command(
        "synthesize", "--photos", "photos", "--cutouts", "photos", "--out", "x", "--count", 1
    )
    assert shown.err.startswith("error: no pictures with transparency in photos: ")
    assert shown.code == 3


def test_progress_is_typed_lines_for_programs(command, sources):
    shown = command("synthesize", *sources, "--out", "pairs", "--count", 2, "--progress", "json")
    assert [event["type"] for event in shown.events] == ["start", "progress", "progress", "end"]
    assert shown.events[0] == {"type": "start", "item": "pairs", "windows": 2, "pixels": 8192}


def test_it_needs_no_torch(sources, tmp_path):
    words = ["synthesize", *sources, "--out", "pairs", "--count", "1"]
    code = (
        "import sys; sys.modules['torch'] = None; from foveate.cli.main import run;"
        f"sys.exit(run({words}))"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=tmp_path, timeout=120)


def test_training_and_held_out_pairs_share_no_picture(command: Command, sources, tmp_path):
    for name in ("photos/1.jpg", "cutouts/1.webp"):  # what training keeps becomes black
        pixels = np.zeros_like(read_picture(tmp_path / name))
        if name.startswith("cutouts"):
            pixels[5:, :, 3] = 255
        write_picture(tmp_path / name, pixels)
    brightness = {}
    for option in ("--training", "--held-out"):
        shown = command("synthesize", *sources, "--out", option[2:], "--count", 3, option, 1)
        assert shown.code == 0, shown.err
        sharp = [read_picture(path) for path in sorted((tmp_path / option[2:] / "sharp").iterdir())]
        brightness[option] = np.mean(sharp)
    dark = 30  # of noise and edges; a photo is brighter
    assert brightness["--training"] < dark < brightness["--held-out"]
    to = ("--out", "x", "--count", 1)
    shown = command("synthesize", *sources, *to, "--training", 1, "--held-out", 1)
    assert shown.code == 2
    assert "each takes what the other leaves" in shown.err
    shown = command("synthesize", *sources, *to, "--training", 2)
    assert shown.code == 3
    assert "too few pictures to hold some out: 2 photos and 2 cut-outs" in shown.err
