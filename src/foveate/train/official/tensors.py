"""What the readers of the authors' files share: strictness, and the words for a foreign file."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from torch import Tensor

from foveate.errors import ModelError


def check_tensors(
    expected: Mapping[str, Tensor], found: Mapping[str, Tensor], path: Path, title: str
) -> None:
    """Holds names and shapes of a file against those of the net it shall fill.

    Args:
        expected: the net's own, of the meta device: a hostile file may claim a size that would
            fill the memory.
        found: the file's.
        path: the file, for messages.
        title: what it does not fit then.

    Raises:
        ModelError: tensors are missing, left over or of a wrong shape.
    """
    odd = [
        name
        for name in expected.keys() | found.keys()
        if name not in expected or name not in found or expected[name].shape != found[name].shape
    ]
    if odd:
        raise ModelError(
            f"{path} does not fit {title}",
            f"{len(odd)} tensors missing, left over or misshapen: {', '.join(sorted(odd)[:3])}",
            "every tensor must be accounted for",
        )


def foreign_file(
    path: Path, what: str, error: Exception, tensors: Mapping[str, Tensor], expected: str
) -> ModelError:
    """The error for tensors of another network."""
    return ModelError(
        f"{path} is not {what} weight file",
        f"{'missing ' if isinstance(error, KeyError) else ''}{error}; "
        f"it holds {', '.join(list(tensors)[:3])} ...",
        f"{expected} are expected",
    )
