"""Says what to install when a command needs PyTorch and it is not there."""

from __future__ import annotations

import importlib.util

from foveate.errors import UsageError


def need_torch(command: str) -> None:
    """Raises UsageError, naming the extra, where PyTorch is absent."""
    if importlib.util.find_spec("torch") is None:
        raise UsageError(
            f"foveate {command} needs PyTorch",
            "it is not installed; upscaling works without it",
            "pip install 'foveate[train]'",
        )
