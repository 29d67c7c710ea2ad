"""Writes tiny_x2.onnx and tiny_deblur.zip, for tests. Needs the `onnx` package and torch.

tiny_x2.onnx is the shape of RT4KSR in a few kB.
Unshuffle by 2, three 3x3 convolutions with zero padding, shuffle by 4, plus the input enlarged by
nearest neighbour: windows are exact with a halo of 6 and not with 4. The colours get different
weights, so it tints grey.
"""

import io
from itertools import pairwise
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

FEATURES = 8


def make_tiny() -> onnx.ModelProto:
    rng = np.random.default_rng(8)
    channels = [12, FEATURES, FEATURES, 48]
    constants = {
        "scales": np.array([1, 1, 2, 2], np.float32),
    }
    nodes = [helper.make_node("SpaceToDepth", ["lr"], ["f0"], blocksize=2)]
    for index, (fan_in, fan_out) in enumerate(pairwise(channels)):
        spread = np.sqrt(2 / (9 * fan_in)) * (0.08 if fan_out == 48 else 1)
        weights = rng.normal(0, spread, (fan_out, fan_in, 3, 3)).astype(np.float32)
        constants[f"w{index}"] = weights
        constants[f"b{index}"] = rng.normal(0, 0.01, fan_out).astype(np.float32)
        inputs = [f"f{index}", f"w{index}", f"b{index}"]
        nodes.append(helper.make_node("Conv", inputs, [f"c{index}"], pads=[1, 1, 1, 1]))
        if fan_out != 48:
            nodes.append(helper.make_node("Relu", [f"c{index}"], [f"f{index + 1}"]))
    nodes += [
        helper.make_node("DepthToSpace", ["c2"], ["residual"], blocksize=4, mode="CRD"),
        helper.make_node(
            "Resize",
            ["lr", "", "scales"],
            ["anchor"],
            mode="nearest",
            coordinate_transformation_mode="asymmetric",
            nearest_mode="floor",
        ),
        helper.make_node("Add", ["anchor", "residual"], ["sr"]),
    ]
    graph = helper.make_graph(
        nodes,
        "tiny",
        [helper.make_tensor_value_info("lr", TensorProto.FLOAT, ["n", 3, "h", "w"])],
        [helper.make_tensor_value_info("sr", TensorProto.FLOAT, ["n", 3, "sh", "sw"])],
        [numpy_helper.from_array(value, name) for name, value in constants.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    onnx.checker.check_model(model, full_check=True)
    return model


def make_tiny_deblur() -> bytes:
    """LMD-ViT of one level, random weights, areas of 64 x 64: mixed decisions everywhere."""
    import torch  # noqa: PLC0415 - the other model does without

    from foveate.nets.lmdvit import LMDViT, LMDViTConfig  # noqa: PLC0415 - as above
    from foveate.train.export.deblur_file import write_graphs  # noqa: PLC0415 - as above

    torch.manual_seed(3)
    config = LMDViTConfig(
        width=4, depths=(1, 2, 1), heads=(1, 1, 1), down=2, predictor="light", look=4
    )
    net = LMDViT(config).eval()
    for name, parameter in net.named_parameters():
        if name.endswith(("norm1.weight", "norm2.weight")):
            continue
        torch.nn.init.normal_(parameter, std=3.0 if ".logits." in name else 0.15)
    area = torch.rand(1, 3, 64, 64) * torch.linspace(0, 1, 64)
    with torch.no_grad():
        net.look.both[-1].bias -= net.look(area).median()
    for _ in range(4):  # later decisions depend on earlier ones
        with torch.no_grad():
            for decision in net(area).decisions:
                last = net.get_submodule(f"{decision.block}.score_predictor.logits")
                margin = decision.logits[..., 0] - decision.logits[..., 1]
                last.bias[0] -= margin.median()
    file = io.BytesIO()
    write_graphs(net, 64, file)
    return file.getvalue()


if __name__ == "__main__":
    Path(__file__).with_name("tiny_x2.onnx").write_bytes(make_tiny().SerializeToString())
    Path(__file__).with_name("tiny_deblur.zip").write_bytes(make_tiny_deblur())
