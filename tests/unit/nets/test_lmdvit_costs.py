"""What LMD-ViT costs: MACs of the whole, of each predictor, and graphs of fixed shape."""

import io
import warnings
from dataclasses import replace

import pytest

torch = pytest.importorskip("torch", reason="needs the extra 'train'")
pytestmark = pytest.mark.train

import onnxruntime
from torch.utils.flop_counter import FlopCounterMode

from foveate.nets.lmdvit import SHIPPED, LMDViT, LMDViTConfig
from foveate.nets.predictors import ConfidencePredictor, LightPredictor
from foveate.nets.window_block import WindowBlock


def count_macs(run):
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        run()
    return counter.get_total_flops() / 2


def macs_per_pixel(config):
    """With every attention window kept, on a picture without values."""
    with torch.device("meta"):
        net, x = LMDViT(config).eval(), torch.zeros(1, 3, 256, 256)
        return count_macs(lambda: net(x, mask=x[:, :1], dense=True)) / 256**2


def test_the_released_net_costs_what_its_authors_code_does():
    assert macs_per_pixel(LMDViTConfig()) * 256**2 == pytest.approx(93.138e9, rel=1e-5)
    bare = macs_per_pixel(replace(LMDViTConfig(), depths=(0,) * 9))
    assert bare * 256**2 == pytest.approx(3.295e9, rel=2e-4)


def test_the_shipped_net_has_the_size_it_claims():
    with torch.device("meta"):
        net = LMDViT(SHIPPED)
    assert sum(p.numel() for p in net.parameters()) == 5_309_052
    assert sum(p.numel() for p in net.look.parameters()) == 664_753
    look = count_macs(lambda: net.look(torch.zeros(1, 3, 64, 64, device="meta"))) / 64**2
    assert look == pytest.approx(3_047, abs=1)
    assert macs_per_pixel(SHIPPED) == pytest.approx(3_047 + 7_216 + 93_112, abs=1)


@pytest.mark.parametrize("features", [32, 128, 512])
def test_our_predictor_costs_a_hundredth_of_the_papers(features):
    x = torch.zeros(1, 32, 32, 64, features, device="meta")
    paper, light = (
        count_macs(lambda kind=kind: kind(features).to("meta")(x)) / 32**2
        for kind in (ConfidencePredictor, LightPredictor)
    )
    print(f"C = {features}: {paper:,.0f} and {light:,.0f} MACs per attention window")
    assert paper == 64 * (2.625 * features**2 + 0.5 * features)
    assert light < paper / 100


def test_our_predictor_sees_one_neighbour_and_no_further():
    torch.manual_seed(0)
    predictor, x = LightPredictor(16), torch.randn(1, 5, 6, 16, 16)
    other = x.clone()
    other[0, 0, 0] += torch.randn(16, 16)
    with torch.no_grad():
        changed = (predictor(x) != predictor(other)).any(-1)[0]
    assert changed[:2, :2].all()
    assert not changed[2:].any()
    assert not changed[:, 2:].any()


def run_as_graph(module, *inputs):
    """The module as an ONNX graph of the inputs' shapes, run once by ONNX Runtime."""
    names = [f"x{i}" for i in range(len(inputs))]
    buffer = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(module, inputs, buffer, input_names=names, opset_version=17, dynamo=False)
    session = onnxruntime.InferenceSession(buffer.getvalue(), providers=["CPUExecutionProvider"])
    feeds = {n: x.numpy() for n, x in zip(names, inputs, strict=True)}
    return torch.from_numpy(session.run(None, feeds)[0])


def test_a_block_and_both_predictors_are_graphs_of_fixed_shape():
    torch.manual_seed(0)
    block = WindowBlock(16, 2, 8, ratio=4, modulator=True, drop_path=0, score_predictor=None)
    k, edges = torch.randn(6, 64, 16), torch.tensor([0, 1, 2, 3, 0, 0])
    cases = [(block.eval(), k), (block, k, edges)]
    cases += [
        (p(16).eval(), torch.randn(1, 3, 4, 64, 16)) for p in (ConfidencePredictor, LightPredictor)
    ]
    for module, *inputs in cases:
        with torch.no_grad():
            expected = module(*inputs)
        assert (run_as_graph(module, *inputs) - expected).abs().max() < 1e-5


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("depths", (1, 1)),
        ("heads", (1, 2, 3)),
        ("heads", (3,) * 9),
        ("predictor", "no"),
        ("down", 3),
    ],
)
def test_choices_that_mean_nothing_are_refused(option, value):
    with pytest.raises(ValueError, match=option):
        LMDViTConfig(**{option: value})
