"""Patches for deblurring: batches, what is held out, folders of real pairs."""

import numpy as np
import pytest
from msgspec.structs import replace

torch = pytest.importorskip("torch", reason="needs the extra 'train'")
pytestmark = pytest.mark.train

from foveate.errors import InputError
from foveate.train.blur.local_blur import Pair
from foveate.train.blur.pairs import Batch, DeblurData, DeblurPatches, RealPairs, as_batch
from foveate.train.folders import PictureCache
from pictures import photo, write_picture


def cutout(seed):
    pixels = photo(40, 30, 4, seed=seed)
    pixels[..., 3] = 0
    pixels[5:35, 5:25, 3] = 255
    return pixels


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    folder = tmp_path_factory.mktemp("made")
    for name in ("photos", "cutouts"):
        (folder / name).mkdir()
    for index in range(4):
        write_picture(folder / "photos" / f"{index}.png", photo(90, 80, seed=index))
        write_picture(folder / "cutouts" / f"{index}.png", cutout(index))
    return DeblurData(
        (str(folder / "photos"),), (str(folder / "cutouts"),), patch=48, batch=4, validation=1
    )


@pytest.fixture
def pairs(tmp_path):
    """Two pairs, of which the first has a mask: one pixel; blurry is 100 darker than sharp."""
    for part in ("blur", "sharp", "mask"):
        (tmp_path / "scene" / part).mkdir(parents=True)
    for index in range(2):
        sharp = photo(64, 100, seed=index) // 2 + 110
        write_picture(tmp_path / f"scene/sharp/{index}.png", sharp)
        write_picture(tmp_path / f"scene/blur/{index}.png", sharp - 100)
    mask = np.zeros((64, 100, 1), np.uint8)
    mask[50, 80] = 255
    write_picture(tmp_path / "scene/mask/0.png", mask)
    return tmp_path


def equal(one: Batch, other: Batch):
    return all(torch.equal(a, b) for a, b in zip(one, other, strict=True))


def test_a_batch_of_pairs_is_a_function_of_seed_rank_and_step(made):
    one, other = DeblurPatches(made, 5), DeblurPatches(made, 5)
    other.batch(3)
    assert equal(one.batch(7), other.batch(7))
    for different in (DeblurPatches(made, 6), DeblurPatches(made, 5, rank=1)):
        assert not equal(one.batch(7), different.batch(7))


def test_a_batch_has_pictures_of_one_range_and_a_mask(made):
    blurry, sharp, mask = DeblurPatches(made, 0).batch(0)
    assert blurry.shape == sharp.shape == (4, 3, 48, 48)
    assert mask.shape == (4, 1, 48, 48)
    assert set(mask.unique().tolist()) <= {0.0, 1.0}
    assert 0.5 < blurry.max() <= 1
    assert blurry.dtype == mask.dtype == torch.float32
    far = (blurry - sharp).abs().amax(1, keepdim=True)
    assert far[mask > 0].mean() > 5 * far[mask == 0].mean()


def test_tensors_keep_rows_columns_and_colours_in_their_places():
    blurry, mask = photo(3, 5), np.zeros((3, 5), bool)
    mask[2, 4] = True
    batch = as_batch([Pair(blurry, 255 - blurry, mask)])
    assert batch.blurry[0, 2, 1, 4] == np.float32(blurry[1, 4, 2] / 255)
    assert batch.sharp[0, 0, 2, 3] == np.float32((255 - blurry[2, 3, 0]) / 255)
    assert batch.mask[0, 0].nonzero().tolist() == [[2, 4]]


def test_held_out_pairs_use_pictures_that_no_batch_shows(made, monkeypatch):
    read, seen = PictureCache.read, set()

    def watch(cache, path, bands):
        seen.add(path)
        return read(cache, path, bands)

    monkeypatch.setattr(PictureCache, "read", watch)
    patches = DeblurPatches(made, 0)
    for step in range(6):
        patches.batch(step)
    trained, _ = set(seen), seen.clear()
    assert len(trained) == 3 + 3
    first = patches.held_out(6)
    assert len(seen) == 1 + 1
    assert not trained & seen
    again = DeblurPatches(made, 1).held_out(2)
    assert np.array_equal(first[1].blurry, again[1].blurry)


