"""Pruning: both ways of computing agree, nothing kept costs nothing, and who decides."""

import itertools
from dataclasses import replace

import pytest

torch = pytest.importorskip("torch", reason="needs the extra 'train'")
pytestmark = pytest.mark.train

from torch.nn import functional as F

from foveate.nets.attention_windows import split_windows
from foveate.nets.lmdvit import SHIPPED, LMDViT
from foveate.nets.predictors import decide_at, decide_by_chance
from foveate.nets.window_block import WindowBlock
from foveate.nets.window_stage import run_block

SMALL = replace(
    SHIPPED,
    width=8,
    depths=(1, 2, 3, 2, 1),
    heads=(1, 2, 4, 2, 1),
    window=4,
    predictor="light",
    entry=1.0,
)


def randomised(net, seed=0):
    """Every tensor random, so that none hides what another does."""
    torch.manual_seed(seed)
    for p in net.parameters():
        torch.nn.init.normal_(p, std=0.2)
    return net.eval()


def make_block(*, modulator=True):
    return randomised(
        WindowBlock(8, 2, 4, ratio=2, modulator=modulator, drop_path=0, score_predictor=None)
    )


def decisions(kind):
    keep = {"all": torch.ones, "none": torch.zeros}.get(kind, torch.rand)(3, 4, 5)
    return (keep > 0.5).float()


@pytest.mark.parametrize("kind", ["random", "all", "none"])
@pytest.mark.parametrize("shift", [0, 2])
@pytest.mark.parametrize("modulator", [False, True])
def test_masked_dense_equals_gather_compute_scatter(kind, shift, modulator):
    block = make_block(modulator=modulator)
    x, keep = torch.randn(3, 16, 20, 8), decisions(kind)
    with torch.no_grad():
        dense = run_block(block, x, keep, 4, shift, dense=True)
        sparse = run_block(block, x, keep, 4, shift, dense=False)
    assert (dense - sparse).abs().max() < 1e-5
    assert torch.equal(sparse, x) == (kind == "none")


def test_a_shifted_block_treats_each_window_by_its_place():
    block, x = make_block(), torch.randn(2, 16, 20, 8)
    expected = split_windows(x, 4, 2)
    with torch.no_grad():
        y = run_block(block, x, torch.ones(2, 4, 5), 4, 2, dense=False)
        for b, row, column in itertools.product(range(2), range(4), range(5)):
            edge = torch.tensor([(row == 3) + 2 * (column == 4)])
            expected[b, row, column] = block(expected[b, row, column][None], edge)[0]
    assert (split_windows(y, 4, 2) - expected).abs().max() < 1e-5


@pytest.mark.parametrize("kind", ["random", "all", "none"])
@pytest.mark.parametrize("predictor", ["paper", "light"])
def test_the_whole_net_computes_the_same_both_ways(kind, predictor):
    net = randomised(LMDViT(replace(SMALL, predictor=predictor)))
    x, mask = torch.rand(2, 3, 32, 48), torch.zeros(2, 1, 32, 48)
    if kind == "random":
        mask[0, 0, 9, 13] = mask[1, 0, 20:, 40:] = 1
    with torch.no_grad():
        forced = {"mask": torch.ones_like(mask) if kind == "all" else mask}
        sparse, dense = net(x, **forced, dense=False), net(x, **forced, dense=True)
    assert (sparse.restored - dense.restored).abs().max() < 1e-5
    kept = torch.cat([d.keep.flatten() for d in sparse.decisions])
    assert {"all": kept.all(), "none": not kept.any(), "random": 0 < kept.mean() < 1}[kind]


def test_a_batch_decides_and_computes_as_its_pictures_do_alone():
    net = randomised(LMDViT(replace(SMALL, predictor="paper")))
    x = torch.rand(2, 3, 48, 32)
    with torch.no_grad():
        # A threshold in the middle of what the random net says, so that decisions are mixed.
        logits = torch.cat([d.logits.reshape(-1, 2) for d in net(x).decisions])
        threshold = logits.softmax(1)[:, 0].median().item()
        both = net(x, threshold=threshold)
        alone = [net(one[None], threshold=threshold) for one in x]
    for i, one in enumerate(alone):
        assert (both.restored[i] - one.restored[0]).abs().max() < 1e-5
        for ours, theirs in zip(both.decisions, one.decisions, strict=True):
            assert torch.equal(ours.keep[i], theirs.keep[0]), ours.block
    kept = torch.cat([d.keep.flatten() for d in both.decisions])
    assert 0.1 < kept.mean() < 0.9


def test_nothing_kept_returns_the_input_itself_and_computes_nothing():
    def block(*_):
        raise AssertionError("computed")

    x = torch.randn(2, 8, 8, 8)
    assert run_block(block, x, torch.zeros(2, 2, 2), 4, 2, dense=False) is x


