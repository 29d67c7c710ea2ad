"""Ways to run the command line: in this process, in a child, and a child whose peak is measured."""

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from foveate.cli.main import run


@dataclass(frozen=True)
class Outcome:
    """All that a command shows to the world."""

    code: int
    out: str
    err: str

    @property
    def document(self) -> Any:
        """The one JSON document on standard output."""
        return json.loads(self.out)

    @property
    def events(self) -> list[dict[str, Any]]:
        """The typed lines on standard error; every line must be one."""
        return [json.loads(line) for line in self.err.splitlines()]


class Command:
    """Calls `foveate ARGUMENTS` in this process; `capture` is pytest's capsys."""

    def __init__(self, capture: Any) -> None:
        self._capture = capture

    def __call__(self, *arguments: object) -> Outcome:
        self._capture.readouterr()
        code = run([str(argument) for argument in arguments])
        shown = self._capture.readouterr()
        return Outcome(code, shown.out, shown.err)


def child(*arguments: object, **options: Any) -> subprocess.CompletedProcess[bytes]:
    """Runs `foveate ARGUMENTS` in a process of its own; options as for subprocess.run."""
    options = {"capture_output": True, "timeout": 120, **options}
    return subprocess.run(command_of(*arguments), check=False, **options)


def command_of(*arguments: object) -> list[str]:
    """The words that start foveate."""
    return [sys.executable, "-m", "foveate", *(str(argument) for argument in arguments)]


# Linux counts the memory of the process that starts another as the other's, so the child is started
# by a small process, not by pytest.
_STARTER = """
import json, resource, subprocess, sys
done = subprocess.run(sys.argv[1:], capture_output=True, text=True)
peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024
print(json.dumps([done.returncode, done.stdout, done.stderr, peak]))
"""


def measured(*arguments: object, cwd: Path | None = None) -> tuple[Outcome, int]:
    """Runs `foveate ARGUMENTS`; its outcome, and the peak resident bytes as the kernel counted."""
    starter = [sys.executable, "-I", "-S", "-c", _STARTER, *command_of(*arguments)]
    done = subprocess.run(
        starter, capture_output=True, text=True, check=True, timeout=600, cwd=cwd, env=os.environ
    )
    code, out, err, peak = json.loads(done.stdout)
    return Outcome(code, out, err), peak
