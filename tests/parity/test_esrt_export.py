"""ESRT in ONNX Runtime equals ESRT in torch, at each fixed size it is exported for."""

import io
import warnings

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="needs the extra 'train'")
pytestmark = pytest.mark.train

import onnxruntime

from foveate.nets.attention import Attend
from foveate.nets.esrt import ESRT, ESRTConfig

LIMIT = 1e-4  # of outputs of standard deviation 0.1 to 2


def exported(net, height, width):
    """ONNX of one size, any batch."""
    file = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # sizes become numbers: that is the point
        torch.onnx.export(
            net,
            (torch.rand(1, 3, height, width),),
            file,
            input_names=["lr"],
            output_names=["sr"],
            dynamic_axes={"lr": {0: "n"}, "sr": {0: "n"}},
            opset_version=17,
            dynamo=False,
        )
    return file.getvalue()


def sane_net(options):
    torch.manual_seed(1)
    net = ESRT(ESRTConfig(**options)).eval()
    for p in [*net.tail[1].parameters(), *(net.gate.parameters() if "anchor" in options else ())]:
        torch.nn.init.normal_(
            p, std=0.1
        )  # an anchored net starts them at zero, which hides the rest
    return net


def run(onnx, x):
    settings = onnxruntime.SessionOptions()
    settings.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(onnx, settings, providers=["CPUExecutionProvider"])
    return session.run(None, {"lr": x})[0]


@pytest.mark.parametrize(
    ("size", "options", "attend"),
    [
        ((32, 32), {}, Attend("fused")),
        ((30, 26), {"scale": 4, "anchor": "bicubic"}, Attend("fused")),
        ((25, 19), {"scale": 3, "features": 16}, Attend("blocked", 50)),
        ((9, 7), {"attention": "original", "features": 16}, Attend("plain")),
        ((6, 5), {"transformers": 2, "segments": 8, "features": 16}, Attend("plain")),
    ],
)
def test_onnx_runtime_equals_torch_for_one_picture_and_two(size, options, attend):
    net = sane_net(options)
    net.attend = attend
    onnx = exported(net, *size)
    for pictures in (1, 2):
        x = np.random.default_rng(0).random((pictures, 3, *size)).astype(np.float32)
        with torch.no_grad():
            expected = net(torch.from_numpy(x)).numpy()
        assert 0.1 < expected.std() < 2
        difference = np.abs(run(onnx, x) - expected).max()
        print(f"{size} {options}: {difference:.1e}")
        assert difference < LIMIT
