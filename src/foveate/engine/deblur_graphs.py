"""A deblurring model's file: one zip of ONNX graphs, by name, as the session runs them.

S is the area's side, M the attention window's, c a map's channels, H its side. Maps are channels
last. Every graph but the look has one fixed size; what the predictors decide happens between them.

| graph | inputs | outputs |
| --- | --- | --- |
| look (optional) | area (1, 3, height, width) | blur (height/8, width/8), probabilities |
| enter | area (1, 3, R+2, S), a row more above and below | map (R, S, c) |
| down_I | fine (2R, H, c) | map (R, H/2, 2c) |
| up_I | map0, in the decoder map1 too, (R, H, c) | map (2R, 2H, c) |
| STAGE.blocks.I.predict | map0, map1 or cells0, cells1 | logit (H/M, H/M), above 0 is blurred |
| STAGE.blocks.I | map0, map1 (N, M M, c), edges (N,) where the grid is shifted | the same maps |
| exit | map0, map1 (t+2, t+2, c), picture (3, t, t) | pixels (3, t, t), blur (t/8, t/8) |

The first three run strip by strip of R rows, so that what lies between their layers stays in the
processor's cache. Stages are encoderlayer_I, conv and decoderlayer_I. A decoder's map is two: what
came up, and the encoder's. Where predictors ask for cells, a graph that makes a map also gives its
cells, 2/M the rows and columns and 2c channels: mean and mean square of every M/2 x M/2 tokens; a
block those of its windows (N, 4, 2c), as long as somebody reads them. network.npy and look.npy hold
what the self-checks must give. Where the exit gives blur, logits, it decides last what is kept.
"""

from __future__ import annotations

import contextlib
import io
import re
import threading
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from foveate.engine.onnxruntime_graph import load_graph, run_bound, run_graph, shrink_arena
from foveate.engine.session import Float32, Interrupted
from foveate.errors import FoveateError, ModelError

# What the self-checks must give, by the part that is checked.
CHECKS = {"network": "network.npy", "look": "look.npy"}
_DECIDING = re.compile(r"\.blocks\.[01]$")
_NAMES = re.compile(
    r"(look|enter|exit|(down|up)_\d+|"
    r"(encoderlayer_\d+|conv|decoderlayer_\d+)\.blocks\.\d+(\.predict)?)\.onnx"
)
ANY_PX = 64  # a small side where a graph takes any
REMEDY = "export it again with `foveate export`"


class Graph:
    """One graph of a model, loaded, one thread.

    Attributes:
        inputs: name -> shape; a word where any size will do.
        outputs: name -> shape.
    """

    def __init__(
        self, weights: bytes, source: Path, model_id: str, device: str, stop: threading.Event
    ) -> None:
        """Loads it; errors as in `load_graph`. While `stop` is set it raises Interrupted."""
        self._stop = stop
        self._inner = load_graph(weights, source, threads=1, device=device)
        self._model_id = model_id
        self.inputs: dict[str, tuple[Any, ...]] = {
            port.name: tuple(port.shape) for port in self._inner.get_inputs()
        }
        self.outputs: dict[str, tuple[int, ...]] = {
            port.name: tuple(port.shape) for port in self._inner.get_outputs()
        }
        self._binding = self._inner.io_binding() if device == "cpu" else None

    def __call__(self, **inputs: np.ndarray[Any, Any]) -> dict[str, Float32]:
        """All outputs by name, the caller's to keep and change; errors as in `run_graph`."""
        self._go_on()
        values = run_graph(self._inner, inputs, self._model_id)
        return dict(zip(self.outputs, values, strict=True))

    def into(self, inputs: dict[str, Float32], outputs: dict[str, Float32]) -> None:
        """Runs and writes all outputs to where they shall be: contiguous float32 arrays.

        Errors as in `run_graph`. Arrays that are made anew for each run cost as much time as a
        small convolution, for the memory's first touch.
        """
        if self._binding is None:
            for name, value in self(**inputs).items():
                np.copyto(outputs[name], value)
            return
        self._go_on()
        for bind, arrays in (
            (self._binding.bind_input, inputs),
            (self._binding.bind_output, outputs),
        ):
            for name, array in arrays.items():
                bind(name, "cpu", 0, np.float32, array.shape, array.ctypes.data)
        run_bound(self._inner, self._binding, self._model_id)

    def give_back(self) -> None:
        """Runs on zeros, and gives back what the arena holds and no session is using."""
        zeros = {
            name: np.zeros([n if isinstance(n, int) else ANY_PX for n in shape], np.float32)
            for name, shape in self.inputs.items()
        }
        shrink_arena(self._inner, zeros, "cpu:0" if self._binding else "gpu:0")

    def _go_on(self) -> None:
        if self._stop.is_set():
            raise Interrupted


