"""The deblurring task: it learns, resumes to the same weights, and refuses half a recipe."""

import json
from pathlib import Path

import msgspec
import numpy as np
import pytest
from tests.unit.train.conftest import write_png

torch = pytest.importorskip("torch", reason="needs the extra 'train'")
pytestmark = pytest.mark.train

from foveate.errors import UsageError
from foveate.nets.build import build_net
from foveate.nets.lmdvit import SHIPPED, LMDViT
from foveate.train.blur.pairs import DeblurData, DeblurPatches
from foveate.train.checkpoint import read_checkpoint
from foveate.train.loop import train
from foveate.train.recipe import (
    DeblurSettings,
    LogSettings,
    NetSettings,
    OptimiserSettings,
    Recipe,
    read_recipe,
)
from foveate.train.tasks import add_needless, make_task

TINY = {"width": 4, "depths": [1, 2, 1], "heads": [1, 1, 1], "predictor": "light", "look": 4}
TINY |= {"down": 2, "drop_path": 0.1}


@pytest.fixture(scope="module")
def pairs(tmp_path_factory):
    folder = tmp_path_factory.mktemp("pairs")
    for part in ("blur", "sharp", "mask"):
        (folder / part).mkdir()
    random = np.random.default_rng(0)
    for name in range(3):
        sharp = np.kron(
            random.integers(0, 256, (16, 16, 3), np.uint8), np.ones((4, 4, 1), np.uint8)
        )
        blurry, mask = sharp.copy(), np.zeros_like(sharp)
        half = sharp[:, :32].astype(int)
        blurry[:, :32] = (
            half + np.roll(half, 1, 1) + np.roll(half, 2, 1) + np.roll(half, 3, 1)
        ) // 4
        mask[:, :32] = 255
        for part, pixels in (("blur", blurry), ("sharp", sharp), ("mask", mask)):
            write_png(folder / part / f"{name}.png", pixels)
    return folder


def recipe_of(pairs, decisions="mask", steps=12, rate=0.005):
    return Recipe(
        net=NetSettings("lmdvit", TINY),
        deblur=DeblurSettings(
            DeblurData(pairs=(str(pairs),), patch=64, batch=2), decisions=decisions, held_out=0
        ),
        optimiser=OptimiserSettings(steps, "muon", rate, rate=rate, warmup=2),
        log=LogSettings(validate_every=1000, save_every=4),
    )


def new_net(options):
    torch.manual_seed(0)
    return build_net("lmdvit", options)


def losses_of(task, net, steps):
    """Each step's loss while Adam trains the net."""
    optimiser, losses = torch.optim.Adam(net.parameters(), 2e-3), []
    for step in range(steps):
        optimiser.zero_grad()
        loss = task.loss(net, step)
        loss.backward()
        optimiser.step()
        losses.append(loss.item())
    return losses


@pytest.mark.parametrize("decisions", ["mask", "chance"])
def test_a_stopped_run_goes_on_to_the_same_weights(pairs, tmp_path, monkeypatch, decisions):
    recipe = recipe_of(pairs, decisions)
    monkeypatch.setattr("foveate.train.tasks.DeblurTask.validate", lambda *_: {"psnr": 0.0})
    whole = read_checkpoint(train(recipe, tmp_path / "whole"))
    train(recipe, tmp_path / "parts", minutes=1e-9)
    parts = train(recipe, tmp_path / "parts", resume=True)
    assert read_checkpoint(parts).step == 12
    for name, tensor in read_checkpoint(parts).net.items():
        assert torch.equal(tensor, whole.net[name]), name


@pytest.mark.parametrize("decisions", ["mask", "chance"])
def test_the_loss_falls(pairs, decisions):
    losses = losses_of(make_task(recipe_of(pairs, decisions), 0), new_net(TINY), 40)
    assert np.mean(losses[-8:]) < np.mean(losses[:8]) - 0.01


def test_validation_counts_what_it_says(pairs):
    task = make_task(recipe_of(pairs), 0)
    task._held_out = [task._patches._sources[0].draw(np.random.default_rng(n)) for n in range(2)]
    scores = task.validate(build_net("lmdvit", TINY).eval())
    assert scores["psnr_w_blurry"] < scores["psnr_blurry"]  # a half is sharp
    assert 0 <= scores["recall"] <= 1
    assert json.dumps(scores)


def test_sharp_windows_are_computed_now_and_then():
    torch.manual_seed(0)
    mask = torch.zeros(60, 1, 32, 32)
    mask[:, :, 12:14, 12:14] = 1
    plain, grown = add_needless(mask, 0, 1 / 3), add_needless(mask, 2, 1 / 3)
    assert (plain >= mask).all()
    few = plain.flatten(1).sum(1) == 4
    assert 0.5 < few.float().mean() < 0.8
    assert (plain[~few].flatten(1).mean(1) >= 8 * 8 / 32**2).all()
    assert (grown[:, :, 10:16, 10:16] == 1).all()
    assert mask.sum() == 60 * 4, "the truth was changed"
    assert torch.equal(add_needless(mask, 0, 0.0), mask)


