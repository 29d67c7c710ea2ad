"""ESRT's promises beside the golden ones: options, sizes, anchor, precision, layout."""

import pytest

torch = pytest.importorskip("torch", reason="needs the extra 'train'")
pytestmark = pytest.mark.train

from torch.nn import functional as F
from torch.utils.flop_counter import FlopCounterMode

from foveate.errors import InputError, UsageError
from foveate.nets.attention import Attend
from foveate.nets.blocks import BicubicAnchor
from foveate.nets.build import build_net
from foveate.nets.esrt import ESRT, ESRTConfig
from foveate.nets.esrt_blocks import Scale
from foveate.nets.esrt_transformer import fold, unfold

ABLATIONS = [
    {"transformers": 0},
    {"transformers": 2},
    {"segments": 1},
    {"segments": 2},
    {"segments": 8},
    {"attention": "original"},
    {"high_path": False},
    {"arfb": False},
    {"global_path": False},
    {"anchor": "bicubic"},
    {"anchor": "bicubic", "global_path": False, "scale": 3},
]
SMALL = {"features": 16}


@pytest.fixture(autouse=True)
def one_thread_and_seed():
    torch.set_num_threads(1)
    torch.manual_seed(0)


def count(**options):
    return sum(p.numel() for p in ESRT(ESRTConfig(**options)).parameters())


def step(net, optimiser, lr, hr):
    loss = (net(lr) - hr).abs().mean()
    optimiser.zero_grad()
    loss.backward()
    optimiser.step()
    return loss.item()


@pytest.mark.parametrize("options", ABLATIONS)
def test_each_option_builds_and_every_tensor_learns(options):
    net = build_net("esrt", SMALL | options)
    for name, p in net.named_parameters():
        if name.endswith("conv_du.0.bias"):
            torch.nn.init.ones_(p)  # the one ReLU in there may start closed
    optimiser = torch.optim.Adam((p for p in net.parameters() if p.requires_grad), 1e-3)
    lr = torch.rand(1, 3, 7, 6)
    hr = F.interpolate(lr, scale_factor=net.config.scale, mode="nearest")
    before = {name: p.clone() for name, p in net.named_parameters() if p.requires_grad}
    losses = [step(net, optimiser, lr, hr) for _ in range(3)]
    assert losses[-1] < losses[0]
    still = [n for n, p in net.named_parameters() if n in before and torch.equal(p, before[n])]
    assert still == []


@pytest.mark.parametrize(
    ("options", "parameters"),
    [
        ({"transformers": 0}, 554_095),  # the paper's 554K, 949K and 751K
        ({"transformers": 2}, 949_439),
        ({"segments": 1}, 751_767),
        # The paper's row says 971K; with nothing but the attention changed it is 938K.
        ({"attention": "original"}, 938_391),
        ({"anchor": "bicubic"}, 751_768),
        ({"anchor": "bicubic", "global_path": False}, 751_767 - 74_848),
    ],
)
def test_parameters_of_the_ablations(options, parameters):
    assert count(scale=4, **options) == parameters


@pytest.mark.parametrize(("scale", "macs"), [(2, 698_976), (3, 799_776), (4, 1_014_624)])
def test_macs_per_pixel_are_the_published_graphs(scale, macs):
    side = 48
    net = ESRT(ESRTConfig(scale)).to("meta")
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        net(torch.zeros(1, 3, side, side, device="meta"))
    ours = counter.get_total_flops() / (2 * side**2)
    assert ours == pytest.approx(macs + 72 * side**2, abs=2)  # channel attention: 1.5


@pytest.mark.parametrize("size", [(1, 1), (2, 3), (7, 5)])
def test_tokens_are_torchs_patches_and_fold_sums_them(size):
    x = torch.randn(2, 3, *size, dtype=torch.float64)
    tokens = unfold(x)
    assert torch.equal(tokens, F.unfold(x, 3, padding=1).transpose(1, 2))
    expected = F.fold(tokens.transpose(1, 2), size, 3, padding=1)
    assert (fold(tokens, *size) - expected).abs().max() < 1e-12


