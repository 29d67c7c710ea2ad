"""`--quality`: which model each lane is, what stands in for it, and what `plan` says of each."""

import hashlib
import json
import re

import msgspec
import pytest

from command import Command
from foveate.cli.upscale import command as upscale
from foveate.models import store
from foveate.models.card import WeightsFacts
from foveate.models.write import write_card
from foveate.pipelines.options import UpscaleOptions
from strategies import TINY, make_card

LANES = {"fast": "rt4ksr_x2.photo", "balanced": "rt4ksr_l_x2.photo", "best": "esrt_x2.photo"}


def ship(folder, model_id, **facts):
    """The tiny network under the id of a model that ships."""
    data = TINY.read_bytes()
    weights = WeightsFacts(f"{model_id}.onnx", hashlib.sha256(data).hexdigest(), len(data))
    card = msgspec.structs.replace(make_card(), id=model_id, weights=weights, **facts)
    (folder / weights.file).write_bytes(data)
    write_card(card, folder / f"{model_id}.toml")


@pytest.fixture(autouse=True)
def shipped(tmp_path, monkeypatch):
    folder = tmp_path / "shipped"
    folder.mkdir()
    monkeypatch.setattr(store, "SHIPPED", folder)
    for macs, model_id in enumerate([*LANES.values(), "rt4ksr_x2.bicubic"], 1000):
        ship(folder, model_id, macs_per_lr_pixel=macs)
    return folder


def test_the_command_offers_the_lanes_there_are():
    (option,) = (option for option in upscale.params if option.name == "quality")
    assert list(option.type.choices) == list(store.LANES) == list(LANES)


@pytest.mark.parametrize("lane", LANES)
def test_a_lane_is_its_photo_model_and_the_report_says_which(command, picture, lane):
    report = command("upscale", picture, "--quality", lane, "--json").document
    assert (report["model"], report["warnings"]) == (LANES[lane], [])


def test_without_the_option_it_is_fast(command: Command, picture):
    assert command("plan", picture, "--json").document["model"] == LANES["fast"]


def test_a_model_wins_and_it_is_told(command: Command, picture):
    options = ["--quality", "best", "--model", "rt4ksr_x2.bicubic", "--json"]
    shown = command("upscale", picture, *options)
    note = "--model rt4ksr_x2.bicubic is taken: --quality best has no effect"
    assert (shown.document["model"], shown.document["warnings"]) == ("rt4ksr_x2.bicubic", [note])
    assert shown.err == f"note: photo.png: {note}\n"


@pytest.mark.parametrize(
    "case",
    [
        (["esrt_x2.photo"], "best", "rt4ksr_l_x2.photo"),
        (["esrt_x2.photo", "rt4ksr_l_x2.photo"], "best", "rt4ksr_x2.photo"),
        (["rt4ksr_l_x2.photo"], "balanced", "rt4ksr_x2.photo"),
        (["rt4ksr_x2.photo", "rt4ksr_x2.bicubic"], "fast", "rt4ksr_l_x2.photo"),
    ],
)
def test_the_next_lower_lane_stands_in_and_it_is_told(command, picture, shipped, case):
    gone, lane, instead = case
    for model_id in gone:
        (shipped / f"{model_id}.toml").unlink()
    report = command("upscale", picture, "--quality", lane, "--json").document
    note = f"no model of --quality {lane} ships at scale 2: {instead} is taken instead"
    assert (report["model"], report["warnings"]) == (instead, [note])


def test_a_lane_with_no_photo_model_is_its_bicubic_one_and_it_is_told(command, picture, shipped):
    (shipped / "esrt_x2.photo.toml").unlink()
    ship(shipped, "esrt_x2.bicubic")
    report = command("upscale", picture, "--quality", "best", "--json").document
    note = "no model for photos ships in --quality best: esrt_x2.bicubic is for clean pictures"
    assert (report["model"], report["warnings"]) == ("esrt_x2.bicubic", [note])


def test_without_the_option_a_scale_with_no_photo_model_is_told(command, picture, shipped):
    for model_id in LANES.values():
        (shipped / f"{model_id}.toml").unlink()
    report = command("upscale", picture, "--json").document
    note = "no model for photos ships at scale 2: rt4ksr_x2.bicubic is for clean pictures"
    assert (report["model"], report["warnings"]) == ("rt4ksr_x2.bicubic", [note])


