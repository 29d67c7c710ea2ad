"""An LMD-ViT's weights, read back out of the graphs that train/export/deblur_file.py writes."""

from __future__ import annotations

import zipfile
from pathlib import Path

import numpy as np
import onnx
import torch
from onnx import numpy_helper
from torch import Tensor

from foveate.errors import ModelError
from foveate.nets.lmdvit import LMDViT
from foveate.nets.window_block import WindowBlock

Tensors = dict[str, Tensor]


def deblur_tensors(net: LMDViT, weights_path: Path) -> Tensors:
    """The net's tensors by their own names, but for those of predictors inside the network.

    The scale of the queries, folded into their weights, is taken out again: to the last bit where
    it is a power of two, else within one rounding.

    Args:
        net: tells names, and the table that each attention bias was read from; not changed.
        weights_path: a deblurring model's file of graphs.

    Raises:
        ModelError: the file holds another architecture.
    """
    try:
        with zipfile.ZipFile(weights_path) as file:
            graphs = {
                name.removesuffix(".onnx"): graph_tensors(
                    onnx.load_from_string(file.read(name)).graph
                )
                for name in file.namelist()
                if name.endswith(".onnx") and not name.endswith(".predict.onnx")
            }
        return _tensors(net, graphs)
    except (KeyError, RuntimeError, ValueError, zipfile.BadZipFile) as error:
        cause = f"it does not hold this net ({error})"
        raise ModelError(f"cannot start from {weights_path}", cause) from error


def _tensors(net: LMDViT, graphs: dict[str, Tensors]) -> Tensors:
    found = dict(graphs.get("look", {}))  # exported under the names it has in the net
    for name, module in net.named_modules():
        if isinstance(module, WindowBlock):
            own = _block(module, graphs[name])
            found |= {f"{name}.{key}": value for key, value in own.items()}
    found |= _named("input_proj.proj.0", **_convolution(graphs["enter"]))
    for i in range(net.config.levels):
        found |= _named(f"dowsample_{i}.conv.0", **_convolution(graphs[f"down_{i}"]))
        up = graphs[f"up_{i}"]
        (weight,) = (tensor[0] for tensor in up.values() if tensor.ndim == 4)  # (2, c, 2 C)
        weight = weight.reshape(*weight.shape[:2], 2, -1).permute(1, 3, 0, 2)
        found |= _named(f"upsample_{i}.deconv.0", weight=weight, bias=up["bias"].chunk(2)[0])
    leave = graphs["exit"]  # the 3x3 of the first of four phases
    weight = leave["weight"][::4, :, :3, :3]
    return found | _named("output_proj.proj.0", weight=weight, bias=leave["bias"][::4])


def _block(block: WindowBlock, graph: Tensors) -> Tensors:
    """A block's tensors by their names inside it."""
    attention, c = block.attn, block.norm1.normalized_shape[0]
    scale = (c // attention.heads) ** -0.5
    weight, bias = graph["weight"].T, graph["weight_bias"]
    table = torch.zeros_like(attention.relative_position_bias_table)
    table[attention.relative_position_index.flatten()] = graph["bias"].flatten(1).T
    found = {
        "attn.relative_position_bias_table": table,
        **_named("attn.qkv.to_q", weight=weight[:c] / scale, bias=bias[:c] / scale),
        **_named("attn.qkv.to_kv", weight=weight[c:], bias=bias[c:]),
        **{k.removeprefix("block."): v for k, v in graph.items() if k.startswith("block.")},
    }
    # The exporter transposes these and names them by number; no two have one shape.
    linear = {tuple(v.shape[::-1]): v.T for k, v in graph.items() if k.startswith("onnx::MatMul")}
    for name in ("attn.proj", "mlp.linear1.0", "mlp.linear2.0"):
        found[f"{name}.weight"] = linear[tuple(block.get_parameter(f"{name}.weight").shape)]
    return found


def _convolution(graph: Tensors) -> Tensors:
    return {name: graph[f"convolution.{name}"] for name in ("weight", "bias")}


def _named(prefix: str, **tensors: Tensor) -> Tensors:
    return {f"{prefix}.{name}": tensor for name, tensor in tensors.items()}


def graph_tensors(graph: onnx.GraphProto) -> Tensors:
    """The weights that a graph holds, by the names they have in it."""
    return {
        tensor.name: torch.from_numpy(np.array(numpy_helper.to_array(tensor)))
        for tensor in graph.initializer
    }
