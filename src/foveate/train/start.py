"""Where a net's first weights come from: a checkpoint of ours, or a model that ships."""

from __future__ import annotations

from pathlib import Path

import onnx
from torch import Tensor, nn

from foveate.errors import ModelError
from foveate.models.store import find_model
from foveate.nets.blocks import RepConv
from foveate.nets.lmdvit import LMDViT
from foveate.train.checkpoint import read_checkpoint
from foveate.train.start_deblur import deblur_tensors, graph_tensors


def start_from(net: nn.Module, start: str) -> int:
    """Takes every tensor of equal name and shape; returns how many. The others stay as they are.

    Args:
        net: changed in place.
        start: a checkpoint (`.pt`: its EMA is taken) or a model by id or path (folded weights).

    Raises:
        ModelError: nothing in it fits the net, or it is a deblurring model of another architecture.
        UsageError: no such model, or one for another task.
    """
    path = Path(start)
    other = read_checkpoint(path).average if path.suffix == ".pt" else _model_tensors(start, net)
    own = net.state_dict()
    taken = {k: v for k, v in other.items() if k in own and own[k].shape == v.shape}
    if not taken:
        raise ModelError(f"cannot start from {start}", "none of its tensors fits this net")
    net.load_state_dict(own | taken)
    return len(taken)


def _model_tensors(model: str, net: nn.Module) -> dict[str, Tensor]:
    """The model's weights; each folded convolution also as an RRB that folds to the same one."""
    if isinstance(net, LMDViT):
        return deblur_tensors(net, find_model(model, "deblur").weights_path)
    found = find_model(model, "upscale")
    tensors = graph_tensors(onnx.load(found.weights_path, load_external_data=False).graph)
    for name, module in net.named_modules():
        weight = tensors.get(f"{name}.rep_conv.weight")
        if isinstance(module, RepConv) and module.expand and weight is not None:
            if weight.shape[0] != module.reduce_conv.weight.shape[0]:
                continue
            module.unfold(weight, tensors[f"{name}.rep_conv.bias"])
            tensors |= {f"{name}.{k}": v for k, v in module.state_dict().items()}
    return tensors
