"""Row 15: weights are in the package, verified, and never fetched."""

import shutil
from pathlib import Path

import pytest

from foveate.models.store import SHIPPED, list_cards


@pytest.fixture
def copy(shipped, tmp_path):
    """The shipped model copied to a folder of its own: its card."""
    folder = tmp_path / "copy"
    folder.mkdir()
    shutil.copy(shipped.weights_path, folder)
    return Path(shutil.copy(SHIPPED / f"{shipped.card.id}.toml", folder))


def test_every_shipped_model_is_whole(command):
    ids = [entry.card.id for entry in list_cards() if entry.where == "shipped"]
    assert ids
    facts = command("doctor", "--json").document
    assert [f"{model_id} (shipped, verified)" for model_id in ids] == facts["models"]


def test_a_model_by_path_is_the_same_model(command, picture, copy, tmp_path):
    assert command("upscale", picture, "--model", copy, "-o", "a.png").code == 0
    assert command("upscale", picture, "-o", "b.png").code == 0
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()


@pytest.mark.parametrize("fault", ["changed", "cut", "empty"])
def test_weights_that_are_not_the_card_s_are_refused(command, picture, copy, fault, shipped):
    weights = copy.with_name(shipped.weights_path.name)
    data = bytearray(weights.read_bytes())
    data[len(data) // 2] ^= 1
    cut = {"changed": len(data), "cut": len(data) - 1, "empty": 0}[fault]
    weights.write_bytes(data[:cut])
    shown = command("upscale", picture, "--model", copy)
    assert shown.code == 6
    assert f"weights {weights} are damaged" in shown.err