def test_pruned_windows_keep_their_bits_and_see_nothing_of_the_kept():
    block, x = make_block(), torch.randn(1, 8, 8, 8)
    keep = torch.tensor([[[1.0, 0.0], [0.0, 0.0]]])
    with torch.no_grad():
        y = run_block(block, x, keep, 4, 0, dense=False)
        other = run_block(
            block, x + F.pad(torch.ones(1, 8, 4, 8), (0, 0, 4, 0)), keep, 4, 0, dense=False
        )
    assert torch.equal(y[:, 4:], x[:, 4:])
    assert torch.equal(y[:, :4, 4:], x[:, :4, 4:])
    assert not torch.equal(y[:, :4, :4], x[:, :4, :4])
    assert torch.equal(y[:, :4, :4], other[:, :4, :4])


def test_blocks_of_one_grid_share_its_decision_and_the_other_has_its_own():
    net = LMDViT(replace(SMALL, depths=(1, 2, 5, 2, 1)))
    deciding = [n for n, m in net.named_modules() if n.endswith("score_predictor")]
    assert [n.removesuffix(".score_predictor") for n in deciding if n.startswith("conv")] == [
        "conv.blocks.0",
        "conv.blocks.1",
    ]
    calls = []
    for i, block in enumerate(net.conv.blocks):
        block.register_forward_hook(lambda _, args, __, i=i: calls.append((i, len(args[0]))))

    def decide(logits, _, shift_px):
        keep = torch.zeros(logits.shape[:3])
        keep[0, 0, : 1 + (shift_px > 0)] = 1
        return logits, keep

    net.eval().conv(torch.rand(1, 8, 12, 32), decide, dense=False)
    assert calls == [(0, 1), (1, 2), (2, 1), (3, 2), (4, 1)]


def test_a_threshold_compares_the_probability_strictly():
    logits = torch.tensor([[0.0, 0.0], [0.1, 0.0], [2.0, 0.0], [-2.0, 0.0]])
    p = logits.softmax(1)[:, 0]
    for threshold in (0.0, 0.2, 0.5, 0.7, 1.0):
        assert torch.equal(decide_at(logits, threshold), (p > threshold).float()), threshold


def test_training_draws_decisions_in_proportion_and_hands_gradients_through():
    torch.manual_seed(0)
    logits = torch.tensor([1.0, 0.0]).expand(4000, 2).clone().requires_grad_()
    keep = decide_by_chance(logits)
    assert ((keep - keep.round()).abs() < 1e-6).all()
    assert abs(keep.mean().item() - torch.tensor([1.0, 0.0]).softmax(0)[0].item()) < 0.03
    keep.sum().backward()
    assert (logits.grad[:, 0] > 0).all()


def test_the_picture_alone_teaches_the_predictors_in_dense_training():
    net = randomised(LMDViT(SMALL)).train()
    torch.manual_seed(0)
    net(torch.rand(2, 3, 16, 16)).restored.square().mean().backward()
    for name, p in net.named_parameters():
        if ".score_predictor." in name:
            assert p.grad is not None, name
            assert p.grad.abs().max() > 0, name


def test_drop_path_drops_whole_windows_and_keeps_the_mean():
    block = make_block()
    block.drop_path = 0.5
    k = torch.randn(1, 16, 8).expand(2000, 16, 8)
    with torch.no_grad():
        torch.manual_seed(0)
        attended = block.train().norm1(k)  # the same for all: only the dropping differs
        y = block._drop(attended)
    factors = (y / attended).flatten(1)
    assert torch.allclose(factors, factors[:, :1].expand_as(factors))
    assert set(factors[:, 0].round().tolist()) == {0.0, 2.0}
    assert abs(factors[:, 0].mean().item() - 1) < 0.1


def test_an_untrained_net_is_the_identity_whatever_is_kept():
    blurry = torch.rand(1, 3, 128, 128)
    net = LMDViT(SHIPPED).eval()
    for keep in (torch.ones(1, 1, 128, 128), torch.zeros(1, 1, 128, 128)):
        assert torch.equal(net(blurry, mask=keep).restored, blurry)


def test_doubt_is_taken_off_the_gates_logits_but_not_in_training():
    small = replace(SHIPPED, width=8, depths=(0, 1, 0), heads=(1, 1, 1), look=4, doubt=0.0)
    net = randomised(LMDViT(small))
    x, mask = torch.rand(1, 3, 32, 32), torch.ones(1, 1, 32, 32)
    sure = net(x, mask=mask).last
    net.config = replace(net.config, doubt=1.5)
    assert torch.equal(net(x, mask=mask).last, sure - 1.5)
    assert torch.equal(net.train()(x, mask=mask).last, sure)
