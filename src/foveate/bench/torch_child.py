"""Measurements that need PyTorch, each in a child process: this room never loads it."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

from foveate.errors import FoveateError, ResourceError, UsageError

STEP_MEMORY = "foveate.train.step_memory"


def ask_child(module: str, request: dict[str, Any]) -> Any:  # noqa: ANN401 - whatever the child answers
    """Starts `python -m MODULE REQUEST` and waits: a JSON document in, one out.

    Raises:
        UsageError: PyTorch is not installed.
        ResourceError: the child was killed: it took more memory than there was.
        FoveateError: it failed; the cause is its last line.
    """
    command = [sys.executable, "-m", module, json.dumps(request)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - our own module
    if done.returncode == 0:
        return json.loads(done.stdout)
    what = f"cannot measure {json.dumps(request)}"
    if done.returncode < 0:
        raise ResourceError(what, f"its process was ended by signal {-done.returncode}")
    last = (done.stderr.strip().splitlines() or ["no message"])[-1]
    if "No module named 'torch'" in last:
        raise UsageError(what, "PyTorch is absent", "pip install 'foveate[train]'")
    raise FoveateError(what, last)
