"""What commands say of a deblurring model: they work with it, or name the command that does."""

import numpy as np
import pytest

from command import Command
from foveate.models.store import default_model, own_folder
from foveate.pipelines.deblur_costs import plan_of
from foveate.pipelines.deblur_options import DeblurOptions
from foveate.pipelines.deblur_prepare import prepare_deblur
from pictures import write_picture
from strategies import noise, write_tiny_deblur

MODEL = "tiny_deblur.test"


@pytest.fixture
def model(command):  # noqa: ARG001 - it says where own models are
    return write_tiny_deblur(own_folder())


@pytest.mark.usefixtures("model")
def test_models_lists_it_with_what_a_sharp_picture_costs(command: Command):
    shown = command("models")
    assert f"{MODEL}  (own, Apache-2.0)" in shown.out
    assert (
        "  deblurs, for tests; 1,300 MACs per LR pixel, 5,000 parameters, 100 MACs where"
        in shown.out
    )
    card = next(c for c in command("models", "--json").document["models"] if c["id"] == MODEL)
    assert card["deblur"] == {
        "skeleton_macs_per_pixel": 1000,
        "look_macs_per_pixel": 100,
        "block_macs": {},
        "entry": 1.0,
        "evidence": 0.0,
        "everywhere": None,
        "strip_macs": {},
    }


def test_doctor_verifies_it(command: Command, model):
    assert f"{MODEL} (own, verified)" in command("doctor").out
    model.with_suffix(".zip").write_bytes(b"no")
    assert f"{MODEL}.zip are damaged" in command("doctor").out


@pytest.mark.parametrize("by_path", [False, True])
def test_upscale_names_the_command_for_it(command: Command, model, picture, by_path):
    name = str(model.with_suffix(".zip")) if by_path else MODEL
    shown = command("upscale", picture, "--model", name)
    message = f"error: {MODEL} does not upscale: it is made to deblur; hint: use foveate deblur\n"
    assert (shown.code, shown.err) == (2, message)


@pytest.mark.usefixtures("model")
def test_bench_times_an_area_by_what_is_kept(command: Command):
    document = command("bench", "--model", MODEL, "--rounds", "2", "--json").document
    assert (document["model"], document["side"], document["rounds"]) == (MODEL, 64, 2)
    times = {way["name"]: way["min_ms"] for way in document["ways"]}
    assert list(times) == ["all kept", "10 % kept", "nothing kept", "look"]
    assert all(time > 0 for time in times.values())
    assert "nothing kept min " in command("bench", "--model", MODEL, "--rounds", "1").out


@pytest.mark.usefixtures("model")
def test_bench_of_a_deblurring_model_says_what_it_cannot_use(command: Command):
    shown = command("bench", "--model", MODEL, "--engine", "openvino")
    assert (shown.code, "ONNX Runtime only" in shown.err) == (2, True)


def write_pairs(folder, count=2):
    for kind in ("blur", "sharp", "mask"):
        (folder / kind).mkdir(parents=True)
    for i in range(count):
        sharp = noise(70, 90, seed=i)
        mask = np.zeros((70, 90, 1), np.uint8)
        mask[:30, :40] = 255
        write_picture(folder / "blur" / f"{i}.png", sharp // 2)
        write_picture(folder / "sharp" / f"{i}.png", sharp)
        write_picture(folder / "mask" / f"{i}.png", mask)


@pytest.mark.usefixtures("model")
def test_evaluate_measures_pairs_beside_the_blurry_input(command: Command, tmp_path):
    write_pairs(tmp_path / "set")
    document = command("evaluate", "--model", MODEL, "--data", "set", "--json").document
    restored, blurry = document["rows"]
    assert (restored["name"], blurry["name"], blurry["images"]) == (MODEL, "blurry", 2)
    assert 0 < restored["kept"] < 1
    assert blurry["kept"] == 0
    assert restored["psnr"] != blurry["psnr"]
    shown = command("evaluate", "--model", MODEL, "--data", "set", "--pictures", "--limit", "1")
    assert f"0: {MODEL}" in shown.out
    assert "0: blurry" in shown.out


@pytest.mark.usefixtures("model")
def test_evaluate_tells_what_it_cannot_use(command: Command, tmp_path):
    (tmp_path / "set").mkdir()
    shown = command("evaluate", "--model", MODEL, "--data", "set")
    assert (shown.code, "there is no folder blur/" in shown.err) == (3, True)
    shown = command("evaluate", "--model", MODEL, "--data", "set", "--degrade", "jpeg:q=75")
    assert (shown.code, "cannot use --degrade" in shown.err) == (2, True)


def test_deblur_names_the_command_for_an_upscaling_model(command: Command, picture):
    shown = command("deblur", picture, "--model", default_model(2))
    assert (shown.code, "it is made to upscale; hint: use foveate upscale" in shown.err) == (
        2,
        True,
    )


@pytest.mark.usefixtures("model")
def test_plan_tells_what_deblurring_would_cost(command: Command, picture, tmp_path):
    plan = command("plan", picture, "--model", MODEL, "--threads", "1", "--json").document
    assert (plan["input"], plan["output"]) == (picture, "photo_deblurred.png")
    assert plan["input_size"] == plan["output_size"] == [24, 16]
    assert (plan["windows"], plan["workers"], plan["output_exists"]) == (1, 1, False)
    assert (plan["macs"], plan["look_macs"]) == (64 * 64 * 1300, 64 * 64 * 100)  # one area of 64
    assert plan["seconds"] > plan["look_seconds"] > 0
    assert plan["memory"]["total"] < plan["memory_limit"]
    assert plan["warnings"] == []
    often = command("plan", picture, "--model", MODEL, "--self-ensemble", "2", "--json").document
    assert (often["macs"], often["look_macs"]) == (2 * plan["macs"], plan["look_macs"])
    (tmp_path / plan["output"]).touch()
    shown = command("plan", picture, "--model", MODEL, "--threads", "1")
    assert shown.err == f"note: {plan['output']} exists: a run would refuse without --overwrite\n"
    assert "billion multiply-adds if all is blurred, 0.0 billion if nothing" in shown.out
    assert "s of network if all is blurred, " in shown.out
    assert "choice" not in shown.out


@pytest.mark.usefixtures("model")
def test_plan_refuses_what_deblurring_has_no_use_for(command: Command, picture):
    shown = command("plan", picture, "--model", MODEL, "--scale", "2", "--wrap", "x")
    why = f"--scale, --wrap with --model {MODEL}: it deblurs, and keeps the size"
    assert (shown.code, shown.err) == (2, f"error: {why}; hint: drop one of them\n")


@pytest.mark.usefixtures("model")
def test_plan_refuses_what_deblur_would(command: Command, picture):
    options = (picture, "--model", MODEL, "--memory", "1MiB")
    assert command("plan", *options) == command("deblur", *options)


@pytest.mark.parametrize(("size", "share"), [((190, 130), 0.5), ((30, 30), 1)])
def test_the_busiest_worker_sets_the_time(monkeypatch, model, tmp_path, size, share):
    """By whole areas: small pictures are padded, and alpha is no work of the network."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr("foveate.plan.speed.measure_lr_pixels_per_s", lambda *_: 1000.0)
    source = write_picture(tmp_path / "p.png", noise(*size, bands=4))
    options = DeblurOptions(model=model, threads=2)
    job = prepare_deblur(source, None, options, only_plan=True)
    plan = plan_of(job)
    assert plan["seconds"] == job.plan.windows * 64 * 64 * share / 1000
