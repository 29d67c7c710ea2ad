"""Writes tiny_x2.onnx: the shape of RT4KSR in a few kB, for tests. Needs the `onnx` package.

Unshuffle by 2, three 3x3 convolutions with zero padding, shuffle by 4, plus the input enlarged by
nearest neighbour: windows are exact with a halo of 6 and not with 4. The colours get different
weights, so it tints grey.
"""

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


if __name__ == "__main__":
    Path(__file__).with_name("tiny_x2.onnx").write_bytes(make_tiny().SerializeToString())
