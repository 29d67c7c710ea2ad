"""The authors' weight files: read by a restricted reader that cannot run code, taken strictly."""

from __future__ import annotations

import pickle
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import torch
from torch import Tensor

from foveate.errors import InputError, UsageError
from foveate.nets.build import Net
from foveate.nets.esrt import ESRT, ESRTConfig
from foveate.nets.rt4ksr import RT4KSR, RT4KSRConfig
from foveate.train.official.lmdvit import lmdvit_from_tensors
from foveate.train.official.tensors import check_tensors, foreign_file


def read_official(path: Path, family: str) -> Net:
    """A net of `family` holding the tensors of the authors' file, every one accounted for.

    Raises:
        InputError: missing, damaged, or a pickle that holds more than tensors and plain values.
        ModelError: tensors are missing, left over or of a wrong shape.
        UsageError: no reader for this family.
    """
    families: dict[str, Callable[[dict[str, Tensor], Path], Net]]
    families = {"rt4ksr": _rt4ksr, "esrt": _esrt, "lmdvit": lmdvit_from_tensors}
    if family not in families:
        known = ", ".join(families)
        raise UsageError(f"cannot import weights of family {family!r}", "", f"known: {known}")
    return families[family](_read_tensors(path), path)


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
        expected = "head.0, body.N, tail, upsample.0 and gamma"
        raise foreign_file(path, "an RT4KSR", error, tensors, expected) from error
    blocks = len({name.split(".")[1] for name in tensors if name.startswith("body.")})
    config = RT4KSRConfig(scale, features, blocks, expand=expand, hf="gaussian")
    net = _filled(RT4KSR, config, tensors, path, fits=channels == 12)
    if hf:
        return net
    # With gamma 0 the authors' files carry an untrained branch (bit-identical in x2 and x3) that
    # their released forward pass drops: so do we.
    used = {k: v for k, v in tensors.items() if k != "gamma" and not k.startswith("hfb.")}
    plain = RT4KSR(RT4KSRConfig(scale, features, blocks, expand=expand))
    plain.load_state_dict(used)
    return plain


def _esrt(tensors: dict[str, Tensor], path: Path) -> ESRT:
    """Reads C and scale off the shapes; an upsampler of two steps is x4."""
    try:
        features = tensors["head.0.weight"].shape[0]
        step = round((tensors["tail.0.0.weight"].shape[0] / features) ** 0.5)
        scale = step**2 if "tail.0.2.weight" in tensors else step
        config = ESRTConfig(scale, features)
    except (KeyError, ValueError, IndexError, ZeroDivisionError) as error:
        expected = "head.0, body.0, reduce, tail and up"
        raise foreign_file(path, "an ESRT", error, tensors, expected) from error
    return _filled(ESRT, config, tensors, path)


N = TypeVar("N", RT4KSR, ESRT)


def _filled(
    kind: Callable[[Any], N],
    config: RT4KSRConfig | ESRTConfig,
    tensors: dict[str, Tensor],
    path: Path,
    *,
    fits: bool = True,
) -> N:
    """The net of `config` with these tensors, if names and shapes are exactly its own."""
    with torch.device("meta"):
        empty = kind(config)
    title = f"{type(empty).__name__} x{config.scale}"
    check_tensors(empty.state_dict(), tensors if fits else {}, path, title)
    net = kind(config)
    net.load_state_dict(tensors)
    return net
