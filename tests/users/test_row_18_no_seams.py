"""Row 18: no seams. Windowed output is the whole image's, for every window size."""

import msgspec
import numpy as np
import pytest

import foveate
from foveate.models.card import WindowFacts
from foveate.models.store import list_cards
from foveate.models.write import write_card
from pictures import photo

H, W = 150, 170
Y, X = np.mgrid[:H, :W]


def halftone(size):
    order = np.add.outer(np.arange(size) * 3 % size, np.arange(size) * 5 % size) % size / size
    shade = X / W
    return (shade > order[Y % size, X % size]) * 255.0


PICTURES = {
    "gradient": np.stack([X * 255 / W, Y * 255 / H, (X + Y) * 255 / (W + H)], -1),
    "faint gradient": np.stack([100 + X / 40, 100 + Y / 40, 100 + (X + Y) / 80], -1),
    "half-tones": halftone(4)[..., None].repeat(3, -1),
    "flat": np.full((H, W, 3), (90, 120, 200.0)),
    "noise": np.random.default_rng(1).integers(0, 256, (H, W, 3)),
    "photo": photo(H, W),
}


def regridded(card, core, folder):
    """The model on another grid: its card with other cores, its weights where they are."""
    facts = card.window
    window = WindowFacts(core, core, facts.halo, facts.multiple)
    made = msgspec.structs.replace(card, id=f"{card.id}-{core}", window=window)
    write_card(made, folder / f"{made.id}.toml")
    return folder / f"{made.id}.toml"


@pytest.fixture(scope="module")
def grids(tmp_path_factory):
    """For each shipped exact model: open on small windows, and on one for the whole picture."""
    folder = tmp_path_factory.mktemp("grids")
    opened = {}
    for entry in list_cards():
        if entry.where == "shipped" and entry.card.window.windowing == "exact":
            weights = entry.path.with_name(entry.card.weights.file)
            (folder / weights.name).write_bytes(weights.read_bytes())
            step = entry.card.window.multiple
            opened[entry.card.id] = [
                foveate.open_model(regridded(entry.card, core * step, folder), threads=1)
                for core in (1200 // step, 20, 33)
            ]
    assert opened
    yield opened
    for models in opened.values():
        for model in models:
            model.close()


@pytest.mark.parametrize("name", PICTURES)
def test_windows_of_every_size_give_the_whole_image(grids, name):
    pixels = PICTURES[name].astype(np.uint8)
    for model_id, (whole, *windowed) in grids.items():
        expected = whole.upscale(pixels).astype(int)
        assert whole.plan(pixels).windows == 1
        for model in windowed:
            assert model.plan(pixels).windows >= 4
            off = np.abs(model.upscale(pixels) - expected)
            worst = np.unravel_index(off.argmax(), off.shape)
            assert off.max() <= 1, f"{model_id}, {name}: {off.max()} at y, x, band {worst}"


def test_a_halo_too_short_would_show(grids, tmp_path):
    """The test above can fail: with less halo than the network reaches there are seams."""
    model_id, (whole, *_) = next(iter(grids.items()))
    card = whole.card
    facts = card.window
    window = WindowFacts(40, 40, 2 * facts.multiple, facts.multiple)
    made = msgspec.structs.replace(card, window=window)
    entry = next(entry for entry in list_cards() if entry.card.id == model_id)
    weights = entry.path.with_name(card.weights.file)
    (tmp_path / weights.name).write_bytes(weights.read_bytes())
    write_card(made, tmp_path / f"{made.id}.toml")
    pixels = PICTURES["noise"].astype(np.uint8)
    with foveate.open_model(tmp_path / f"{made.id}.toml") as short:
        off = np.abs(short.upscale(pixels).astype(int) - whole.upscale(pixels))
    assert off.max() > 1
