"""Measurements that need PyTorch, each in a child process: this room never loads it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import Any

from foveate.errors import FoveateError, ResourceError, UsageError

# glibc gives blocks from this size on back as soon as they are free. By itself it raises the bound
# to 32 MiB as a program goes on, and keeps smaller ones: shares of attention varied by 2 %.
EXACT = {"MALLOC_MMAP_THRESHOLD_": str(64 << 10)}
STEP_MEMORY = "foveate.train.step_memory"


def ask_child(module: str, request: dict[str, Any], *, exact: bool = False) -> Any:  # noqa: ANN401 - whatever the child answers
    """Starts `python -m MODULE REQUEST` and waits: a JSON document in, one out.

    Args:
        module: of foveate.train.
        request: what the module's `Request` holds.
        exact: its resident memory is what is in use, at the cost of time.

    Raises:
        UsageError: PyTorch is not installed.
        ResourceError: the child was killed: it took more memory than there was.
        FoveateError: it failed; the cause is its last line.
    """
    command = [sys.executable, "-m", module, json.dumps(request)]
    environment = os.environ | (EXACT if exact else {})
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)  # noqa: S603 - our own module
    if done.returncode == 0:
        return json.loads(done.stdout)
    what = f"cannot measure {json.dumps(request)}"
    if done.returncode < 0:
        raise ResourceError(what, f"its process was ended by signal {-done.returncode}")
    last = (done.stderr.strip().splitlines() or ["no message"])[-1]
    if "No module named 'torch'" in last:
        raise UsageError(what, "PyTorch is absent", "pip install 'foveate[train]'")
    raise FoveateError(what, last)