@pytest.mark.usefixtures("own_model")
def test_the_users_own_model_is_no_lane(command: Command, picture, shipped, tmp_path):
    (shipped / "esrt_x2.photo.toml").unlink()
    ship(tmp_path / "own models", "esrt_x2.photo")
    plan = command("plan", picture, "--quality", "best", "--json").document
    assert plan["model"] == "rt4ksr_l_x2.photo"


def test_a_lane_that_is_none_is_refused(command: Command, picture):
    assert command("upscale", picture, "--quality", "finest").code == 2
    with pytest.raises(store.UsageError, match="use fast, balanced, best"):
        UpscaleOptions(lane="finest")


def test_plan_shows_every_choice_and_marks_its_own(command: Command, picture):
    shown = command("plan", picture, "--quality", "balanced", "--json")
    plan = json.loads(shown.out)
    choices = plan["choices"]
    assert {choice["lane"]: choice["model"] for choice in choices} == LANES
    assert [choice["chosen"] for choice in choices] == [False, True, False]
    assert all(choice["seconds"] > 0 and choice["problem"] == "" for choice in choices)
    (own,) = (choice for choice in choices if choice["chosen"])
    assert (own["seconds"], own["macs"]) == (plan["seconds"], plan["macs"])
    assert own["memory_bytes"] == plan["memory"]["total"]
    words = [line for line in command("plan", picture).out.splitlines() if "choice" in line]
    line = r"choice   (\w+): (\S+), about \d\.\d\d s, at most \d+ MiB( \(chosen\))?"
    found = [re.fullmatch(line, word).groups() for word in words]
    marks = [" (chosen)", None, None]
    assert found == [(*item, mark) for item, mark in zip(LANES.items(), marks, strict=True)]


def test_a_choice_is_what_its_own_plan_says(command: Command, picture, shipped):
    ship(shipped, "esrt_x2.photo", session_bytes_per_lr_pixel=90_000, macs_per_lr_pixel=9000)
    best = command("plan", picture, "--json").document["choices"][2]
    assert not best["chosen"]
    own = command("plan", picture, "--quality", "best", "--json").document
    assert best["memory_bytes"] == own["memory"]["total"] > 100 << 20
    assert best["macs"] == own["macs"]
    assert best["seconds"] == own["seconds"]  # the speed is measured once, then remembered


def test_a_choice_that_does_not_fit_or_is_damaged_says_so_and_stops_nothing(
    command: Command, picture, shipped
):
    ship(shipped, "rt4ksr_l_x2.photo", session_bytes_per_lr_pixel=9_000_000, macs_per_lr_pixel=2000)
    (shipped / "esrt_x2.photo.onnx").write_bytes(b"damaged")
    shown = command("plan", picture, "--memory", "1GiB", "--json")
    fast, balanced, best = shown.document["choices"]
    assert (shown.code, fast["chosen"], fast["problem"]) == (0, True, "")
    assert re.fullmatch(r"not enough memory: needs \d+ MiB, .*allows 1024 MiB", balanced["problem"])
    assert "esrt_x2.photo.onnx are damaged" in best["problem"]
    for choice in (balanced, best):
        assert (choice["seconds"], choice["memory_bytes"], choice["macs"]) == (None, None, None)
    assert "choice   balanced: rt4ksr_l_x2.photo, not enough memory: needs" in (
        command("plan", picture, "--memory", "1GiB").out
    )


def test_a_model_outside_the_lanes_is_a_choice_of_its_own(command, picture):
    shown = command("plan", picture, "--model", "rt4ksr_x2.bicubic", "--json").document["choices"]
    chosen = [(choice["lane"], choice["chosen"]) for choice in shown]
    assert chosen == [("fast", False), ("balanced", False), ("best", False), ("", True)]
    words = command("plan", picture, "--model", "rt4ksr_x2.bicubic").out.splitlines()[-1]
    assert words.startswith("choice   --model: rt4ksr_x2.bicubic, about ")


def test_a_plain_resize_has_no_choices(command: Command, picture):
    assert command("plan", picture, "--strength", "0", "--json").document["choices"] == []
