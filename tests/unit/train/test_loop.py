"""The loop: it learns, resumes to the identical curve, and runs in two processes."""

import json
import os
import subprocess
import sys

import msgspec
import pytest

torch = pytest.importorskip("torch", reason="needs the extra 'train'")
pytestmark = pytest.mark.train

from foveate.errors import InputError, UsageError
from foveate.train import precision, tasks
from foveate.train.checkpoint import read_checkpoint
from foveate.train.loop import train


def curve(folder):
    lines = [json.loads(line) for line in (folder / "log.jsonl").read_text().splitlines()]
    return [{k: v for k, v in line.items() if k != "images_per_s"} for line in lines]


def test_training_improves_on_bicubic_and_leaves_log_and_plot(recipe, tmp_path):
    train(recipe, tmp_path / "run")
    last = [line for line in curve(tmp_path / "run") if "psnr_y" in line][-1]
    assert last["step"] == 200
    assert last["psnr_y"] > last["bicubic_psnr_y"] + 0.1
    assert (tmp_path / "run" / "curve.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize("degrade", ["bicubic", "photo"])
def test_a_stopped_run_resumes_to_the_identical_curve_and_weights(
    recipe, tmp_path, monkeypatch, degrade
):
    data = msgspec.structs.replace(recipe.data, degrade=degrade, refresh=30)
    recipe = msgspec.structs.replace(recipe, data=data)
    whole = train(recipe, tmp_path / "whole")

    calls = 0

    def dies_at_140(*args):
        nonlocal calls
        calls += 1
        if calls == 140:
            raise KeyboardInterrupt
        return original(*args)

    original = tasks.restoration_loss
    monkeypatch.setattr(tasks, "restoration_loss", dies_at_140)
    with pytest.raises(KeyboardInterrupt):
        train(recipe, tmp_path / "cut")
    monkeypatch.setattr(tasks, "restoration_loss", original)
    assert read_checkpoint(tmp_path / "cut" / "checkpoint.pt").step == 100
    cut = train(recipe, tmp_path / "cut", resume=True)

    assert curve(tmp_path / "cut") == curve(tmp_path / "whole")
    one, other = read_checkpoint(whole), read_checkpoint(cut)
    assert all(torch.equal(v, other.average[k]) for k, v in one.average.items())


def test_bfloat16_that_the_processor_lacks_is_float32_and_told(recipe, tmp_path, monkeypatch):
    def short(bf16):
        optimiser = msgspec.structs.replace(recipe.optimiser, steps=2, bf16=bf16, kernels="muon")
        return msgspec.structs.replace(recipe, optimiser=optimiser)

    monkeypatch.setattr(precision, "has_bfloat16", lambda: False)
    told = []
    found = read_checkpoint(train(short(bf16=True), tmp_path / "bf16", tell=told.append))
    assert [line for line in told if "bfloat16" in line]
    expected = read_checkpoint(train(short(bf16=False), tmp_path / "f32"))
    assert all(torch.equal(v, found.net[k]) for k, v in expected.net.items())
    assert found.recipe["optimiser"]["bf16"]

    monkeypatch.setattr(precision, "has_bfloat16", lambda: True)
    rounded = read_checkpoint(train(short(bf16=True), tmp_path / "has", tell=told.append))
    assert not all(torch.equal(v, rounded.net[k]) for k, v in expected.net.items())
    assert len([line for line in told if "bfloat16" in line]) == 1


def test_minutes_stop_the_run_with_a_checkpoint(recipe, tmp_path):
    path = train(recipe, tmp_path / "run", minutes=0)
    assert read_checkpoint(path).step == 1


def test_an_existing_run_is_not_overwritten_and_another_recipe_not_resumed(recipe, tmp_path):
    train(recipe, tmp_path / "run", minutes=0)
    with pytest.raises(UsageError, match="already holds a run"):
        train(recipe, tmp_path / "run")
    other = msgspec.structs.replace(recipe, seed=1)
    with pytest.raises(UsageError, match="its recipe was another one"):
        train(other, tmp_path / "run", resume=True)


def test_no_photos_is_told(recipe, tmp_path):
    data = msgspec.structs.replace(recipe.data, folders=(str(tmp_path),))
    with pytest.raises(InputError, match="no photos to train on"):
        train(msgspec.structs.replace(recipe, data=data), tmp_path / "run")


def test_two_processes_train_one_net(recipe, tmp_path):
    path = tmp_path / "recipe.toml"
    folders = json.dumps(list(recipe.data.folders))
    path.write_text(
        f"[net.options]\nscale = 2\nfeatures = 8\nblocks = 1\nanchor = 'bicubic'\nnorm = false\n"
        f"[data]\nfolders = {folders}\npatch = 16\nbatch = 4\nvalidation = 1\n"
        "[optimiser]\nsteps = 100\nkernels = 'muon'\nkernel_rate = 0.01\nwarmup = 10\n"
    )
    command = [
        sys.executable,
        "-m",
        "torch.distributed.run",
        "--nproc-per-node",
        "2",
        "--standalone",
    ]
    command += [
        "-m",
        "foveate",
        "train",
        str(path),
        "--out",
        str(tmp_path / "run"),
        "--threads",
        "1",
    ]
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=120, check=False, env=os.environ
    )
    assert done.returncode == 0, done.stderr
    last = [line for line in curve(tmp_path / "run") if "psnr_y" in line][-1]
    assert last["step"] == 100
    assert last["psnr_y"] > last["bicubic_psnr_y"]
