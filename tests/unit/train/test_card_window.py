"""Windows in training are those of the card: exact for local networks, one shape for the others."""

import pytest

torch = pytest.importorskip("torch", reason="needs the extra 'train'")
pytestmark = pytest.mark.train

from foveate.nets.esrt import ESRT, ESRTConfig
from foveate.nets.rt4ksr import RT4KSR, RT4KSRConfig
from foveate.train.export.card_window import fixed_side, restore, restore_in_windows


@torch.no_grad()
def test_a_local_net_in_windows_equals_the_whole_picture():
    net = RT4KSR(RT4KSRConfig(3, features=8, blocks=1, down="none"))
    x = torch.rand(1, 3, 50, 41)
    whole = net(x)
    assert torch.allclose(restore_in_windows(net, x, 16, net.halo, 1), whole, atol=1e-5)
    assert not torch.allclose(restore_in_windows(net, x, 16, 1, 1), whole, atol=1e-5)
    assert torch.equal(restore(net, x), whole)


@torch.no_grad()
def test_a_net_with_attention_is_run_in_its_one_window():
    net = ESRT(ESRTConfig(features=16)).eval()
    side = fixed_side(net)
    seen = []
    net.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0].shape[2:]))
    assert restore(net, torch.rand(1, 3, 70, 100)).shape == (1, 3, 140, 200)
    assert set(seen) == {(side, side)}
