"""RT4KSR against the golden vectors: official files, weight rule, HF branch, names."""

import json
import zlib
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="needs the extra 'train'")
pytestmark = pytest.mark.train

from foveate.nets.rt4ksr import RT4KSR, RT4KSRConfig
from foveate.train.export.graph import fold
from foveate.train.official.reader import read_official


@pytest.fixture
def golden(shared: Path) -> Path:
    return shared / "facts" / "golden"


def difference(net, x, y, dtype):
    with torch.no_grad():
        out = net.to(dtype)(torch.from_numpy(x).to(dtype))
    return float((out - torch.from_numpy(y).to(dtype)).abs().max())


def ruled_net(scale, hf):
    """A net with every tensor set by the golden README's rule."""
    full = RT4KSR(RT4KSRConfig(scale, hf="gaussian"))
    tensors = {}
    for name, tensor in full.state_dict().items():
        shape = tuple(tensor.shape)
        v = np.random.default_rng(zlib.crc32(name.encode())).standard_normal(shape)
        v = v * 0.05 if len(shape) == 1 else v * np.prod(shape[1:]) ** -0.5
        if name.endswith("norm.weight") or name == "tail.0.weight":
            v = v + 1
        tensors[name] = torch.from_numpy(v.astype(np.float32))
    net = RT4KSR(RT4KSRConfig(scale, hf=hf))
    net.load_state_dict({name: tensors[name] for name in net.state_dict()})
    return net


@pytest.mark.parametrize("scale", [2, 3])
@pytest.mark.parametrize(("dtype", "limit"), [(torch.float32, 1e-5), (torch.float64, 1e-6)])
def test_official_files_give_the_golden_output(golden, scale, dtype, limit):
    net = read_official(golden / f"official_rt4ksr_x{scale}.pth", "rt4ksr")
    vectors = np.load(golden / f"rt4ksr_x{scale}_official.npz")
    assert difference(net, vectors["x"], vectors["y"], dtype) < limit
    assert difference(fold(net.float()), vectors["x"], vectors["y"], torch.float32) < 1e-5


def test_hf_branch_switched_on_gives_the_golden_output(golden):
    vectors = np.load(golden / "rt4ksr_x2_hf_on.npz")
    content = torch.load(golden / "official_rt4ksr_x2.pth", map_location="cpu", weights_only=True)
    tensors = {k.removeprefix("module."): v for k, v in content["state_dict"].items()}
    tensors["gamma"] = torch.tensor(vectors["gamma"], dtype=torch.float32).reshape(1)
    net = RT4KSR(RT4KSRConfig(2, hf="gaussian"))
    net.load_state_dict(tensors)
    assert difference(net, vectors["x"], vectors["y"], torch.float32) < 1e-5
    assert difference(fold(net), vectors["x"], vectors["y"], torch.float32) < 1e-5


@pytest.mark.parametrize("scale", [2, 3, 4])
@pytest.mark.parametrize(("hf", "key"), [("gaussian", "y_hf_on"), ("none", "y_hf_off")])
@pytest.mark.parametrize(("dtype", "limit"), [(torch.float32, 2e-5), (torch.float64, 1e-6)])
def test_ruled_weights_give_the_golden_output(  # noqa: PLR0917 - one per parameter
    golden, scale, hf, key, dtype, limit
):
    vectors = np.load(golden / f"rt4ksr_x{scale}_rule_24x20.npz")
    net = ruled_net(scale, hf)
    assert difference(net, vectors["x"], vectors[key], dtype) < limit
    assert difference(fold(net.float()), vectors["x"], vectors[key], torch.float32) < 2e-5


@pytest.mark.parametrize("file", ["rt4ksr_x2_keys", "rt4ksr_x3_keys", "rt4ksr_x4_keys"])
def test_tensor_names_and_shapes_are_the_authors(golden, file):
    facts = json.loads((golden / f"{file}.json").read_text())
    net = RT4KSR(RT4KSRConfig(facts["scale"], hf="gaussian"))
    ours = {name: list(tensor.shape) for name, tensor in net.state_dict().items()}
    prefix = facts["prefix"]
    assert ours == {t["name"].removeprefix(prefix): t["shape"] for t in facts["tensors"]}
    assert sum(p.numel() for p in net.parameters()) == facts["total"]


@pytest.mark.parametrize("file", ["rt4ksr_x2_fused_keys", "rt4ksr_x3_fused_keys"])
def test_folded_names_and_shapes_are_the_expected(golden, file):
    facts = json.loads((golden / f"{file}.json").read_text())
    net = fold(RT4KSR(RT4KSRConfig(facts["scale"], hf="gaussian")))
    ours = {name: list(tensor.shape) for name, tensor in net.state_dict().items()}
    assert ours == {t["name"]: t["shape"] for t in facts["tensors"]}