def test_where_the_gate_decides_one_step_in_three_computes_what_the_look_lets_in(
    pairs, monkeypatch
):
    recipe = recipe_of(pairs)
    gated = msgspec.structs.replace(recipe, net=NetSettings("lmdvit", LOOKED | {"entry": 0.5}))
    net = build_net("lmdvit", gated.net.options).train()
    for parameter in net.look.parameters():
        torch.nn.init.zeros_(parameter)  # a half everywhere: above 0.25
    kept = []
    forward = LMDViT.forward

    def watch(self, *args, **options):
        result = forward(self, *args, **options)
        kept.append(float(result.decisions[-1].keep.mean()))
        return result

    monkeypatch.setattr(LMDViT, "forward", watch)
    task = make_task(gated, 0)
    for step in range(4):
        task.loss(net, step)
    assert kept[0] == kept[3] == 1
    assert max(kept[1:3]) < 1


def test_a_recipe_without_its_table_is_refused(pairs):
    whole = recipe_of(pairs)
    for wrong, words in (
        (msgspec.structs.replace(whole, deblur=None), "needs a"),
        (msgspec.structs.replace(whole, net=NetSettings("rt4ksr", {"scale": 2})), "does not take"),
    ):
        with pytest.raises(UsageError, match=words):
            make_task(wrong, 0)


@pytest.mark.parametrize("name", ["lmdvit.look", "lmdvit.start", "lmdvit.local"])
def test_the_recipes_that_ship_are_the_preset(name):
    recipe = read_recipe(Path(__file__).parents[3] / "recipes" / f"{name}.toml")
    assert build_net("lmdvit", recipe.net.options).config == SHIPPED


LOOKED = TINY | {"predictor": "look", "look": 4}


def look_alone(pairs, options=LOOKED):
    data = DeblurData(pairs=(str(pairs),), patch=64, batch=0, looked=3)
    settings = DeblurSettings(data, held_out=0)
    return Recipe(net=NetSettings("lmdvit", options), deblur=settings)


def test_the_look_alone_is_trained_and_learns(pairs):
    task = make_task(look_alone(pairs), 0)
    net = new_net(LOOKED)
    before = {k: v.clone() for k, v in net.state_dict().items()}
    losses = losses_of(task, net, 20)
    assert np.mean(losses[-5:]) < np.mean(losses[:5])
    changed = {k for k, v in net.state_dict().items() if not torch.equal(v, before[k])}
    assert changed
    assert all(name.startswith("look.") for name in changed)
    assert task.batch == 3


def test_a_run_that_holds_out_no_pairs_ends_with_its_weights(pairs, tmp_path):
    recipe = look_alone(pairs)
    optimiser = msgspec.structs.replace(recipe.optimiser, steps=2)
    path = train(msgspec.structs.replace(recipe, optimiser=optimiser), tmp_path / "run")
    assert read_checkpoint(path).step == 2


def test_only_the_looks_patches_are_shown_otherwise(pairs):
    """The same seed: with the look's, and as patches to restore."""
    looked, restored = (
        DeblurPatches(DeblurData(pairs=(str(pairs),), patch=64, **kind), 0)
        for kind in ({"batch": 1, "looked": 40}, {"batch": 41})
    )
    shown, plain = looked.batch(0), restored.batch(0)
    same = (shown.blurry == plain.blurry).flatten(1).all(1).tolist()
    assert same[0]
    assert 0 < sum(same[1:]) < 20  # some in another light, some taken again
    is_blurred, was_blurred = (batch.mask.flatten(1).any(1) for batch in (shown, plain))
    kept = is_blurred == was_blurred
    assert torch.equal(shown.mask[kept], plain.mask[kept])
    assert kept[0]
    assert 5 < sum(~kept) < 20
    assert torch.equal(shown.sharp, plain.sharp)


def test_a_twin_is_the_sharp_picture_taken_again(pairs, monkeypatch):
    for share in ("TWINS", "RELIT"):
        monkeypatch.setattr(f"foveate.train.blur.pairs.{share}", float(share == "TWINS"))
    data = DeblurData(pairs=(str(pairs),), patch=64, batch=0, looked=12)
    shown = DeblurPatches(data, 0).batch(0)
    assert not shown.mask.any()
    assert (shown.blurry != shown.sharp).flatten(1).any(1).all()
    monkeypatch.setattr(
        "foveate.train.blur.pairs.photograph", lambda light, response, _: response.encode(light)
    )
    shown = DeblurPatches(data, 0).batch(0)
    assert torch.equal(shown.blurry, shown.sharp)


def test_a_run_that_trains_nothing_is_refused(pairs):
    with pytest.raises(UsageError, match="trains nothing"):
        make_task(look_alone(pairs, LOOKED | {"predictor": "light", "look": 0}), 0)
