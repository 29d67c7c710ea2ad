"""The authors' weight files: read by a restricted reader that cannot run code, taken strictly."""

from __future__ import annotations

import pickle
import re
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from foveate.errors import InputError, ModelError, UsageError
from foveate.nets.rt4ksr import RT4KSR, RT4KSRConfig


def read_official(path: Path, family: str) -> RT4KSR:
    """A net of `family` holding the tensors of the authors' file, every one accounted for.

    Raises:
        InputError: missing, damaged, or a pickle that holds more than tensors and plain values.
        ModelError: tensors are missing, left over or of a wrong shape.
        UsageError: no reader for this family.
    """
    if family != "rt4ksr":
        raise UsageError(f"cannot import weights of family {family!r}", "", "known: rt4ksr")
    return _rt4ksr(_read_tensors(path), path)


def _read_tensors(path: Path) -> dict[str, Tensor]:
    try:
        content: Any = torch.load(path, map_location="cpu", weights_only=True)
    except OSError as error:
        raise InputError(f"cannot read {path}", error.strerror or str(error)) from error
    except pickle.UnpicklingError as error:
        found = re.search(r"GLOBAL (\S+)", str(error))
        raise InputError(
            f"refused {path}",
            f"it would run code{f' ({found[1]})' if found else ''}; weight files hold tensors only",
            "take the file from its authors, or save its state_dict alone",
        ) from error
    except Exception as error:
        raise InputError(f"cannot read {path}", "not a PyTorch weight file, or damaged") from error
    tensors = content.get("state_dict", content) if isinstance(content, dict) else None
    if not isinstance(tensors, dict) or not all(isinstance(v, Tensor) for v in tensors.values()):
        raise InputError(f"cannot read {path}", "it holds no table of tensors (state_dict)")
    return {name.removeprefix("module."): value for name, value in tensors.items()}


def _rt4ksr(tensors: dict[str, Tensor], path: Path) -> RT4KSR:
    """Reads C, M, blocks and scale off the shapes; gamma 0 means the HF branch is unused."""
    try:
        features, channels = tensors["head.0.weight"].shape[:2]
        expand = tensors["tail.1.expand_conv.weight"].shape[0] // features
        scale = round((tensors["upsample.0.weight"].shape[0] / 3) ** 0.5 / 2)
        hf = float(tensors["gamma"].item()) != 0.0
    except (KeyError, ValueError, RuntimeError) as error:
        raise ModelError(
            f"{path} is not an RT4KSR weight file",
            f"missing {error}; it holds {', '.join(list(tensors)[:3])} ...",
            "head.0, body.N, tail, upsample.0 and gamma are expected",
        ) from error
    blocks = len({name.split(".")[1] for name in tensors if name.startswith("body.")})
    net = RT4KSR(RT4KSRConfig(scale, features, blocks, expand=expand, hf="gaussian"))
    expected = {name: value.shape for name, value in net.state_dict().items()}
    odd = [n for n in expected.keys() | tensors.keys() if _shape(tensors, n) != expected.get(n)]
    if odd or channels != 12:
        raise ModelError(
            f"{path} does not fit RT4KSR x{scale}",
            f"{len(odd)} tensors missing, left over or misshapen: {', '.join(sorted(odd)[:3])}",
            "every tensor must be accounted for",
        )
    net.load_state_dict(tensors)
    if hf:
        return net
    # With gamma 0 the authors' files carry an untrained branch (bit-identical in x2 and x3) that
    # their released forward pass drops: so do we.
    used = {k: v for k, v in tensors.items() if k != "gamma" and not k.startswith("hfb.")}
    plain = RT4KSR(RT4KSRConfig(scale, features, blocks, expand=expand))
    plain.load_state_dict(used)
    return plain


def _shape(tensors: dict[str, Tensor], name: str) -> torch.Size | None:
    return tensors[name].shape if name in tensors else None