@pytest.mark.parametrize(("centred", "least", "most"), [(0.0, 0, 2), (0.5, 8, 24), (1.0, 20, 40)])
def test_real_patches_show_one_place_and_are_often_centred_on_the_blur(pairs, centred, least, most):
    real = RealPairs([pairs], 16, PictureCache(), centred)
    blurred = 0
    for seed in range(60):
        pair = real.draw(np.random.default_rng(seed))
        assert np.array_equal(pair.blurry, pair.sharp - 100)
        assert pair.blurry.shape == (16, 16, 3)
        blurred += pair.mask.sum() == 1 and pair.mask[8, 8]
    # Half of the patches have a drawn mask, `centred` of those are; by chance: 1 of 4000.
    assert least <= blurred <= most


def test_without_a_mask_it_is_estimated_on_the_patch(pairs):
    sharp = photo(64, 100)
    blurry = sharp.copy()
    blurry[:, 60:] = 255 - blurry[:, 60:]
    for part, pixels in (("blur", blurry), ("sharp", sharp)):
        write_picture(pairs / f"scene/{part}/1.png", pixels)
        (pairs / f"scene/{part}/0.png").unlink()
    mask = RealPairs([pairs], 64, PictureCache(), 0.5).draw(np.random.default_rng(0)).mask
    # 64 columns from somewhere in 0..36 on; blur begins at column 60, averaged over 5 px.
    columns = mask.mean(0)
    left = 60 - np.flatnonzero(columns > 0.5)[0] - 2
    assert 0 <= left <= 36
    assert columns[60 - left + 3 :].mean() > 0.8
    assert columns[: 60 - left - 4].max() == 0


def test_a_recipe_says_how_many_are_centred(made, pairs):
    settings = replace(made, photos=(), pairs=(str(pairs),), centred=1.0, patch=16, batch=40)
    mask = DeblurPatches(settings, 0).batch(0).mask
    assert 14 <= mask[:, 0, 7:9, 7:9].amax((1, 2)).sum() <= 30  # turned: 7 or 8


def test_real_and_made_patches_come_in_their_shares(made, pairs):

    settings = replace(made, pairs=(str(pairs),), real=0.25, batch=40)
    blurry, sharp, _ = DeblurPatches(settings, 0).batch(0)
    is_real = ((sharp - blurry) * 255 - 100).abs().amax((1, 2, 3)) < 1e-3
    assert 4 <= is_real.sum() <= 18
    blurry, sharp, _ = DeblurPatches(replace(settings, photos=()), 0).batch(0)
    assert ((sharp - blurry) * 255 - 100).abs().max() < 1e-3


def test_a_pair_of_two_sizes_is_told(pairs):
    for index in range(2):
        write_picture(pairs / f"scene/sharp/{index}.png", photo(64, 99))
    with pytest.raises(InputError, match=r"cannot use .*sharp/\d\.png: .*blur/\d\.png has another"):
        RealPairs([pairs], 16, PictureCache(), 0.5).draw(np.random.default_rng(0))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"photos": ()}, "no pictures to train on: neither photos nor pairs"),
        ({"validation": 4}, "too few pictures to hold some out: 4 photos and 4 cut-outs"),
        ({"cutouts": ()}, "no pictures with transparency in no folder"),
        ({"photos": ("nowhere",)}, "cannot read pictures from nowhere: not a folder"),
    ],
)
def test_settings_without_pictures_are_told(made, change, message):

    with pytest.raises(InputError, match=message):
        DeblurPatches(replace(made, **change), 0)


def test_a_folder_without_pairs_is_told(made):
    with pytest.raises(InputError, match="no blur/NAME with a sharp/NAME of at least 16 pixels"):
        RealPairs(made.photos, 16, PictureCache(), 0.5)
