"""The training state in one file: weights, EMA, optimisers, step; written whole or not at all."""

from __future__ import annotations

import io
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from foveate.atomic import write_bytes
from foveate.errors import InputError


@dataclass(frozen=True)
class Checkpoint:
    """What a run needs to go on as if it had never stopped.

    Batches are functions of the step (patches.py) and nothing else is random, so RNG state and data
    position are the step and the seed.
    """

    recipe: dict[str, Any]
    recipe_digest: str
    step: int
    net: dict[str, Any]
    average: dict[str, Any]
    optimisers: list[dict[str, Any]]
    losses: list[float]  # since the last log line, so that the next line is the same after a resume
    photos: int
    version: int = 1


def save_checkpoint(checkpoint: Checkpoint, path: Path) -> None:
    """Writes beside the place, flushes, renames: a crash leaves the older file."""
    buffer = io.BytesIO()
    torch.save(vars(checkpoint), buffer)
    write_bytes(path, buffer.getvalue(), overwrite=True)


def read_checkpoint(path: Path) -> Checkpoint:
    """Reads tensors and plain values only; a file that wants to run code is refused.

    Raises:
        InputError: missing, damaged, or not a checkpoint of ours.
    """
    try:
        return Checkpoint(**torch.load(path, map_location="cpu", weights_only=True))
    except OSError as error:
        raise InputError(f"cannot read checkpoint {path}", error.strerror or str(error)) from error
    except Exception as error:
        raise InputError(
            f"{path} is not a foveate checkpoint",
            str(error).splitlines()[0] if str(error) else type(error).__name__,
            "the authors' weight files go through `foveate import-weights`",
        ) from error
