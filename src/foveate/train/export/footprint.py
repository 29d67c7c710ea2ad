"""What a session on one window takes, measured in a child process: a fact of the model's card.

`python -m foveate.train.export.footprint CARD.toml` prints the bytes; Linux only, like training.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np

from foveate.engine.deblur_onnxruntime import OnnxRuntimeDeblurSession
from foveate.engine.onnxruntime_graph import runtime_name
from foveate.engine.onnxruntime_session import OnnxRuntimeSession
from foveate.errors import ModelError
from foveate.models.store import Model, find_model
from foveate.plan.plan import LOOK_SIDES

STEP = 10  # bytes per LR pixel a measurement is rounded up to: repeated ones differ by one or two


def measure_session_bytes(card_path: Path) -> int:
    """Peak resident bytes per LR pixel of ONNX Runtime on the card's largest window.

    Measured over the resident memory of the open session, one thread; rounded up to tens. Weights
    of a deblurring model are as large as its maps: its figure holds them, too.

    Raises:
        ModelError: the child failed; the cause is its last line.
    """
    command = [sys.executable, "-m", "foveate.train.export.footprint", str(card_path)]
    child = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - our own module
    if child.returncode:
        cause = (child.stderr.strip().splitlines() or ["no message"])[-1]
        raise ModelError(f"cannot measure the memory of {card_path.stem}", cause)
    return -(-int(child.stdout) // STEP) * STEP


def _measure(card_path: Path) -> int:
    model = find_model(card_path)
    card, window = model.card, model.card.window
    if card.task == "deblur":
        side = window.minimum
        runtime_name()  # loads the runtime, which is no session's
        return peak_bytes(lambda: _deblur_everything(model)) // side**2
    height, width = window.core_height + 2 * window.halo, window.core_width + 2 * window.halo
    session = OnnxRuntimeSession(card, model.weights_path, threads=1, device="cpu")
    lr = np.random.default_rng(0).random((1, 3, height, width), np.float32)
    return peak_bytes(lambda: session.run(lr)) // (height * width)


def _deblur_everything(model: Model) -> None:
    """Opens a session, whose weights count here, looks, and restores every window of an area."""
    side = model.card.window.minimum
    session = OnnxRuntimeDeblurSession(model.card, model.weights_path)
    session.look(np.zeros((1, 3, LOOK_SIDES * side, LOOK_SIDES * side), np.float32))
    session.give_back()
    area = np.random.default_rng(0).random((1, 3, side, side), np.float32)
    session.run(area, mask=np.ones((side, side), np.bool_))
    session.close()


def peak_bytes(work: Callable[[], object]) -> int:
    """Most resident bytes that `work` added to what this process held before; Linux only."""
    before = _status("VmRSS")
    Path("/proc/self/clear_refs").write_text("5")  # the peak starts anew from here
    work()
    return _status("VmHWM") - before


def _status(name: str) -> int:
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(name))


if __name__ == "__main__":
    sys.stdout.write(str(_measure(Path(sys.argv[1]))))
