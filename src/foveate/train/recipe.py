"""Training recipes: typed settings read from TOML, with `--set key=value` on top."""

from __future__ import annotations

import hashlib
import tomllib
from pathlib import Path
from typing import Any, Literal

import msgspec

from foveate.errors import UsageError
from foveate.train.blur.pairs import DeblurData
from foveate.train.deblur_losses import DeblurLossSettings


class NetSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which network; `options` are the fields of the family's configuration."""

    family: Literal["rt4ksr", "esrt", "lmdvit"] = "rt4ksr"
    options: dict[str, Any] = {}
    start: str = ""  # a checkpoint (.pt) or a model (id or path) it starts from


class DataSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Photos and what is done to them.

    Attributes:
        folders: folders of photos, searched recursively; relative to the working directory.
        degrade: "bicubic" (MATLAB-compatible) or "photo" (the same, then light noise and JPEG).
        patch: LR pixels of a square patch.
        batch: patches per step and process.
        refresh: steps after which "photo" draws new noise and qualities.
        validation: number of photos held out, from the first folder.
        shrunk: each photo is there once more at each of these factors: sharper than a camera's.
        drawings: number of drawn pictures of 384 x 384 among the photos; see drawings.py.
    """

    folders: tuple[str, ...] = ()
    degrade: Literal["bicubic", "photo"] = "bicubic"
    patch: int = 48
    batch: int = 16
    refresh: int = 1000
    validation: int = 10
    shrunk: tuple[float, ...] = ()
    drawings: int = 0


class OptimiserSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Adam for vectors; Adam or Muon for kernels; linear warm-up, cosine to zero.

    `kernel_decay` times the rate is taken off each kernel per step (Muon only): without it kernels
    grow for as long as they train. `bf16` computes in bfloat16 where the processor does (see
    precision.py). `compile` has torch.compile join the operations of a step; it needs a C++
    compiler.
    """

    steps: int = 20_000
    kernels: Literal["adam", "muon"] = "adam"
    kernel_rate: float = 2e-3
    kernel_decay: float = 0.0
    rate: float = 2e-3
    warmup: int = 200
    ema: float = 0.999
    bf16: bool = False
    compile: bool = False


class LossSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Weights of the terms; see losses.py.

    `border`: LR pixels around a patch that do not count, as a window's halo when deployed.
    """

    rgb: float = 1.0
    luma: float = 0.0
    high_frequency: float = 0.0
    power: Literal["l1", "l2"] = "l1"
    border: int = 0


class DeblurSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a deblurring run has in place of `data` and `loss`.

    Attributes:
        data: where pairs come from.
        loss: weights of its terms.
        decisions: what says which windows are computed in training: "mask", the truth, for the cost
            of the blurred ones; or "chance", the predictors by Gumbel-softmax, all computed (the
            paper's).
        held_out: pairs to validate on, made of pictures that are held out.
    """

    data: DeblurData = DeblurData()
    loss: DeblurLossSettings = DeblurLossSettings()
    decisions: Literal["mask", "chance"] = "mask"
    held_out: int = 24


class LogSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How often, in steps, the run validates and saves."""

    validate_every: int = 1000
    save_every: int = 500


class Recipe(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One training run, whole."""

    net: NetSettings = NetSettings()
    data: DataSettings = DataSettings()
    optimiser: OptimiserSettings = OptimiserSettings()
    loss: LossSettings = LossSettings()
    deblur: DeblurSettings | None = None
    log: LogSettings = LogSettings()
    seed: int = 0

    def digest(self) -> str:
        """SHA-256 of every setting: two runs with one digest are the same run."""
        return hashlib.sha256(msgspec.json.encode(self, order="sorted")).hexdigest()


def read_recipe(path: Path, overrides: tuple[str, ...] = ()) -> Recipe:
    """Reads a recipe and lays `section.key=value` overrides over it; a value is TOML or plain text.

    A recipe may name another as its `base` and hold only what differs.

    Raises:
        UsageError: the file cannot be read, or a setting is unknown or of the wrong type.
    """
    table = _read_table(path)
    for override in overrides:
        _lay_over(table, override)
    try:
        return msgspec.convert(table, Recipe)
    except msgspec.ValidationError as error:
        raise UsageError(f"recipe {path} does not hold", str(error)) from error


def _read_table(path: Path) -> dict[str, Any]:
    """One file's settings over those of its `base`, a path beside it."""
    try:
        table = tomllib.loads(path.read_text("utf-8"))
    except OSError as error:
        raise UsageError(f"cannot read recipe {path}", error.strerror or str(error)) from error
    except tomllib.TOMLDecodeError as error:
        raise UsageError(f"recipe {path} is not valid TOML", str(error)) from error
    base = table.pop("base", None)
    return _merged(_read_table(path.parent / base), table) if base else table


def _merged(below: dict[str, Any], above: dict[str, Any]) -> dict[str, Any]:
    merged = dict(below)
    for key, value in above.items():
        both_tables = isinstance(value, dict) and isinstance(merged.get(key), dict)
        merged[key] = _merged(merged[key], value) if both_tables else value
    return merged


def _lay_over(table: dict[str, Any], override: str) -> None:
    key, equals, text = override.partition("=")
    if not equals:
        raise UsageError(f"--set {override}", "expected KEY=VALUE", "--set optimiser.steps=2000")
    try:
        value = tomllib.loads(f"v = {text}")["v"]
    except tomllib.TOMLDecodeError:
        value = text
    *parents, last = key.strip().split(".")
    for parent in parents:
        table = table.setdefault(parent, {})
    table[last] = value
