"""The trainer's parts against naive formulas: losses, Muon, patches, degradations, export."""

from types import SimpleNamespace

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="needs the extra 'train'")
pytestmark = pytest.mark.train

from foveate.colour import luma
from foveate.errors import ModelError
from foveate.media.resample import imresize
from foveate.models.card import TrainingFacts, read_card
from foveate.nets.blocks import gaussian_blur
from foveate.nets.rt4ksr import RT4KSR, RT4KSRConfig
from foveate.train import optimisers
from foveate.train.degrade import spoil
from foveate.train.drawings import draw
from foveate.train.export import graph, model
from foveate.train.losses import restoration_loss
from foveate.train.optimisers import Muon, set_rate
from foveate.train.patches import PatchSource, Photos
from foveate.train.recipe import DataSettings, LossSettings, OptimiserSettings

CLAIMS = model.Claims("net", "tests", "a net", "none", "none", TrainingFacts())


def test_each_loss_term_is_its_formula():
    sr, hr = torch.rand(2, 3, 9, 8), torch.rand(2, 3, 9, 8)
    terms = {
        "rgb": (sr - hr).abs().mean(),
        "high_frequency": ((sr - gaussian_blur(sr)) - (hr - gaussian_blur(hr))).abs().mean(),
    }
    for name, expected in terms.items():
        settings = LossSettings(**{"rgb": 0.0} | {name: 2.0})
        assert torch.allclose(restoration_loss(sr, hr, settings, 2), 2 * expected, atol=1e-6)
    pictures = [(t.permute(0, 2, 3, 1).numpy() * 255).astype(np.float64) for t in (sr, hr)]
    difference = np.abs(luma(pictures[0]) - luma(pictures[1])).mean() / 219
    ours = restoration_loss(sr, hr, LossSettings(rgb=0.0, luma=1.0), 2)
    assert abs(ours.item() - difference) < 1e-5


def test_gaussian_blur_has_the_published_taps():
    x = torch.zeros(1, 3, 9, 9)
    x[..., 4, 4] = 1
    taps = torch.tensor([0.05448868, 0.24420134, 0.40261995, 0.24420134, 0.05448868])
    assert torch.allclose(gaussian_blur(x)[0, 1, 2:7, 2:7], torch.outer(taps, taps), atol=1e-7)


def test_what_a_window_throws_away_does_not_count():
    sr, hr = torch.rand(1, 3, 24, 24), torch.rand(1, 3, 24, 24)
    inner = restoration_loss(sr[..., 6:-6, 6:-6], hr[..., 6:-6, 6:-6], LossSettings(), 2)
    assert torch.equal(restoration_loss(sr, hr, LossSettings(border=3), 2), inner)
    assert restoration_loss(sr, hr, LossSettings(), 2) != inner


@pytest.mark.parametrize("bf16", [False, True])
@pytest.mark.parametrize("shape", [(6, 4, 3, 3), (40, 4, 1, 1)])
def test_muon_moves_a_kernel_by_a_nearly_orthogonal_matrix(shape, bf16):
    torch.manual_seed(0)
    p = torch.nn.Parameter(torch.zeros(shape))
    p.grad = torch.randn(shape)
    Muon([p], lr=1.0, bf16=bf16).step()
    singular = torch.linalg.svdvals(p.detach().flatten(1))
    tall = max(1, p.shape[0] / p[0].numel()) ** 0.5
    assert (singular / tall > 0.6).all()
    assert (singular / tall < 1.3).all()


def test_muon_takes_the_decay_off_a_kernel_that_has_no_gradient():
    p = torch.nn.Parameter(torch.ones(4, 4, 3, 3))
    p.grad = torch.zeros_like(p)
    Muon([p], lr=0.5, decay=0.2).step()
    assert torch.allclose(p.detach(), torch.full_like(p, 0.9))


def test_processes_share_the_updates_and_all_have_those_of_one(monkeypatch):
    torch.manual_seed(0)
    updates = [torch.randn(shape) for shape in ((6, 4), (9, 30), (16, 16), (5, 7), (1, 3))]
    alone = optimisers.all_orthogonal(updates, torch.float32)
    shares = []
    for rank in (0, 1):
        fake = SimpleNamespace(
            is_initialized=lambda: True,
            get_world_size=lambda: 2,
            get_rank=lambda rank=rank: rank,
            all_reduce=lambda numbers: shares.append(numbers.clone()),
        )
        monkeypatch.setattr(optimisers, "distributed", fake)
        optimisers.all_orthogonal(updates, torch.float32)
    assert torch.equal(shares[0] + shares[1], torch.cat([update.flatten() for update in alone]))
    assert not (shares[0] * shares[1]).any()
    assert min(share.count_nonzero() for share in shares) > 100  # of 430: neither does it all
    monkeypatch.setattr(fake, "all_reduce", lambda numbers: numbers.copy_(shares[0] + shares[1]))
    shared = optimisers.all_orthogonal(updates, torch.float32)
    assert all(torch.equal(a, b) for a, b in zip(shared, alone, strict=True))


