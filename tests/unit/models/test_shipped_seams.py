"""Models whose windows are approximate do not show their grid on real photos.

Each photo is enlarged twice, once without its first rows and columns, so that the cores lie
elsewhere: a gradient across a border of cores is held against the same one inside a core.
"""

import math

import msgspec
import numpy as np
import pytest

import foveate
from foveate.media.reader import read_pixels
from foveate.models.card import WindowFacts, read_card
from foveate.models.store import list_cards
from foveate.models.write import write_card
from pictures import photo
from strategies import write_tiny

PHOTOS = ("101087", "126007", "21077", "253027")
PART = 48  # SR rows of a border that are one sample
APART = 8  # LR pixels at least between a border and those, or the edges, of the other enlargement
LIMIT = 3  # standard errors; by chance one in 700 exceeds it
ROUNDING = 0.05  # levels, so that flat places divide


def excess(model, pictures):
    """How much larger gradients are across borders: the mean of log ratios, in standard errors."""
    ratios = []
    for pixels in pictures:
        grid = model.plan(pixels).grid
        multiple = model.card.window.multiple  # the rest keeps its place in the network's raster
        cut = min(grid.core_width, grid.core_height) // 2 // multiple * multiple
        rest = np.ascontiguousarray(pixels[cut:, cut:])
        pair = [model.upscale(p).astype(float).mean(2) for p in (pixels, rest)]
        other, scale = model.plan(rest).grid, model.card.scale
        pair[0] = pair[0][cut * scale :, cut * scale :]
        cores = (grid.core_width, grid.core_height), (other.core_width, other.core_height)
        ratios += border_ratios(*pair, *(core[0] for core in cores), cut, scale)
        ratios += border_ratios(pair[0].T, pair[1].T, *(core[1] for core in cores), cut, scale)
    assert len(ratios) > 30
    logs = np.log(ratios)
    print(f"{model.card.id}: {np.expm1(logs.mean()):.2%} larger", end=", ")
    error = logs.std(ddof=1) / math.sqrt(len(logs))
    return logs.mean() / error if error else 0.0


def border_ratios(sr, other, core, other_core, cut, scale):  # noqa: PLR0917 - two of each
    """For parts of each vertical border in `sr`: mean gradients there by those in `other`."""
    steps = [np.abs(np.diff(picture, axis=1)) for picture in (sr, other)]
    for border in range(core - cut, sr.shape[1] // scale - APART, core):
        if border >= APART and APART <= border % other_core <= other_core - APART:
            for top in range(APART * scale, len(sr) - PART // 2, PART):
                # [:, x - 1] is between x - 1 and x
                across, inside = (s[top : top + PART, border * scale - 1].mean() for s in steps)
                yield (across + ROUNDING) / (inside + ROUNDING)


def rewindowed(path, folder, core, halo):
    """The model at `path` on another grid, in `folder`; its areas keep the size they must have."""
    card = read_card(path)
    facts = card.window
    window = WindowFacts(core, core, halo, facts.multiple, minimum=facts.minimum)
    folder.mkdir()
    weights = path.with_name(card.weights.file)
    (folder / weights.name).write_bytes(weights.read_bytes())
    write_card(msgspec.structs.replace(card, window=window), folder / path.name)
    return folder / path.name


class Stepped:
    """A model whose cores are by turns lighter and darker."""

    def __init__(self, model, levels):
        self.model, self.levels = model, levels
        self.card, self.plan = model.card, model.plan

    def upscale(self, pixels):
        sr, grid, scale = self.model.upscale(pixels).astype(int), self.plan(pixels).grid, 2
        y, x = np.mgrid[: len(sr), : sr.shape[1]]
        odd = (x // (grid.core_width * scale) + y // (grid.core_height * scale)) % 2
        return sr + (self.levels * (2 * odd - 1))[..., None]


@pytest.mark.parametrize(("levels", "seams"), [(0, False), (2, True)])
def test_a_step_between_cores_is_told_from_none(tmp_path, levels, seams):
    """On a network whose windows are exact."""
    path = rewindowed(write_tiny(tmp_path), tmp_path / "made", 30, 6)
    with foveate.open_model(path, threads=1) as model:
        found = excess(Stepped(model, levels), [photo(120, 140, seed=seed) for seed in range(4)])
    print(f"{levels} levels: {found:.1f} standard errors")
    assert (found > LIMIT) == seams


def show(path, pictures):
    with foveate.open_model(path, threads=1) as model:
        found = excess(model, pictures)
    print(f"{path.stem}: {found:.1f} standard errors")
    return found


@pytest.fixture
def photos(shared):
    folder = shared / "data/test/BSD100/LR_bicubic/X2"
    return [read_pixels(folder / f"{name}x2.png") for name in PHOTOS]


def approximate():
    """The cards of what ships in approximate windows."""
    shown = [(entry.path, entry.card) for entry in list_cards() if entry.where == "shipped"]
    wanted = ("upscale", "approximate")
    return [path for path, card in shown if (card.task, card.window.windowing) == wanted]


@pytest.mark.parametrize("path", approximate(), ids=lambda path: path.stem)
def test_gradients_across_cores_are_no_larger_than_inside(photos, path):
    assert show(path, photos) <= LIMIT


def test_without_a_halo_the_grid_would_show(photos, tmp_path):
    """So the test above sees seams on real weights; one model is enough for that."""
    path = approximate()[0]
    side = read_card(path).window.minimum
    assert show(rewindowed(path, tmp_path / "made", side, 0), photos) > LIMIT
