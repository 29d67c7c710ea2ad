"""What each command shows when all is well."""

import json
import re

import numpy as np
import pytest

from command import Command, child
from foveate.models.store import default_model, list_cards
from pictures import photo, read_picture, write_picture

REPORT = {
    "input", "output", "model", "engine", "input_size", "output_size", "windows", "seconds",
    "peak_memory_bytes", "warnings",
}  # fmt: skip


def test_upscale_tells_what_it_wrote_on_stderr(command: Command, picture: str, tmp_path):
    shown = command("upscale", picture)
    assert (shown.code, shown.out) == (0, "")
    line = rf"photo_x2\.png: 48 x 32, {re.escape(default_model(2))}, \d+\.\d\d s\n"
    assert re.fullmatch(line, shown.err)
    assert read_picture(tmp_path / "photo_x2.png").shape == (32, 48, 3)


def test_upscale_json_is_the_report_and_nothing_else(command: Command, picture: str):
    shown = command("upscale", picture, "-o", "out.jpg", "--json")
    assert (shown.code, shown.err) == (0, "")
    assert shown.out.count("\n") == 1
    report = shown.document
    assert set(report) == REPORT
    assert (report["input"], report["output"]) == ("photo.png", "out.jpg")
    assert (report["input_size"], report["output_size"]) == ([24, 16], [48, 32])
    assert report["model"] == default_model(2)
    assert report["engine"].startswith("onnxruntime ")
    assert report["windows"] == 1
    assert {"plan", "open", "read", "network", "write", "total"} == set(report["seconds"])
    assert 20e6 < report["peak_memory_bytes"] < 4e9
    assert report["warnings"] == []


def test_json_of_a_failure_is_one_document(command: Command):
    shown = command("upscale", "nowhere.png", "--json")
    message = "cannot read nowhere.png: no such file; hint: check the name"
    assert shown.document == {"type": "error", "code": 3, "message": message}
    assert (shown.code, shown.err) == (3, f"error: {message}\n")


def test_json_of_a_wrong_option_is_one_document(command: Command):
    shown = command("upscale", "nowhere.png", "--json", "--bogus")
    assert (shown.code, shown.document["type"], shown.document["code"]) == (2, "error", 2)


def test_warnings_are_told_and_reported(command: Command, picture: str):
    shown = command("upscale", picture, "--output-quality", "50", "--json")
    note = "PNG is lossless: the output quality has no effect"
    assert shown.document["warnings"] == [note]
    assert shown.err == f"note: photo.png: {note}\n"
    shown = command("plan", picture, "-o", "other.png", "--output-quality", "50", "--json")
    assert shown.document["warnings"] == [note]


def test_what_the_format_drops_is_told_and_reported(command: Command, tmp_path):
    write_picture(tmp_path / "scan.tif", photo(16, 24, 1, "uint16"))
    shown = command("upscale", "scan.tif", "-o", "scan.webp", "--json")
    notes = shown.document["warnings"]
    assert notes == [
        "16 bits per sample reduced to 8",
        "WEBP has no grey: stored as equal red, green and blue",
    ]
    assert shown.err == "".join(f"note: scan.tif: {note}\n" for note in notes)


def test_progress_json_gives_typed_lines_and_no_other_word(command: Command, picture: str):
    shown = command("upscale", picture, "--progress", "json", "--output-quality", "50")
    assert (shown.code, shown.out) == (0, "")
    assert all(next(iter(event)) == "type" for event in shown.events)
    types = [event["type"] for event in shown.events]
    assert types == ["warning", "start", "progress", "file", "end"]
    _, start, progress, file, end = shown.events
    assert start == {"type": "start", "item": "photo.png", "windows": 1, "pixels": 48 * 32}
    assert (progress["windows_done"], progress["remaining_s"]) == (1, 0)
    assert (file["output"], end) == ("photo_x2.png", {"type": "end", "code": 0})