class Graphs(Mapping[str, Graph]):
    """Every graph of a model's file by name, each loaded when it is first asked for.

    A picture in which nothing is blurred then costs the look alone.

    Args:
        path: the file; it stays open until `close`.
        model_id: for errors.
        device: "cpu" or "cuda".

    Attributes:
        checks: what the self-checks must give, by part.
        stop: while set, no graph runs.

    Raises:
        ModelError: the file is missing, damaged, or not such a model; on first use, a graph is.
        ResourceError: the device is not there.
    """

    def __init__(self, path: Path, model_id: str, device: str) -> None:
        """Sees that all graphs are there, and the device."""
        self._path, self._model_id, self._device = path, model_id, device
        self._loaded: dict[str, Graph] = {}
        self.stop = threading.Event()
        with _told(path):
            self._file = zipfile.ZipFile(path)
        try:
            with _told(path):
                self._entries, self.checks = self._find()
            if device != "cpu":
                self["enter"]  # a device that is not there is told at once
        except FoveateError:
            self._file.close()
            raise

    def __getitem__(self, name: str) -> Graph:
        """The graph; KeyError where the model has no such one."""
        if name not in self._loaded:
            entry = self._entries[name]
            with _told(self._path):
                weights = self._file.read(entry)
            self._loaded[name] = Graph(weights, self._path, self._model_id, self._device, self.stop)
        return self._loaded[name]

    def __contains__(self, name: object) -> bool:
        """Whether the model has a graph of this name."""
        return name in self._entries

    def __iter__(self) -> Iterator[str]:
        """The names."""
        return iter(self._entries)

    def __len__(self) -> int:
        """How many there are."""
        return len(self._entries)

    def give_back(self) -> None:
        """Gives back what the arena holds, which all graphs share; these two run in no time."""
        for name in ("exit", "look"):
            if name in self._loaded:
                self._loaded[name].give_back()
                return

    def close(self) -> None:
        """Drops what was loaded, gives its memory back, and closes the file; twice is allowed."""
        self.give_back()
        self._loaded = {}
        self._file.close()

    def _find(self) -> tuple[dict[str, zipfile.ZipInfo], dict[str, Float32]]:
        path, graphs, arrays = self._path, {}, {}
        for entry in self._file.infolist():
            if entry.compress_type != zipfile.ZIP_STORED:
                raise _refused(path, f"{entry.filename} is compressed")
            if entry.filename in CHECKS.values():
                content = io.BytesIO(self._file.read(entry))
                arrays[entry.filename] = np.load(content, allow_pickle=False)
            elif _NAMES.fullmatch(entry.filename):
                graphs[entry.filename.removesuffix(".onnx")] = entry
            else:
                raise _refused(path, f"it holds {entry.filename!r}")
        missing = {"enter", "exit", "conv.blocks.0"} - graphs.keys()
        # Either every block that decides has a predictor, or the look decides for all.
        predictors = {f"{name}.predict" for name in graphs if _DECIDING.search(name)}
        alone = not predictors & graphs.keys()
        missing |= ({"look"} if alone else predictors) - graphs.keys()
        parts = ("network", "look") if "look" in graphs else ("network",)
        missing |= {CHECKS[part] for part in parts} - arrays.keys()
        if missing:
            raise _refused(path, f"it lacks {', '.join(sorted(missing))}")
        return graphs, {part: arrays[CHECKS[part]] for part in parts}


@contextlib.contextmanager
def _told(path: Path) -> Iterator[None]:
    """What goes wrong with the file as a ModelError."""
    try:
        yield
    except OSError as error:
        raise ModelError(f"cannot read weights {path}", error.strerror or "", REMEDY) from error
    except (zipfile.BadZipFile, EOFError, ValueError, NotImplementedError) as error:
        raise ModelError(f"cannot load weights {path}", str(error), REMEDY) from error


def _refused(path: Path, cause: str) -> ModelError:
    return ModelError(f"cannot use weights {path}", cause, REMEDY)
