"""The blocks' promises: folding is exact, the anchor is bicubic, grey stays grey."""

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="needs the extra 'train'")
pytestmark = pytest.mark.train

from foveate.nets.blocks import BicubicAnchor, RepConv
from foveate.nets.rt4ksr import RT4KSR, RT4KSRConfig
from foveate.train.export.graph import fold

SHIPPED_SHAPE = {
    "blocks": 3,
    "norm": False,
    "act": "leaky",
    "source": "hf",
    "block_skip": True,
    "body_skip": True,
    "anchor": "bicubic",
    "output": "luma",
}


def randomised(net, seed=0):
    """Every tensor random: a zero-started layer would hide what comes before it."""
    torch.manual_seed(seed)
    for p in net.parameters():
        torch.nn.init.normal_(p, std=0.2)
    return net.eval()


@pytest.mark.parametrize("size", [(1, 1), (2, 7), (9, 8)])
def test_rrb_equals_one_convolution_borders_included(size):
    block = randomised(RepConv(6, 2))
    x = torch.randn(2, 6, *size)
    with torch.no_grad():
        expanded, folded = block.forward_expanded(x), block(x)
        block.fold()
        replaced = block(x)
    assert (expanded - folded).abs().max() < 1e-5
    assert (expanded - replaced).abs().max() < 1e-5


def test_rrb_with_a_zero_ring_would_differ_at_the_border_alone():
    block = randomised(RepConv(6, 2))
    x = torch.randn(1, 6, 9, 9)
    with torch.no_grad():
        e = block.expand_conv(x)
        padded = torch.nn.functional.pad(e, (1, 1, 1, 1))
        wrong = block.reduce_conv(block.fea_conv(padded) + e) + x
        difference = (wrong - block(x)).abs().amax((0, 1))
    assert difference[1:-1, 1:-1].max() < 1e-5
    assert difference[0].max() > 1e-2


@pytest.mark.parametrize("scale", [2, 3, 4])
def test_anchor_is_bicubic_by_the_formula(scale):
    def keys(t):
        t = abs(t)
        if t <= 1:
            return 1.5 * t**3 - 2.5 * t**2 + 1
        return -0.5 * t**3 + 2.5 * t**2 - 4 * t + 2 if t < 2 else 0.0

    x = np.random.default_rng(0).random((7, 8))
    sr = BicubicAnchor(scale)(torch.from_numpy(x)[None, None].repeat(1, 3, 1, 1))[0, 1].numpy()
    for row, column in ((0, 0), (3 * scale + 1, 4 * scale), (7 * scale - 1, 8 * scale - 2)):
        y, z = (row + 0.5) / scale - 0.5, (column + 0.5) / scale - 0.5
        expected = sum(
            keys(y - i) * keys(z - j) * x[min(max(i, 0), 6), min(max(j, 0), 7)]
            for i in range(int(np.floor(y)) - 1, int(np.floor(y)) + 3)
            for j in range(int(np.floor(z)) - 1, int(np.floor(z)) + 3)
        )
        assert abs(sr[row, column] - expected) < 1e-6


@pytest.mark.parametrize("output", ["rgb", "luma"])
def test_a_new_net_with_an_anchor_is_the_anchor(output):
    net = RT4KSR(RT4KSRConfig(**SHIPPED_SHAPE | {"output": output}))
    x = torch.rand(1, 3, 8, 10)
    with torch.no_grad():
        assert torch.equal(net(x), BicubicAnchor(2)(x))


def test_grey_in_gives_grey_out_with_the_luma_output():
    net = randomised(RT4KSR(RT4KSRConfig(**SHIPPED_SHAPE)))
    x = torch.rand(1, 1, 12, 14).repeat(1, 3, 1, 1)
    with torch.no_grad():
        sr = net(x)
    assert torch.equal(sr[:, 0], sr[:, 1])
    assert torch.equal(sr[:, 0], sr[:, 2])


@pytest.mark.parametrize("options", [SHIPPED_SHAPE, {}, {"hf": "gaussian"}, {"hf": "pool"}])
def test_halo_is_enough_and_two_less_is_not(options):
    net = fold(randomised(RT4KSR(RT4KSRConfig(**options)))).double()
    height, cut, halo = 96, 48, net.halo
    x = torch.rand(1, 3, height, 16, dtype=torch.float64)
    with torch.no_grad():
        whole = net(x)[:, :, : cut * 2]
        enough = net(x[:, :, : cut + halo])[:, :, : cut * 2]
        short = net(x[:, :, : cut + halo - 4])[:, :, : cut * 2]
    assert (whole - enough).abs().max() < 1e-9
    assert (whole - short).abs().max() > 1e-9