@pytest.mark.parametrize("style", [["--progress", "json"], ["--progress=json"]])
def test_progress_json_of_a_failure_ends_with_its_code(command: Command, style: list[str]):
    shown = command("upscale", "nowhere.png", *style)
    message = "cannot read nowhere.png: no such file; hint: check the name"
    assert shown.events == [
        {"type": "error", "item": "nowhere.png", "message": message},
        {"type": "end", "code": 3},
    ]
    shown = command("upscale", "nowhere.png", *style, "--bogus")
    assert [event["type"] for event in shown.events] == ["error", "end"]
    assert shown.events[-1]["code"] == 2


def test_no_bar_is_drawn_where_there_is_no_terminal(command: Command, picture: str):
    for style in ("auto", "none"):
        assert "\x1b" not in command("upscale", picture, "--overwrite", "--progress", style).err


def test_standard_input_and_output(command: Command, picture: str, tmp_path):
    done = child("upscale", "-", "-o", "-", input=(tmp_path / picture).read_bytes())
    assert (done.returncode, done.stderr) == (0, b"")
    (tmp_path / "out.png").write_bytes(done.stdout)
    command("upscale", picture)
    assert np.array_equal(
        read_picture(tmp_path / "out.png"), read_picture(tmp_path / "photo_x2.png")
    )


def test_standard_input_needs_a_place_and_a_picture():
    done = child("upscale", "-", input=b"some bytes")
    assert (done.returncode, done.stderr.partition(b":")[0]) == (3, b"error")
    done = child("upscale", "-", "-o", "-", input=b"")
    assert done.returncode == 3
    assert done.stderr == (
        b"error: cannot read standard input: the file is empty; hint: get it again\n"
    )


def test_plan_computes_nothing_and_tells_the_cost(command: Command, picture: str, tmp_path):
    shown = command("plan", picture, "--memory", "1GiB", "--json")
    assert (shown.code, shown.err) == (0, "")
    plan = shown.document
    assert plan["output_size"] == [48, 32]
    assert plan["model"] == default_model(2)
    assert (plan["windows"], plan["memory_limit"]) == (1, 1 << 30)
    card = next(entry.card for entry in list_cards() if entry.card.id == plan["model"])
    assert plan["macs"] == 24 * 16 * card.macs_per_lr_pixel
    parts = {name: size for name, size in plan["memory"].items() if name != "total"}
    assert sum(parts.values()) == plan["memory"]["total"] < 1 << 30
    assert 0 < plan["seconds"] < 1
    assert {path.name for path in tmp_path.iterdir()} == {"photo.png"}


def test_a_self_ensemble_is_another_picture_and_takes_as_many_times_as_long(
    command, picture, tmp_path
):
    plans = [command("plan", picture, "--self-ensemble", runs, "--json").document for runs in "124"]
    assert [plan["macs"] for plan in plans] == [n * plans[0]["macs"] for n in (1, 2, 4)]
    assert [plan["seconds"] for plan in plans] == [n * plans[0]["seconds"] for n in (1, 2, 4)]
    for runs in "14":
        made = command("upscale", picture, "-o", f"{runs}.png", "--self-ensemble", runs)
        assert made.code == 0
    assert (read_picture(tmp_path / "1.png") != read_picture(tmp_path / "4.png")).any()
    refused = command("upscale", picture, "--self-ensemble", "3")
    assert (refused.code, "'3' is not one of" in refused.err) == (2, True)


def test_plan_of_an_output_that_exists_says_that_a_run_would_refuse(command, picture, tmp_path):
    assert command("plan", picture, "--json").document["output_exists"] is False
    (tmp_path / "photo_x2.png").write_text("precious")
    shown = command("plan", picture, "--json")
    note = "photo_x2.png exists: a run would refuse without --overwrite"
    assert (shown.code, shown.document["output_exists"]) == (0, True)
    assert shown.document["warnings"] == [note]
    assert command("plan", picture).err == f"note: {note}\n"
    allowed = command("plan", picture, "--overwrite", "--json").document
    assert (allowed["output_exists"], allowed["warnings"]) == (True, [])
    assert (tmp_path / "photo_x2.png").read_text() == "precious"


