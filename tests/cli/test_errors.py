"""What every failure shows: exit code, one line that names the file, and nothing else."""

import os
from pathlib import Path

import pytest

from command import Command
from foveate.models.store import default_model
from pictures import photo, write_picture


def files(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


USAGE = [
    ("--scale 7", "--scale 7 is not possible: it goes from above 1 to 4"),
    ("--scale 1", "--scale 1 is not possible: it goes from above 1 to 4"),
    ("--scale nan", "--scale nan is not possible: it goes from above 1 to 4"),
    ("--strength 2", "--strength 2 is not possible: it goes from 0 to 1"),
    ("--strength nan", "--strength nan is not possible: it goes from 0 to 1"),
    (
        "--memory lots",
        "cannot read the memory size 'lots': expected a number and KiB, MiB or GiB"
        "; hint: write 512MiB or 1GiB",
    ),
    ("--threads 0", "--threads 0 is not possible: at least 1 is needed"),
    ("--width 0", "--width 0 is not possible: a picture has at least 1 pixel"),
    ("--max-pixels 0", "--max-pixels 0 is not possible; hint: at least 1"),
    ("--fit --width 40", "--fit needs both --width and --height"),
    ("--wrap z", "--wrap z is not possible; hint: use x, y or x,y"),
    (
        "--wrap x --strength 0.5",
        "--wrap and --strength below 1 do not go together"
        ": the plain resize that is mixed in does not tile",
    ),
    (
        "--wrap x --scale 1.5",
        "cannot wrap 24 x 16 to 36 x 24: the last resize from x2 does not tile"
        "; hint: use --scale 2 without --width and --height",
    ),
    (
        "--width 1000",
        "cannot enlarge 24 x 16 to 1000 x 667: that is 41.69 times, more than 4"
        "; hint: enlarge it twice",
    ),
    (
        "--width 12",
        "cannot enlarge 24 x 16 to 12 x 8: no side would grow"
        "; hint: ask for a larger --scale, --width or --height",
    ),
    (
        "--name {stem}{colour}",
        "cannot use --name '{stem}{colour}'"
        "; hint: fields: stem, scale, model, width, height, ext; no folders",
    ),
    (
        "--name ../{stem}",
        "cannot use --name '../{stem}'"
        "; hint: fields: stem, scale, model, width, height, ext; no folders",
    ),
    ("--name {stem", "cannot read --name '{stem': expected '}' before end of string"),
    ("--output-quality 0", "output quality 0 is not possible: it goes from 1 to 100"),
    (
        "-o out",
        "cannot tell the format of out: its name has no suffix"
        "; hint: end it in one of .jpg, .png, .webp, .tif, .avif",
    ),
    ("-o - --json", "--json and -o - both want standard output; hint: drop one of them"),
]


@pytest.mark.parametrize(("options", "message"), USAGE, ids=[options for options, _ in USAGE])
def test_options_that_mean_nothing(command, picture, tmp_path, options, message):
    shown = command("upscale", picture, *options.split())
    assert (shown.code, shown.err) == (2, f"error: {message}\n")
    assert files(tmp_path) == {"photo.png"}


def test_empty_words_are_refused_and_not_guessed_at(command: Command, picture: str):
    assert command("upscale", "").err == (
        "error: INPUT is empty; hint: name a picture, or - for standard input\n"
    )
    assert command("upscale", picture, "-o", "").err == (
        "error: -o is empty; hint: give -o FILE, -o - for a stream, or leave it out\n"
    )


def test_a_folder_is_told_to_come_later(command: Command, tmp_path: Path):
    (tmp_path / "holiday").mkdir()
    shown = command("upscale", "holiday")
    assert (shown.code, shown.err) == (
        2,
        "error: holiday is a folder: foveate takes one picture at a time; folders come in a later "
        'version; hint: for f in "holiday"/*; do foveate upscale "$f"; done\n',
    )


def test_a_missing_file(command: Command):
    shown = command("upscale", "nowhere.png")
    assert (shown.code, shown.out, shown.err) == (
        3,
        "",
        "error: cannot read nowhere.png: no such file; hint: check the name\n",
    )


def test_a_text_file_with_a_picture_s_name(command: Command, tmp_path: Path):
    (tmp_path / "notes.jpg").write_text("not a picture\n" * 20)
    shown = command("upscale", "notes.jpg")
    assert (shown.code, shown.err) == (
        3,
        "error: cannot read notes.jpg: it is not a picture"
        "; hint: use one of JPEG, PNG, WEBP, TIFF, AVIF, HEIC, GIF\n",
    )


@pytest.mark.parametrize("suffix", ["png", "jpg", "webp", "tif"])
def test_a_truncated_picture(command: Command, tmp_path: Path, suffix: str):
    whole = write_picture(tmp_path / f"half.{suffix}", photo(200, 300)).read_bytes()
    (tmp_path / f"half.{suffix}").write_bytes(whole[: len(whole) // 2])
    shown = command("upscale", f"half.{suffix}")
    assert shown.code == 3
    assert shown.err.startswith(f"error: cannot read half.{suffix}: ")
    assert shown.err.count("\n") == 1
    assert files(tmp_path) == {f"half.{suffix}"}


def test_an_output_that_exists_is_kept(command: Command, picture: str, tmp_path: Path):
    (tmp_path / "photo_x2.png").write_text("precious")
    shown = command("upscale", picture)
    assert (shown.code, shown.err) == (
        4,
        "error: cannot write photo_x2.png: the file exists; hint: use --overwrite to replace it\n",
    )
    assert (tmp_path / "photo_x2.png").read_text() == "precious"
    assert command("upscale", picture, "--overwrite").code == 0


def test_outputs_that_cannot_be(command: Command, picture: str, tmp_path: Path):
    (tmp_path / "folder.png").mkdir()
    for output, cause in (
        ("out.foo", "a file that ends in .foo: the suffix chooses the format, and this one is not"),
        ("nowhere/out.png", "nowhere/out.png: the folder does not exist; hint: make the folder"),
        ("folder.png", "folder.png: it is a folder; hint: add a file name"),
    ):
        shown = command("upscale", picture, "-o", output)
        assert shown.code == 4
        assert shown.err.startswith(f"error: cannot write {cause}")


def test_alpha_does_not_fit_into_jpeg(command: Command, tmp_path: Path):
    write_picture(tmp_path / "logo.png", photo(16, 16, 4))
    shown = command("upscale", "logo.png", "-o", "logo.jpg")
    assert (shown.code, shown.err) == (
        4,
        "error: cannot write JPEG of logo.png: it cannot hold transparency"
        "; hint: write .png, .webp, .tif or .avif\n",
    )


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write and read everywhere")
def test_no_permission(command: Command, picture: str, tmp_path: Path):
    (tmp_path / "closed").mkdir(mode=0o500)
    assert command("upscale", picture, "-o", "closed/out.png").code == 4
    (tmp_path / picture).chmod(0)
    assert command("upscale", picture).code == 3


def test_too_little_memory_says_what_would_do(command: Command, picture: str, tmp_path: Path):
    shown = command("upscale", picture, "--memory", "40MiB")
    assert shown.code == 5
    start, _, end = shown.err.partition(", --memory allows 40 MiB; hint: use --memory ")
    needed = start.removeprefix("error: not enough memory: needs ")
    assert end == needed.replace(" ", "") + "\n"
    assert command("plan", picture, "--memory", needed.replace(" ", "")).code == 0
    assert files(tmp_path) == {"photo.png"}


def test_a_device_that_is_not_here(command: Command, picture: str):
    shown = command("upscale", picture, "--device", "cuda")
    assert shown.code == 5
    assert shown.err.startswith("error: cannot use --device cuda: ")


def test_an_unknown_model_names_the_nearest(command: Command, picture: str):
    known = default_model(2)
    shown = command("upscale", picture, "--model", known[:-1])
    assert shown.code == 2
    assert shown.err.startswith(f"error: no model named {known[:-1]}: known: ")
    assert f"hint: did you mean {known}" in shown.err


def test_damaged_weights(command: Command, picture: str, tmp_path: Path, own_model):
    weights = tmp_path / "own models" / own_model.weights.file
    data = bytearray(weights.read_bytes())
    data[1000] ^= 1
    weights.write_bytes(data)
    shown = command("upscale", picture, "--model", own_model.id)
    assert shown.code == 6
    assert shown.err.startswith(f"error: weights {weights} are damaged: SHA-256 is ")
    weights.unlink()
    shown = command("upscale", picture, "--model", own_model.id)
    assert (shown.code, shown.err.partition(";")[0]) == (
        6,
        f"error: cannot read weights {weights}: No such file or directory",
    )
    assert files(tmp_path) == {"photo.png", "own models"}


def test_a_broken_card_of_one_s_own(command: Command, picture: str, tmp_path: Path, own_model):
    card = tmp_path / "own models" / f"{own_model.id}.toml"
    card.write_text(card.read_text().replace("scale = 2", 'scale = "two"'))
    shown = command("upscale", picture, "--model", own_model.id)
    assert (shown.code, shown.err) == (
        6,
        f"error: card {card} is not valid: Expected `int`, got `str` - at `$.scale`"
        "; hint: export the model again\n",
    )
    # It must not stand in the way of the others.
    assert command("upscale", picture).code == 0
    listed = command("models")
    assert (listed.code, default_model(2) in listed.out) == (0, True)
    assert listed.err.startswith(f"note: card {card} is not valid")
    assert any(str(card) in line for line in command("doctor", "--json").document["problems"])


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["evaluate", "--model", "{}", "--data", "nowhere"], 3, "cannot evaluate on nowhere: "),
        (
            ["evaluate", "--model", "{}", "--data", ".", "--degrade", "mp3"],
            2,
            "--degrade mp3 is not",
        ),
        (["bench", "--model", "{}", "--size", "big"], 2, "cannot read --size 'big'"),
        (["bench", "--model", "{}", "--size", "0x4"], 2, "cannot measure"),
        (["bench", "--model", "nothing-like-it"], 2, "no model named nothing-like-it"),
    ],
)
def test_measuring_commands_refuse_in_one_line(command, arguments, code, message):
    shown = command(*(word.format(default_model(2)) for word in arguments))
    assert shown.code == code
    assert shown.err.startswith(f"error: {message}")
    assert shown.err.count("\n") == 1


@pytest.mark.train
@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        ("train nowhere.toml --out run", 2, "cannot read recipe nowhere.toml: "),
        ("train r.toml --out run --set steps", 2, "--set steps: expected KEY=VALUE"),
        ("train r.toml --out run --set optimiser.speed=1", 2, "recipe r.toml does not hold: "),
        ("export nowhere.pt --id a", 3, "cannot read checkpoint nowhere.pt: "),
        ("import-weights nowhere.pth --family rt4ksr --id a", 3, "cannot read nowhere.pth: "),
    ],
)
def test_training_commands_refuse_in_one_line(command, tmp_path, arguments, code, message):
    (tmp_path / "r.toml").write_text("seed = 1\n")
    shown = command(*arguments.split())
    assert shown.code == code
    assert shown.err.startswith(f"error: {message}")
    assert shown.err.count("\n") == 1


def test_training_without_torch_names_the_extra(command: Command, monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    assert command("train", "r.toml", "--out", "run").err == (
        "error: foveate train needs PyTorch: it is not installed; upscaling works without it"
        "; hint: pip install 'foveate[train]'\n"
    )
