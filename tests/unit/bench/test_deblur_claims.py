"""What is measured of deblurring: blurred shares, held-out pairs, sharp pictures, the sheet."""

import json

import numpy as np
import pytest

from deblurring import MODEL, Fakes, blur, sharp
from foveate.bench import deblur_sheet
from foveate.bench.deblur_quality import ENSEMBLE, make_held_out, measure, quality_rows, sharp_rows
from foveate.bench.deblur_shares import ITSELF, TOLD, draw_disc, measure_shares, move_along_rows
from foveate.bench.deblur_sheet import TILE, draw_row, find_largest, fitted
from foveate.bench.evaluate_deblur import DeblurReport, DeblurRow
from foveate.bench.photo import tile_photo
from foveate.media.reader import read_pixels
from pictures import photo, write_picture


@pytest.fixture
def fakes(monkeypatch, tmp_path):
    return Fakes(monkeypatch, tmp_path / "models")


@pytest.mark.parametrize("share", [0, 0.05, 0.4, 1])
def test_a_disc_holds_its_share(share):
    assert draw_disc(share, 60, 80).mean() == pytest.approx(share, abs=0.005)


def test_only_what_lies_under_the_disc_moves():
    pixels, where = photo(40, 60), draw_disc(0.3, 40, 60)
    moved = move_along_rows(pixels, where, 5)
    assert (moved[~where] == pixels[~where]).all()
    expected = pixels[20, 28:33].astype(float).mean(0)
    assert np.abs(moved[20, 30] - expected).max() <= 0.5


@pytest.mark.usefixtures("fakes")
def test_shares_are_timed_and_counted_beside_the_same_weights_unpruned(tmp_path):
    rows = list(measure_shares(MODEL, sharp(140, 150), tmp_path, shares=(0.0, 0.1, 1.0), rounds=1))
    time = {(row.lane, row.set): row for row in rows if row.what == "time"}
    macs = {(row.lane, row.set): row for row in rows if row.what == "MACs"}
    assert len(time) == len(macs) == 1 + 2 * 3
    assert time["unpruned", "100% blurred"].ratio == 1
    told = [macs["told by the mask", f"{share}% blurred"].ratio for share in (0, 10, 100)]
    assert 0 == told[0] < told[1] < told[2]
    assert told[2] == macs["unpruned", "100% blurred"].ratio == 1
    changed = {row.set: row.value for row in rows if row.what == "changed share"}
    assert changed["0% blurred"] == 0


def test_scores_stand_beside_the_blurry_ones():
    before = DeblurRow("blurry", 3, 30.0, 0.8, 20.0, 0.0, 1.0, 0.0)
    after = DeblurRow("m", 3, 31.0, 0.9, 22.0, 0.2, 0.9, 0.8)
    rows = list(quality_rows(DeblurReport("set", "p", (after, before), ()), "abc", TOLD))
    values = {(row.model, row.what): row for row in rows}
    assert values["m", "psnr_w"].value == 22
    assert values["m", "psnr_w"].ratio == 1.1
    assert values["m", "recall"].ratio is None
    assert (values["blurry", "psnr"].lane, values["m", "psnr"].lane) == ("", TOLD)
    assert (values["blurry", "psnr"].weights_sha256, values["m", "psnr"].weights_sha256) == (
        "",
        "abc",
    )


@pytest.mark.usefixtures("fakes")
def test_told_by_the_mask_exactly_its_windows_are_restored(tmp_path):
    mask = np.zeros((64, 64, 1), np.uint8)
    mask[16:32, 16:32] = 255
    for part, pixels in {"blur": photo(64, 64), "sharp": photo(64, 64), "mask": mask}.items():
        (tmp_path / part).mkdir()
        write_picture(tmp_path / part / "a.png", pixels)
    lanes = (TOLD, ITSELF, TOLD + ENSEMBLE)
    told, itself, often = (measure(MODEL, tmp_path, lane).rows[0] for lane in lanes)
    assert (told.precision, told.recall) == (1, 1)
    assert itself.recall < 1
    assert (often.precision, often.recall) == (1, 1)
    assert often.psnr > told.psnr  # the fake spoils what it touches, each mirror image otherwise


@pytest.mark.usefixtures("fakes")
def test_sharp_pictures_that_change_are_counted(tmp_path):
    folder = tmp_path / "Set" / "HR"
    folder.mkdir(parents=True)
    write_picture(folder / "a.png", sharp(64, 64))
    write_picture(folder / "b.png", blur(sharp(64, 64), 0, 0, 32, 64))
    changed, pixels = sharp_rows(MODEL, folder, "")
    assert (changed.set, changed.value, changed.n) == ("Set", 1, 2)
    assert 0.1 < pixels.value <= 0.25


def test_pairs_are_made_of_what_training_lays_aside(tmp_path):
    for name in ("photos", "cutouts"):
        (tmp_path / name).mkdir()
    for i in range(64):
        level = 200 if i < 16 else 20
        write_picture(tmp_path / "photos" / f"{i:02}.png", np.full((70, 70, 3), level, np.uint8))
    for i in range(3):
        cutout = np.full((40, 40, 4), (255, 0, 255, 255) if i else (0, 255, 0, 255), np.uint8)
        write_picture(tmp_path / "cutouts" / f"{i}.png", cutout)
    make_held_out(
        [str(tmp_path / "photos")], [str(tmp_path / "cutouts")], tmp_path / "out", (2, 5), 3
    )
    made = [read_pixels(path) for path in sorted((tmp_path / "out" / "sharp").iterdir())]
    assert len(made) == 3
    assert json.loads((tmp_path / "out" / "synthesis.json").read_text())["blur"]["length_px"] == [
        2,
        5,
    ]
    assert all(np.median(pixels[..., 1]) > 100 for pixels in made), "a photo of the training"


def test_the_sheet_shows_the_part_that_changes_most(fakes, tmp_path, monkeypatch):
    monkeypatch.setattr(deblur_sheet, "TILE", 64)
    path = write_picture(tmp_path / "a.png", blur(sharp(150, 200), 80, 96, 64, 96))
    row, line = draw_row(path, fakes.model, tmp_path)
    assert row.shape == (64, 4 * 64 + 3 * deblur_sheet.GAP, 3)
    before, after = row[:, -2 * 64 - deblur_sheet.GAP : -64 - deblur_sheet.GAP], row[:, -64:]
    assert (before != after).any(2).mean() > 0.8
    assert line.startswith("a.png: ")


def test_the_largest_square_is_found_and_small_pictures_are_whole():
    values = np.zeros((50, 60), np.int32)
    values[30:40, 20:30] = 1
    assert find_largest(values, 10) == (30, 20)
    assert find_largest(values[:8, :8], 10) == (0, 0)
    assert fitted(photo(20, 30)).shape == (TILE, TILE, 3)


def test_a_photo_is_tiled_to_any_size(tmp_path):
    pixels = tile_photo(write_picture(tmp_path / "a.png", photo(30, 50)), 70, 60)
    assert pixels.shape == (70, 60, 3)
    assert np.array_equal(pixels[30:60, :50], photo(30, 50))
