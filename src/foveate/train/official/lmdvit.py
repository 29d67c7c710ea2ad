"""The authors' LMD-ViT layout: a net read off the tensors' names and shapes, all accounted for.

The file itself is opened by reader.py, which is restricted.
"""

from __future__ import annotations

import re
from pathlib import Path

import torch
from torch import Tensor

from foveate.nets.lmdvit import LMDViT, LMDViTConfig
from foveate.train.official.tensors import check_tensors, foreign_file

RECOMPUTED = ".relative_position_index"  # a constant that the authors' file carries 40 times


def lmdvit_from_tensors(tensors: dict[str, Tensor], path: Path) -> LMDViT:
    """A net holding the authors' tensors; width, depths, heads and window come off their shapes.

    Args:
        tensors: name without prefix -> tensor. The relative position indices may be there or not;
            they are taken from no file.
        path: the file, for messages.

    Raises:
        ModelError: not LMD-ViT, or tensors are missing, left over or of a wrong shape.
    """
    tensors = {name: t for name, t in tensors.items() if not name.endswith(RECOMPUTED)}
    config = _config(tensors, path)
    with torch.device("meta"):
        shapes = LMDViT(config).state_dict()
    expected = {name: t for name, t in shapes.items() if not name.endswith(RECOMPUTED)}
    check_tensors(expected, tensors, path, "LMD-ViT")
    net = LMDViT(config)
    net.load_state_dict(net.state_dict() | tensors)
    return net


def _config(tensors: dict[str, Tensor], path: Path) -> LMDViTConfig:
    levels = len({n for n in tensors if re.fullmatch(r"dowsample_\d+\.conv\.0\.weight", n)})
    stages = [f"encoderlayer_{i}" for i in range(levels)] + ["conv"]
    stages += [f"decoderlayer_{i}" for i in range(levels)]
    table = ".attn.relative_position_bias_table"
    try:
        first = f"{stages[0]}.blocks.0"
        hidden, features = tensors[f"{first}.mlp.linear1.0.weight"].shape
        return LMDViTConfig(
            width=tensors["input_proj.proj.0.weight"].shape[0],
            depths=tuple(
                sum(n.startswith(f"{stage}.blocks.") and n.endswith(table) for n in tensors)
                for stage in stages
            ),
            heads=tuple(tensors[f"{stage}.blocks.0{table}"].shape[1] for stage in stages),
            window=round((tensors[f"{first}{table}"].shape[0] ** 0.5 + 1) / 2),
            mlp_ratio=hidden // features,
            modulators=f"{stages[-1]}.blocks.0.modulator.weight" in tensors,
        )
    except (KeyError, ValueError, IndexError) as error:
        expected = "input_proj, encoderlayer_N, dowsample_N, conv, upsample_N, decoderlayer_N"
        raise foreign_file(path, "an LMD-ViT", error, tensors, expected) from error
