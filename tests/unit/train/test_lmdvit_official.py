"""The authors' LMD-ViT layout: read off the shapes, every tensor accounted for."""

from dataclasses import replace
from pathlib import Path

import pytest

torch = pytest.importorskip("torch", reason="needs the extra 'train'")
pytestmark = pytest.mark.train

from foveate.errors import ModelError
from foveate.nets.lmdvit import LMDViT, LMDViTConfig
from foveate.train.official.lmdvit import lmdvit_from_tensors

SMALL = LMDViTConfig(width=8, depths=(1, 2, 3, 2, 1), heads=(1, 2, 4, 2, 1))
FILE = Path("model_LMDVIT.pth")


def official(config=SMALL):
    return LMDViT(config).state_dict()


@pytest.mark.parametrize(
    "config",
    [SMALL, replace(SMALL, window=4, mlp_ratio=2, modulators=False), replace(SMALL, width=16)],
)
def test_every_choice_is_read_off_the_shapes_and_every_value_taken(config):
    tensors = official(config)
    net = lmdvit_from_tensors(tensors, FILE)
    assert net.config == config
    assert all(torch.equal(t, tensors[name]) for name, t in net.state_dict().items())


def test_relative_position_indices_are_recomputed_never_taken():
    tensors = official()
    indices = [name for name in tensors if name.endswith("relative_position_index")]
    wrong = tensors | {name: torch.zeros(3) for name in indices}
    without = {name: t for name, t in tensors.items() if name not in indices}
    for given in (wrong, without):
        net = lmdvit_from_tensors(given, FILE)
        assert all(torch.equal(net.state_dict()[name], tensors[name]) for name in indices)


@pytest.mark.parametrize(
    "name",
    ["conv.blocks.2.attn.proj.bias", "output_proj.proj.0.weight", "upsample_1.deconv.0.bias"],
)
def test_left_over_missing_and_misshapen_tensors_are_named(name):
    tensors = official()
    less = {n: t for n, t in tensors.items() if n != name}
    for given in (less, tensors | {name: torch.ones(7)}):
        with pytest.raises(ModelError, match=name):
            lmdvit_from_tensors(given, FILE)
    with pytest.raises(ModelError, match=r"conv\.blocks\.0\.extra"):
        lmdvit_from_tensors(tensors | {"conv.blocks.0.extra": torch.ones(1)}, FILE)


def test_another_network_is_told_apart():
    with pytest.raises(ModelError, match=r"not an LMD-ViT weight file.*it holds head\.0\.weight"):
        lmdvit_from_tensors({"head.0.weight": torch.ones(1)}, FILE)


def test_a_size_that_only_one_tensor_claims_is_refused_before_it_is_built():
    huge = official() | {"input_proj.proj.0.weight": torch.empty(1 << 20, 3, 3, 3, device="meta")}
    with pytest.raises(ModelError, match="does not fit LMD-ViT"):
        lmdvit_from_tensors(huge, FILE)