def test_drawings_are_the_same_each_time_and_stand_behind_the_photos(photos):
    assert np.array_equal(draw(np.random.default_rng(3)), draw(np.random.default_rng(3)))
    settings = DataSettings((str(photos),), patch=16, validation=1, drawings=2)
    loaded = Photos(settings, 3)
    assert loaded.names[loaded.count :] == ["drawing 0", "drawing 1"]
    assert loaded.hr[-1].shape == (384, 384, 3)
    assert not np.array_equal(loaded.hr[-1], loaded.hr[-2])
    # Sharp to the pixel: no photo has so many steps of more than half the range.
    steps = np.abs(np.diff(loaded.hr[-1].astype(int), axis=1)).max(axis=2)
    assert (steps > 128).mean() > 0.01


def test_each_photo_is_followed_by_its_shrunk_copies(photos):
    plain = Photos(DataSettings((str(photos),), patch=16, validation=1), 2)
    more = Photos(DataSettings((str(photos),), patch=16, validation=1, shrunk=(0.5, 0.2)), 2)
    assert (more.count, len(more.hr)) == (plain.count, 2 * plain.count)  # a fifth is too small
    assert more.names[:2] == [plain.names[0], f"{plain.names[0]} x 0.5"]
    assert np.array_equal(more.hr[1], imresize(plain.hr[0], 40, 48))
    assert len(more.held_out) == 1


def test_rate_warms_up_and_ends_at_zero():
    optimiser = torch.optim.Adam([torch.nn.Parameter(torch.zeros(1))], lr=1.0)
    optimiser.param_groups[0]["peak"] = 1.0
    settings = OptimiserSettings(steps=100, warmup=10)
    rates = []
    for step in range(100):
        set_rate([optimiser], step, settings)
        rates.append(optimiser.param_groups[0]["lr"])
    assert rates[0] < 0.11
    assert max(rates) == pytest.approx(rates[9], abs=0.05)
    assert rates[-1] < 1e-3


def test_a_batch_is_a_function_of_seed_rank_and_step(photos):
    settings = DataSettings((str(photos),), patch=16, batch=3, validation=1, degrade="photo")
    loaded = Photos(settings, 2)
    one, other = PatchSource(loaded, 5), PatchSource(loaded, 5)
    other.batch(4000)  # another round of noise in between
    assert all(torch.equal(a, b) for a, b in zip(one.batch(7), other.batch(7), strict=True))
    for different in (PatchSource(loaded, 6), PatchSource(loaded, 5, rank=1)):
        assert not torch.equal(one.batch(7)[1], different.batch(7)[1])


def test_lr_and_hr_patches_show_the_same_place(photos):
    loaded = Photos(DataSettings((str(photos),), patch=16, batch=16, validation=0), 2)
    lr, hr = PatchSource(loaded, 0).batch(0)
    for small, large in zip(lr, hr, strict=True):
        pixels = (large.permute(1, 2, 0).numpy() * 255).round().astype(np.uint8)
        again = imresize(pixels, 16, 16)[3:-3, 3:-3]
        # A turned patch rounds in the other order: a few levels. One pixel off gives a hundred.
        assert np.abs(again / 255 - small.permute(1, 2, 0).numpy()[3:-3, 3:-3]).max() < 8 / 255


def test_spoiling_follows_its_random_numbers_and_keeps_the_size():
    lr = np.kron(
        np.random.default_rng(0).integers(0, 256, (6, 7, 3), dtype=np.uint8),
        np.ones((4, 4, 1), np.uint8),
    )
    one, other = (spoil(lr, np.random.default_rng(3)) for _ in range(2))
    assert np.array_equal(one, other)
    assert one.shape == lr.shape
    assert sum(np.array_equal(spoil(lr, np.random.default_rng(i)), lr) for i in range(80)) < 30


def test_export_refuses_a_graph_that_differs_from_torch(tmp_path, monkeypatch):
    net = RT4KSR(RT4KSRConfig(features=8, blocks=1))
    monkeypatch.setattr(graph, "PARITY_LIMIT", 0.0)
    with pytest.raises(ModelError, match="ONNX differs from torch"):
        model.export_net(net, CLAIMS, tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_card_tells_window_and_deviation(tmp_path):
    exact = RT4KSR(RT4KSRConfig(features=8, blocks=1, hf="gaussian"))
    facts = read_card(model.export_net(exact, CLAIMS, tmp_path / "a")).window
    assert (facts.halo, facts.multiple, facts.minimum) == (10, 2, 4)
    assert (facts.windowing, facts.deviation) == ("exact", 0.0)
    attentive = RT4KSR(RT4KSRConfig(features=8, blocks=1, attention="eca"))
    facts = read_card(model.export_net(attentive, CLAIMS, tmp_path / "b")).window
    assert facts.windowing == "approximate"
    assert facts.deviation > 0


def test_the_same_weights_give_the_same_file(tmp_path):
    net = RT4KSR(RT4KSRConfig(features=8, blocks=1))
    paths = [model.export_net(net, CLAIMS, tmp_path / name) for name in "ab"]
    assert paths[0].read_bytes() == paths[1].read_bytes()
    assert (tmp_path / "a/net.onnx").read_bytes() == (tmp_path / "b/net.onnx").read_bytes()
