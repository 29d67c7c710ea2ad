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

SMALL = replace(SHIPPED, width=8, depths=(1, 2, 1), heads=(1, 2, 1), look=4)


def seen(look, side=256):
    """The pixels that the window in the middle depends on: first and last row."""
    x = torch.rand(1, 3, side, side, requires_grad=True)
    look(x)[0, side // 16, side // 16].backward()
    rows = x.grad.abs().sum((0, 1, 3)).nonzero()[:, 0]
    return int(rows.min()), int(rows.max())


def test_a_window_sees_no_further_than_its_reach():
    torch.manual_seed(0)
    first, last = seen(BlurLook(8))
    begin = 256 // 16 * 8
    assert max(begin - first, last - (begin + 7)) == BlurLook.reach_px


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
