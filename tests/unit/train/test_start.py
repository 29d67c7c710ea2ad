"""A net that starts from a model or a checkpoint computes what that one did."""

import pytest

torch = pytest.importorskip("torch", reason="needs the extra 'train'")
pytestmark = pytest.mark.train

from foveate.errors import ModelError, UsageError
from foveate.models.card import TrainingFacts
from foveate.nets.esrt import ESRT, ESRTConfig
from foveate.nets.lmdvit import SHIPPED, LMDViT
from foveate.nets.rt4ksr import RT4KSR, RT4KSRConfig
from foveate.train.export.model import Claims, export_net
from foveate.train.start import start_from

CLAIMS = Claims("net", "tests", "a net", "none", "none", TrainingFacts())


def net_of(seed, **options):
    torch.manual_seed(seed)
    return RT4KSR(RT4KSRConfig(features=8, blocks=1, **options))


@pytest.mark.parametrize("expand", [0, 2])
def test_a_net_started_from_a_model_computes_the_same_and_every_tensor_learns(tmp_path, expand):
    trained = net_of(0)
    card = export_net(trained, CLAIMS, tmp_path)
    net = net_of(1, expand=expand)
    start_from(net, str(card))
    # LayerNorm's and the convolutions' tensors keep their names in the graph.
    x = torch.rand(1, 3, 16, 16)
    assert torch.allclose(net(x), trained(x), atol=1e-5)
    net(x).square().mean().backward()
    still = [n for n, p in net.named_parameters() if not p.grad.abs().sum() > 0]
    assert still == []


def test_an_esrt_started_from_a_model_has_every_tensor_that_counts(tmp_path):
    """Folded graphs lose the names of matrices and scaled kernels: 84 of 344 were not taken."""
    torch.manual_seed(0)
    trained, net = (ESRT(ESRTConfig(features=16)) for _ in range(2))
    for parameter in trained.parameters():
        torch.nn.init.normal_(parameter, std=0.1)
    card = export_net(trained, CLAIMS, tmp_path)
    taken = start_from(net, str(card))
    x = torch.rand(1, 3, 24, 24)
    assert torch.equal(net(x), trained(x))
    of_no_use = [n for n, p in net.named_parameters() if n.endswith(".weight1.scale") and p == 1]
    assert taken + len(of_no_use) == len(net.state_dict())


def test_at_another_scale_all_but_the_last_convolution_are_taken(tmp_path):
    trained = net_of(0)
    card = export_net(trained, CLAIMS, tmp_path)
    net = net_of(1, scale=3)
    last = net.upsample[0].weight.detach().clone()
    start_from(net, str(card.with_suffix(".onnx")))
    assert torch.equal(net.upsample[0].weight, last)
    assert torch.equal(net.head[0].weight, trained.head[0].weight)


def test_a_start_that_shares_nothing_is_refused(tmp_path):
    card = export_net(net_of(0), CLAIMS, tmp_path)
    with pytest.raises(ModelError, match="none of its tensors fits"):
        start_from(RT4KSR(RT4KSRConfig(3, features=12, blocks=1)), str(card))


def test_a_model_of_another_task_is_no_start():
    with pytest.raises(UsageError, match="deblur"):
        start_from(net_of(0), "lmdvit.local")
    with pytest.raises(UsageError, match="upscale"):
        start_from(LMDViT(SHIPPED), "rt4ksr_x2.bicubic")


def test_the_deblurring_model_that_ships_is_a_start():
    net = LMDViT(SHIPPED)
    tables = [name for name in net.state_dict() if name.endswith("relative_position_index")]
    assert start_from(net, "lmdvit.local") == len(net.state_dict()) - len(tables)
