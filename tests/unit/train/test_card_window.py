"""Windows in training are those of the card: exact for local networks, one shape for the others."""

import pytest

torch = pytest.importorskip("torch", reason="needs the extra 'train'")
pytestmark = pytest.mark.train

from foveate.errors import UsageError
from foveate.nets.esrt import ESRT, ESRTConfig
from foveate.nets.rt4ksr import RT4KSR, RT4KSRConfig
from foveate.train.export.card_window import (
    fixed_side,
    restore,
    restore_in_windows,
    window_facts,
)


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


def test_a_halo_of_its_own_takes_from_the_core():
    net = ESRT(ESRTConfig(features=16)).eval()
    own, usual = window_facts(net, 12), window_facts(net)
    assert (own.core_width, own.core_height, own.halo) == (40, 40, 12)
    assert own.minimum == usual.minimum == usual.core_width + 2 * usual.halo == fixed_side(net)


@pytest.mark.parametrize("halo", [-1, 32])
def test_a_halo_that_leaves_no_core_is_refused(halo):
    with pytest.raises(UsageError, match=f"halo of {halo}"):
        window_facts(ESRT(ESRTConfig(features=16)).eval(), halo)


def test_a_net_of_any_window_has_the_halo_it_needs():
    net = RT4KSR(RT4KSRConfig(2, features=8, blocks=1))
    with pytest.raises(UsageError, match="no window of one size"):
        window_facts(net, 12)
