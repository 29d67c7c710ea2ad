"""Every recipe in the tree is valid, and every step of the ladder trains and exports."""

from pathlib import Path

import msgspec
import pytest

torch = pytest.importorskip("torch", reason="needs the extra 'train'")
pytestmark = pytest.mark.train

from foveate.errors import UsageError
from foveate.models.card import TrainingFacts, read_card
from foveate.nets.build import build_net
from foveate.train.export.graph import count_macs, fold
from foveate.train.export.model import Claims, export_net
from foveate.train.losses import restoration_loss
from foveate.train.optimisers import make_optimisers
from foveate.train.recipe import read_recipe

RECIPES = Path(__file__).parents[3] / "recipes"
SHIPPED = sorted(RECIPES.glob("*_x[234].*.toml"))
LADDER = sorted((RECIPES / "ladder").glob("[0-9]*.toml"))
CLAIMS = Claims("net", "tests", "a net", "none", "none", TrainingFacts())


@pytest.mark.parametrize("path", SHIPPED + LADDER, ids=lambda path: path.stem)
def test_a_recipe_trains_a_step_and_exports(path, tmp_path):
    recipe = read_recipe(path)
    net = build_net(recipe.net.family, recipe.net.options)
    scale = recipe.net.options["scale"]
    optimisers = make_optimisers(net, recipe.optimiser)
    before = {name: p.detach().clone() for name, p in net.named_parameters()}
    for _ in range(3):  # zero-started layers hide the others from the first gradient
        x = torch.rand(2, 3, 16, 16)
        loss = restoration_loss(
            net(x), torch.rand(2, 3, 16 * scale, 16 * scale), recipe.loss, scale
        )
        for optimiser in optimisers:
            optimiser.zero_grad()
        loss.backward()
        for optimiser in optimisers:
            optimiser.step()
    trained = [(name, p) for name, p in net.named_parameters() if p.requires_grad]
    still = [name for name, p in trained if torch.equal(p, before[name])]
    assert still == [], "every tensor must be alive"
    card = read_card(export_net(net, CLAIMS, tmp_path))
    assert card.scale == scale
    assert card.macs_per_lr_pixel > 0
    # Input and output alone take 12 * (1 + scale^2) bytes; the measured peak holds features too.
    assert 12 * (1 + scale**2) < card.session_bytes_per_lr_pixel < 20_000


def test_the_small_size_stays_under_12000_macs_and_the_large_under_60000():
    for name, limit in (("rt4ksr_x2.bicubic", 12_000), ("rt4ksr_l_x2.bicubic", 60_000)):
        recipe = read_recipe(RECIPES / f"{name}.toml")
        assert count_macs(fold(build_net(recipe.net.family, recipe.net.options))) <= limit


def test_the_released_graph_costs_what_the_facts_say():
    net = build_net("rt4ksr", {"scale": 2})
    assert count_macs(net) == 9_720  # the forward pass folds
    assert count_macs(fold(net)) == 9_720


def test_settings_are_laid_over_and_unknown_ones_refused(tmp_path):
    path = SHIPPED[0]
    recipe = read_recipe(path, ("optimiser.steps=7", "data.folders=['a', 'b']", "net.start=x y"))
    assert (recipe.optimiser.steps, recipe.data.folders) == (7, ("a", "b"))
    assert recipe.net.start == "x y"
    assert recipe.digest() != read_recipe(path).digest()
    for override, words in (("optimiser.step=7", "step"), ("optimiser.steps=many", "steps")):
        with pytest.raises(UsageError, match=words):
            read_recipe(path, (override,))
    with pytest.raises(UsageError, match="expected KEY=VALUE"):
        read_recipe(path, ("optimiser.steps",))
    (tmp_path / "bad.toml").write_text("[net")
    with pytest.raises(UsageError, match="not valid TOML"):
        read_recipe(tmp_path / "bad.toml")
    with pytest.raises(UsageError, match="cannot read recipe"):
        read_recipe(tmp_path / "none.toml")


def test_a_base_is_merged_table_by_table(tmp_path):
    (tmp_path / "low.toml").write_text("seed = 3\n[data]\npatch = 20\nbatch = 5\n")
    (tmp_path / "high.toml").write_text('base = "low.toml"\n[data]\npatch = 30\n')
    recipe = read_recipe(tmp_path / "high.toml")
    assert (recipe.seed, recipe.data.patch, recipe.data.batch) == (3, 30, 5)
    assert msgspec.to_builtins(recipe)["net"]["family"] == "rt4ksr"
