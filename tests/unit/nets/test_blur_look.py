"""The coarse look: its windows, its reach, and its decisions for every block."""

from dataclasses import replace

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="needs the extra 'train'")
pytestmark = pytest.mark.train

from foveate.engine.window_index import largest_in_windows
from foveate.nets.attention_windows import window_labels
from foveate.nets.blur_look import BlurLook
from foveate.nets.lmdvit import SHIPPED, LMDViT, LMDViTConfig

SMALL = replace(SHIPPED, width=8, depths=(1, 2, 1), heads=(1, 2, 1), look=4, entry=1.0)


def seen(look, cell, side=768):
    """How far the window in that row and column sees up or down, whichever is more."""
    x = torch.rand(1, 3, side, side, requires_grad=True)
    look(x)[0, cell, cell].backward()
    rows = x.grad.abs().sum((0, 1, 3)).nonzero()[:, 0]
    return max(8 * cell - int(rows.min()), int(rows.max()) - (8 * cell + 7))


def test_a_window_sees_no_further_than_its_reach():
    torch.manual_seed(0)
    look = BlurLook(8)
    for parameter in look.parameters():  # its last steps begin at 0
        torch.nn.init.normal_(parameter, std=0.1)
    assert max(seen(look, 48 + i) for i in range(4)) == BlurLook.reach_px


@pytest.mark.parametrize(("size_px", "shift_px"), [(8, 0), (8, 4), (16, 8), (32, 0), (32, 16)])
def test_an_attention_window_is_as_blurred_as_the_worst_it_touches(size_px, shift_px):
    logits = torch.randn(2, 8, 8)
    found = BlurLook(4).of_window(logits, size_px, shift_px)
    assert (found[..., 1] == 0).all()
    pixels = (logits > 0.8).float().repeat_interleave(8, 1).repeat_interleave(8, 2)[:, None]
    expected = window_labels(pixels, size_px, shift_px)
    assert torch.equal((found[..., 0] > 0.8).float(), expected)
    in_engine = [largest_in_windows(one.numpy(), 8, size_px, shift_px) for one in logits]
    assert np.array_equal(np.stack(in_engine), found[..., 0].numpy())


def test_it_decides_for_every_block_as_a_mask_of_its_windows_would():
    torch.manual_seed(0)
    net = LMDViT(SMALL).eval()
    for parameter in net.parameters():
        torch.nn.init.normal_(parameter, std=0.2)
    x = torch.rand(1, 3, 64, 64)
    with torch.no_grad():
        net.look.both[-1].bias -= net.look(x).quantile(0.8)
        mask = (net.look(x) > 0).float().repeat_interleave(8, 1).repeat_interleave(8, 2)[:, None]
        alone, told = net(x), net(x, mask=mask)
    assert 0 < mask.mean() < 1
    assert torch.equal(alone.restored, told.restored)
    assert all(
        torch.equal(a.keep, b.keep) for a, b in zip(alone.decisions, told.decisions, strict=True)
    )


def test_the_gate_has_the_last_word_on_what_the_look_let_in():
    torch.manual_seed(1)
    net = LMDViT(replace(SMALL, entry=0.5)).eval()
    for parameter in net.parameters():
        torch.nn.init.normal_(parameter, std=0.2)
    x = torch.rand(2, 3, 64, 64)
    with torch.no_grad():
        net.look.both[-1].bias -= net.look(x).quantile(0.5) + 1.0986  # 0.25 in the middle
        net.output_proj.proj[0].weight[3] *= 9
        entered = net.look(x).sigmoid() > 0.25
        net.output_proj.proj[0].bias[3] -= net(x).last[entered].median()
        result, told = net(x), net(x, mask=torch.ones(2, 1, 64, 64))
    assert torch.equal(result.kept, entered & (result.last > 0))
    assert 0.1 < result.kept.float().mean() < entered.float().mean() < 0.9
    cells = result.kept.repeat_interleave(8, 1).repeat_interleave(8, 2)
    changed = (result.restored != x).any(1)
    assert not changed[~cells].any()
    assert changed[cells].float().mean() > 0.99
    assert told.kept is None  # a mask has the last word itself
    assert (told.restored != x).float().mean() > 0.99


def test_with_a_mask_what_the_look_doubts_is_computed_too():
    net = LMDViT(replace(SMALL, entry=0.5)).train()
    x, mask = torch.rand(1, 3, 64, 64), torch.zeros(1, 1, 64, 64)
    mask[..., :8, :8] = 1
    with torch.no_grad():
        for parameter in net.look.parameters():
            parameter.zero_()  # a half everywhere: above 0.25
        assert net(x, mask=mask, dense=False).decisions[-1].keep.mean() < 0.1
        assert net(x, mask=mask, doubtful=True, dense=False).decisions[-1].keep.mean() == 1


def test_more_pictures_are_seen_by_the_look_alone():
    net = LMDViT(SMALL).eval()
    x, more = torch.rand(1, 3, 64, 64), torch.rand(2, 3, 64, 64)
    with torch.no_grad():
        result, plain = net(x, looked=more), net(x)
        assert torch.equal(result.restored, plain.restored)
        assert torch.allclose(result.look, torch.cat([plain.look, net.look(more)]), atol=1e-4)


def test_a_look_that_decides_must_be_there():
    with pytest.raises(ValueError, match="needs a look"):
        LMDViTConfig(predictor="look")
