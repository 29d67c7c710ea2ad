"""ESRT against the golden vectors: weight rule, intermediate tensors, odd sizes, names."""

import json
import zlib
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="needs the extra 'train'")
pytestmark = pytest.mark.train

from foveate.nets.attention import Attend
from foveate.nets.esrt import ESRT, ESRTConfig

LIMITS = [(torch.float32, 5e-4), (torch.float64, 4e-6)]  # of outputs of standard deviation 9 to 14
SCALED = (".scale", ".relu.weight", "norm1.weight", "norm2.weight")


@pytest.fixture
def golden(shared: Path) -> Path:
    return shared / "facts" / "golden"


def ruled_net(scale, dtype):
    """A net with every tensor set by the golden README's rule."""
    net = ESRT(ESRTConfig(scale))
    tensors = {}
    for name, tensor in net.state_dict().items():
        shape = tuple(tensor.shape)
        v = np.random.default_rng(zlib.crc32(name.encode())).standard_normal(shape)
        v = v * 0.05 if len(shape) == 1 else v * np.prod(shape[1:]) ** -0.5
        tensors[name] = torch.from_numpy((v + name.endswith(SCALED)).astype(np.float32))
    net.load_state_dict(tensors)
    return net.eval().to(dtype)


def difference(tensor, expected):
    return float((tensor - torch.from_numpy(expected).to(tensor.dtype)).abs().max())


@pytest.mark.parametrize("scale", [2, 3, 4])
@pytest.mark.parametrize("size", ["24x20", "25x19"])
@pytest.mark.parametrize(("dtype", "limit"), LIMITS)
@pytest.mark.parametrize("way", ["fused", "blocked", "plain"])
@torch.no_grad()
def test_ruled_weights_give_the_golden_output(  # noqa: PLR0917 - one per parameter
    golden, scale, size, dtype, limit, way
):
    vectors = np.load(golden / f"esrt_x{scale}_{size}.npz")
    net = ruled_net(scale, dtype)
    net.attend = Attend(way, block=50)
    assert difference(net(torch.from_numpy(vectors["x"]).to(dtype)), vectors["y"]) < limit


@pytest.mark.parametrize(("dtype", "limit"), LIMITS)
@torch.no_grad()
def test_first_block_fusion_and_body_give_their_golden_tensors(golden, dtype, limit):
    vectors = np.load(golden / "esrt_x2_24x20.npz")
    net = ruled_net(2, dtype)
    h = net.head(torch.from_numpy(vectors["x"]).to(dtype))
    seen = {}
    net.body[0].reduce.register_forward_hook(lambda *call: seen.update(fuse=call[2]))
    body = net.body(h)
    assert difference(net.body[0].encoder1(h), vectors["hpb1"]) < limit
    assert difference(seen["fuse"], vectors["fuse"]) < limit
    assert difference(body, vectors["body"]) < limit


@pytest.mark.parametrize("scale", [2, 3, 4])
def test_tensor_names_and_shapes_are_the_authors(golden, scale):
    facts = json.loads((golden / f"esrt_x{scale}_keys.json").read_text())
    net = ESRT(ESRTConfig(scale))
    ours = {name: list(tensor.shape) for name, tensor in net.state_dict().items()}
    assert ours == {t["name"]: t["shape"] for t in facts["tensors"]}
    assert sum(p.numel() for p in net.parameters()) == facts["total"]
    assert facts["total"] == {2: 677_783, 3: 770_263, 4: 751_767}[scale]
