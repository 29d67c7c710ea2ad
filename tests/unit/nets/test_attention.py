"""Attention in three orders of operations against one naive loop."""

import pytest

torch = pytest.importorskip("torch", reason="needs the extra 'train'")
pytestmark = pytest.mark.train

from foveate.errors import InputError
from foveate.nets.attention import Attend
from foveate.nets.esrt_transformer import SplitAttention

WAYS = [Attend("fused"), Attend("plain"), Attend("blocked", 5), Attend("blocked", 64)]
LIMIT = 1e-5


def attention(segments, dim=32, inner=None):
    torch.manual_seed(0)
    module = SplitAttention(dim, segments, inner)
    for p in module.parameters():
        torch.nn.init.normal_(p, std=0.25)
    return module


def naive(module, t):
    """Token by token, head by head, after the formula."""
    tokens, inner = t.shape[1], module.proj.in_features
    length, d = tokens // module.segments, inner // 8
    q, k, v = module.qkv(module.reduce(t)).split(inner, dim=2)
    out = torch.zeros_like(q)
    for i in range(tokens):
        own = slice(i // length * length, i // length * length + length)
        if i >= length * module.segments:
            own = slice(length * module.segments, tokens)
        for head in range(8):
            part = slice(head * d, head * d + d)
            scores = (k[:, own, part] * q[:, i : i + 1, part]).sum(2) * module.scale  # (N, own)
            weights = scores.exp() / scores.exp().sum(1, keepdim=True)
            out[:, i, part] = (weights[:, :, None] * v[:, own, part]).sum(1)
    return module.proj(out)


@pytest.mark.parametrize("attend", WAYS)
@pytest.mark.parametrize("segments", [1, 2, 4, 8])
@pytest.mark.parametrize("tokens", [8, 23, 24])
def test_every_way_equals_the_formula_with_its_gradient(attend, segments, tokens):
    module = attention(segments)
    module.attend = attend
    t = torch.randn(2, tokens, 32, requires_grad=True)
    ours, expected = module(t), naive(module, t)
    assert (ours - expected).abs().max() < LIMIT * expected.abs().max()
    weight = torch.randn_like(ours)
    slopes = [torch.autograd.grad((out * weight).sum(), t)[0] for out in (ours, expected)]
    assert (slopes[0] - slopes[1]).abs().max() < LIMIT * slopes[1].abs().max()


@torch.no_grad()
def test_left_over_tokens_attend_to_each_other_alone():
    module, t = attention(4), torch.randn(1, 23, 32)  # four times 5, and 3
    changed = t.clone()
    changed[:, 21] += 1
    moved = (module(changed) - module(t)).abs().amax((0, 2)) > 0
    assert moved.nonzero().flatten().tolist() == [20, 21, 22]


def test_fewer_tokens_than_segments_are_refused():
    with pytest.raises(InputError, match="cannot split 7 tokens into 8 segments"):
        attention(8)(torch.randn(1, 7, 32))


@pytest.mark.parametrize(("segments", "inner"), [(4, None), (1, None), (1, 32)])
def test_the_factor_counts_the_whole_heads_channels(segments, inner):
    assert attention(segments, 288, inner and 288).scale == pytest.approx(1 / 6)


@pytest.mark.parametrize("attend", [Attend("fused"), Attend("blocked", 16)])
def test_the_backward_pass_keeps_no_scores(attend):
    kept = []
    q, k, v = (torch.randn(1, 8, 256, 4, requires_grad=True) for _ in range(3))
    with torch.autograd.graph.saved_tensors_hooks(lambda t: kept.append(t.numel()) or t, id_of):
        attend(q, k, v, 1.0)
    assert max(kept) <= q.numel()


def id_of(tensor):
    return tensor


def test_training_in_bfloat16_stays_near_float32_with_its_gradient():
    torch.manual_seed(0)
    exact = [torch.randn(2, 8, 37, 18, requires_grad=True) for _ in range(3)]
    short = [t.detach().bfloat16().requires_grad_() for t in exact]
    results = [Attend("plain")(*exact, 1 / 6), Attend("fused")(*short, 1 / 6)]
    assert results[1].dtype == torch.bfloat16
    for result in results:
        result.float().square().mean().backward()
    assert (results[0] - results[1].float()).abs().max() < 0.02
    for one, other in zip(exact, short, strict=True):
        assert (one.grad - other.grad.float()).abs().max() < 0.02 * one.grad.abs().max()