def test_plan_in_words(command: Command, picture: str):
    shown = command("plan", picture)
    assert shown.code == 0
    names = dict.fromkeys(line.split()[0] for line in shown.out.splitlines())
    assert " ".join(names) == "input output model engine windows cost memory time choice"


def test_plan_of_a_plain_resize_needs_no_network(command: Command, picture: str):
    plan = command("plan", picture, "--strength", "0", "--json").document
    assert (plan["model"], plan["engine"], plan["windows"], plan["macs"]) == ("", "", 0, 0)
    shown = command("plan", picture, "--strength", "0").out
    assert "none: a plain resize" in shown
    assert "time" not in shown


def test_plan_refuses_what_upscale_would(command: Command, picture: str):
    options = [picture, "-o", "out.xyz"]
    assert command("plan", *options) == command("upscale", *options)


def test_models_in_words_and_as_data(command: Command, own_model):
    shown = command("models")
    assert shown.code == 0
    document = command("models", "--json").document
    listed = {model["id"]: model["where"] for model in document["models"]}
    assert (listed[own_model.id], listed[default_model(2)]) == ("own", "shipped")
    assert all(f"{model_id}  (" in shown.out for model_id in listed)


def test_doctor_verifies_every_model_and_names_what_is_missing(command: Command, own_model):
    facts = command("doctor", "--json").document
    assert f"{own_model.id} (own, verified)" in facts["models"]
    assert {line.split(":")[0] for line in facts["engines"]} == {"onnxruntime", "openvino"}
    assert {line.split(":")[0] for line in facts["extras"]} == {"heic", "openvino", "train"}
    assert facts["pictures"].startswith("libvips ")
    assert facts["problems"] == ["none"]
    shown = command("doctor")
    assert (shown.code, shown.err) == (0, "")
    assert "problems     none\n" in shown.out


def test_evaluate_prints_rows_side_by_side(command: Command, tmp_path, own_model):
    (tmp_path / "set" / "HR").mkdir(parents=True)
    write_picture(tmp_path / "set" / "HR" / "a.png", photo(40, 48))
    arguments = ["evaluate", "--model", own_model.id, "--data", "set"]
    document = command(*arguments, "--json").document
    assert [row["name"] for row in document["rows"]] == [own_model.id, "bicubic"]
    assert all({"name", "images", "psnr_y", "ssim_y"} <= set(row) for row in document["rows"])
    shown = command(*arguments)
    assert re.fullmatch(r"tiny_x2\.test +1 .* dB  0\.\d{4}\nbicubic +1 .*\n", shown.out)
    assert shown.err.startswith("set x2: ")


def test_an_infinite_psnr_is_null_in_json(command: Command, tmp_path, own_model):
    (tmp_path / "set" / "HR").mkdir(parents=True)
    write_picture(tmp_path / "set" / "HR" / "flat.png", np.full((40, 48, 3), 90, np.uint8))
    arguments = ["evaluate", "--model", own_model.id, "--data", "set"]

    def refuse(word):
        raise AssertionError(f"{word} is not JSON")

    shown = command(*arguments, "--json")
    model, bicubic = json.loads(shown.out, parse_constant=refuse)["rows"]
    assert (bicubic["psnr_y"], bicubic["psnr_y_infinite"], bicubic["ssim_y"]) == (None, True, 1)
    assert model["psnr_y"] > 20
    assert model["psnr_y_infinite"] is False
    assert "inf dB" in command(*arguments).out


def test_bench_measures(command: Command, own_model, tmp_path):
    card = tmp_path / "own models" / f"{own_model.id}.toml"
    shown = command("bench", "--model", card, "--size", "32x24", "--rounds", "2", "--json")
    speed = json.loads(shown.out)
    assert (speed["model"], speed["width"], speed["height"]) == (own_model.id, 32, 24)
    assert 0 < speed["min_ms"] <= speed["median_ms"] <= speed["max_ms"]
    assert min(speed["megapixels_per_s"], speed["gflops"], speed["peak_memory_bytes"]) > 0