@torch.no_grad()
@pytest.mark.parametrize("anchored", [True, False])
def test_a_new_net_with_an_anchor_is_the_anchor(anchored):
    net = ESRT(ESRTConfig(anchor="bicubic", global_path=anchored))
    x = torch.rand(1, 3, 8, 10)
    assert torch.equal(net(x), BicubicAnchor(2)(x))


@pytest.mark.parametrize("segments", [1, 2, 4, 8])
@torch.no_grad()
def test_the_minimum_is_enough_and_one_less_is_not(segments):
    net = ESRT(ESRTConfig(**SMALL, segments=segments))
    side = net.minimum
    assert net(torch.rand(1, 3, side, side)).shape == (1, 3, 2 * side, 2 * side)
    with pytest.raises((InputError, RuntimeError)):
        net(torch.rand(1, 3, side - 1, side - 1))


@torch.no_grad()
def test_the_way_of_attending_changes_nothing_and_is_set_on_the_net():
    net, x = ESRT(ESRTConfig(**SMALL, transformers=2)), torch.rand(1, 3, 9, 11)
    expected = net(x)
    for attend in (Attend("plain"), Attend("blocked", 7)):
        net.attend = attend
        assert net.attend == attend
        assert all(m.attend == attend for m in net.modules() if hasattr(m, "qkv"))
        assert (net(x) - expected).abs().max() < 1e-5


@torch.no_grad()
def test_a_picture_does_not_depend_on_its_batch():
    net, x = ESRT(ESRTConfig(**SMALL)), torch.rand(3, 3, 9, 7)
    assert (net(x)[1] - net(x[1:2])[0]).abs().max() < 1e-5


@pytest.mark.parametrize("anchor", ["none", "bicubic"])
def test_bfloat16_and_channels_last_train(anchor):
    net = ESRT(ESRTConfig(**SMALL, anchor=anchor)).to(memory_format=torch.channels_last)
    optimiser = torch.optim.Adam(net.parameters(), 1e-3)
    lr = torch.rand(1, 3, 8, 8).contiguous(memory_format=torch.channels_last)
    hr = F.interpolate(lr, scale_factor=2, mode="nearest")
    plain = net(lr)
    losses = []
    for _ in range(4):
        with torch.autocast("cpu", torch.bfloat16):
            sr = net(lr)
        losses.append((sr.float() - hr).abs().mean())
        if len(losses) == 1:
            assert (sr.float() - plain).abs().max() < 0.02
        optimiser.zero_grad()
        losses[-1].backward()
        assert all(p.grad.isfinite().all() for p in net.parameters() if p.grad is not None)
        optimiser.step()
    assert losses[-1] < losses[0]


def test_under_bfloat16_features_stay_bfloat16():
    with torch.autocast("cpu", torch.bfloat16):
        net = ESRT(ESRTConfig(**SMALL))
        widths = set()
        for block in (net.body[0].encoder1, net.body[0]):
            block.register_forward_hook(lambda *call: widths.add(call[2].dtype))
        net(torch.rand(1, 3, 8, 8))
    assert widths == {torch.bfloat16}


@torch.no_grad()
def test_channels_last_gives_the_same_output():
    net, x = ESRT(ESRTConfig(**SMALL)), torch.rand(2, 3, 11, 12)
    expected = net(x)
    other = net.to(memory_format=torch.channels_last)(
        x.contiguous(memory_format=torch.channels_last)
    )
    assert (other - expected).abs().max() < 1e-5


@torch.no_grad()
def test_every_scale_takes_part_but_the_unused_ones():
    net, x = ESRT(ESRTConfig(**SMALL)), torch.rand(1, 3, 8, 8)
    expected, dead = net(x), []
    for name, module in net.named_modules():
        if isinstance(module, Scale):
            module.scale += 0.5
            if torch.equal(net(x), expected):
                dead.append(name)
            module.scale -= 0.5
    assert len(dead) == 12
    assert all(name.endswith("weight1") and "layer" not in name for name in dead)


@pytest.mark.parametrize(
    "options", [{"scale": 5}, {"transformers": 3}, {"segments": 3}, {"features": 24}, {"heads": 8}]
)
def test_options_that_mean_nothing_are_refused(options):
    with pytest.raises(UsageError, match=f"cannot build esrt: .*{next(iter(options))}"):
        build_net("esrt", options)
