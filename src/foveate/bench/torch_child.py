"""Measurements that need PyTorch, in processes of their own: this room never loads it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from types import TracebackType
from typing import Any, Self

from foveate.errors import FoveateError, ResourceError, UsageError


def ask_child(module: str, request: dict[str, Any]) -> Any:  # noqa: ANN401 - whatever the child answers
    """Starts `python -m MODULE REQUEST` and waits: a JSON document in, one out.

    Raises:
        UsageError: PyTorch is not installed.
        ResourceError: the child was killed: it took more memory than there was.
        FoveateError: it failed; the cause is its last line.
    """
    command = [sys.executable, "-m", module, json.dumps(request)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - our own module
    if done.returncode:
        raise _failure(request, done.returncode, done.stderr)
    return json.loads(done.stdout)


class MemoryChildren:
    """Asks train/measure/step_memory.py, which forks a child for each request; a context."""

    def __init__(self, module: str = "foveate.train.measure.step_memory") -> None:
        """Starts it."""
        # glibc gives blocks from this size on back as soon as they are free. By itself it raises
        # the bound to 32 MiB as a program goes on: shares of attention varied by 2 %.
        environment = os.environ | {"MALLOC_MMAP_THRESHOLD_": str(64 << 10)}
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        command = [sys.executable, "-m", module]
        self._process = subprocess.Popen(command, text=True, env=environment, **pipes)  # type: ignore[call-overload]  # noqa: S603 - our own module

    def __call__(self, request: dict[str, Any]) -> dict[str, Any]:
        """The answer to one request.

        Raises:
            UsageError, ResourceError, FoveateError: as `ask_child`.
        """
        try:
            self._process.stdin.write(json.dumps(request) + "\n")
            self._process.stdin.flush()
        except BrokenPipeError:  # it ended; stderr says why
            line = ""
        else:
            line = self._process.stdout.readline()
        if not line:
            raise _failure(request, self._process.wait(), self._process.stderr.read())
        answer: dict[str, Any] = json.loads(line)
        return answer

    def __enter__(self) -> Self:
        """Returns itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Ends it."""
        self._process.communicate()


def _failure(request: dict[str, Any], code: int, told: str) -> FoveateError:
    what = f"cannot measure {json.dumps(request)}"
    if code < 0:
        return ResourceError(what, f"its process was ended by signal {-code}")
    last = (told.strip().splitlines() or ["no message"])[-1]
    if "No module named 'torch'" in last:
        return UsageError(what, "PyTorch is absent", "pip install 'foveate[train]'")
    return FoveateError(what, last)
