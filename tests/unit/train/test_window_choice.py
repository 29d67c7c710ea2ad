"""The choice of a window is measured: as the product runs, beside the whole picture."""

import json

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="needs the extra 'train'")
pytestmark = pytest.mark.train

import msgspec

from foveate.bench import esrt_windows
from foveate.bench.esrt_windows import measure_windows
from foveate.errors import FoveateError, UsageError
from foveate.geometry import Grid
from foveate.media.resample import imresize
from foveate.metrics.psnr import psnr_y
from foveate.nets.build import build_net
from foveate.train.checkpoint import Checkpoint, save_checkpoint
from foveate.train.export.card_window import restore_on_grid
from foveate.train.export.graph import count_macs
from foveate.train.measure.window_choice import Request, measure
from foveate.train.recipe import NetSettings, Recipe
from pictures import photo, write_picture

OPTIONS = {"features": 16, "anchor": "bicubic"}


def checkpoint_of(net, settings, path):
    recipe = Recipe(settings)
    weights = net.state_dict()
    facts = (msgspec.to_builtins(recipe), recipe.digest(), 1234, weights, weights)
    save_checkpoint(Checkpoint(*facts, [], [], 3), path)
    return str(path)


@pytest.fixture
def net():
    torch.manual_seed(0)
    net = build_net("esrt", OPTIONS).eval()
    torch.nn.init.normal_(net.tail[1].weight, std=0.05)  # a fresh one is the anchor alone
    return net


@pytest.fixture
def data(tmp_path):
    for name in ("Set5", "BSD100"):
        (tmp_path / name / "HR").mkdir(parents=True)
        (tmp_path / name / "LR_bicubic" / "X2").mkdir(parents=True)
        for number in range(2):
            hr = photo(84, 104, seed=number)
            write_picture(tmp_path / name / "HR" / f"{number}.png", hr)
            lr = imresize(hr, 42, 52)
            write_picture(tmp_path / name / "LR_bicubic" / "X2" / f"{number}x2.png", lr)
    return tmp_path


@torch.no_grad()
def test_a_row_is_what_windows_give_beside_the_whole(tmp_path, data, net):
    lr_path, hr_path = data / "Set5/LR_bicubic/X2/1x2.png", data / "Set5/HR/1.png"
    path = checkpoint_of(net, NetSettings("esrt", OPTIONS), tmp_path / "c.pt")
    request = Request(path, [(str(lr_path), str(hr_path))], [16], [4, 0], rounds=1)
    answer = measure(request)
    assert (answer.step, answer.pictures) == (1234, 1)
    hr = photo(84, 104, seed=1)
    lr = torch.from_numpy(imresize(hr, 42, 52)).permute(2, 0, 1)[None].float() / 255
    whole = net(lr)
    for row, halo in zip(answer.rows, (4, 0), strict=True):
        side = 16 + 2 * halo
        sr = restore_on_grid(net, lr, Grid(52, 42, 16, 16, halo, 1, side))
        difference = float((sr - whole).abs().mean()) * 255
        assert row.difference == pytest.approx(difference, rel=1e-3)
        pixels = (sr.clamp(0, 1) * 255).round().to(torch.uint8)[0].permute(1, 2, 0).numpy()
        assert row.psnr_y == pytest.approx(psnr_y(pixels, hr, border_px=2), abs=1e-3)
        assert row.macs == round(count_macs(net, side) * (side / 16) ** 2)
        assert row.microseconds > 0
    assert answer.rows[0].difference < answer.rows[1].difference
    assert answer.rows[0].macs > answer.rows[1].macs


def test_large_pictures_are_cut_from_their_middle(tmp_path, data, net):
    lr_path, hr_path = data / "Set5/LR_bicubic/X2/0x2.png", data / "Set5/HR/0.png"
    path = checkpoint_of(net, NetSettings("esrt", OPTIONS), tmp_path / "c.pt")
    pairs = [(str(lr_path), str(hr_path))]
    cut = measure(Request(path, pairs, [16], [4], largest=20, rounds=0))
    lr = imresize(photo(84, 104, seed=0), 42, 52)[11:31, 16:36]
    write_picture(lr_path, np.ascontiguousarray(lr))
    write_picture(hr_path, np.ascontiguousarray(photo(84, 104, seed=0)[22:62, 32:72]))
    assert measure(Request(path, pairs, [16], [4], rounds=0)) == cut


def test_a_checkpoint_of_another_family_is_refused(tmp_path):
    options = {"scale": 2, "features": 8, "blocks": 1}
    net = build_net("rt4ksr", options)
    path = checkpoint_of(net, NetSettings("rt4ksr", options), tmp_path / "c.pt")
    with pytest.raises(UsageError, match="it is no ESRT"):
        measure(Request(path, [], [16], [4]))


def test_rows_are_of_every_core_and_halo_and_of_the_whole(tmp_path, data, net, monkeypatch):
    def here(_, request):
        decoded = msgspec.json.decode(json.dumps(request), type=Request)
        return msgspec.to_builtins(measure(decoded))

    monkeypatch.setattr(esrt_windows, "ask_child", here)
    monkeypatch.setattr(esrt_windows, "SETS", {"Set5": 1, "BSD100": 2})
    path = checkpoint_of(net, NetSettings("esrt", OPTIONS), tmp_path / "c.pt")
    rows = list(measure_windows(path, data, 2, cores=[16, 24], halos=[4], largest=24, rounds=0))
    lanes = [row.lane for row in rows if row.what == "PSNR-Y, dB"]
    assert lanes == ["whole", "core 16, halo 4", "core 24, halo 4"]
    assert {row.n for row in rows} == {3}
    assert {row.protocol for row in rows} == {"after 1,234 steps"}
    assert {row.what for row in rows} == {"PSNR-Y, dB", "levels from whole", "MACs per LR pixel"}


def test_a_set_that_is_not_there_is_told(tmp_path):
    with pytest.raises(FoveateError, match="Set5/HR holds no PNG files"):
        list(measure_windows(tmp_path / "c.pt", tmp_path, 2))
