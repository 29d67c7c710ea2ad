"""Deblurring in ONNX Runtime: graphs of fixed size, and between them what the predictors decide."""

from __future__ import annotations

import math
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from foveate.engine.deblur_graphs import Graph, load_graphs
from foveate.engine.deblur_session import WINDOW_PX, Mask, Restored, StageDecision
from foveate.engine.onnxruntime_graph import runtime_name
from foveate.engine.session import Float32
from foveate.engine.window_index import (
    blurred_windows,
    cell_table,
    chunk_table,
    edge_table,
    largest_in_windows,
    touched_windows,
)
from foveate.models.card import Card


class _Map(NamedTuple):
    """A map (H, H, c) and, where predictors read them, its cells; blocks write into both."""

    tokens: Float32
    cells: Float32 | None


class OnnxRuntimeDeblurSession:
    """One deblurring model. See `foveate.engine.deblur_session` for the protocol."""

    def __init__(self, card: Card, weights_path: Path, *, device: str = "cpu") -> None:
        """Loads the graphs.

        Raises:
            ModelError: the file is missing, damaged, or not such a model.
            ResourceError: the device is not there.
        """
        graphs, self.expected_check = load_graphs(weights_path, card.id, device)
        self._graphs: dict[str, Graph] = graphs
        self._maps: dict[str, _Map] = {}
        self._levels = sum(name.startswith("down_") for name in graphs)
        self._batch, tokens, _ = graphs["conv.blocks.0"].inputs["map0"]
        self._size = math.isqrt(tokens)
        self._entry = card.deblur.entry if card.deblur else 1.0
        self.card = card
        self.name = runtime_name()

    def look(self, area: Float32) -> Float32:
        """The probability of blur per cell, as in the protocol."""
        self._check_open()
        if "look" not in self._graphs:
            cells = self.card.window.minimum // WINDOW_PX
            return np.ones((cells, cells), np.float32)
        return self._graphs["look"](area=area)["blur"]

    def run(
        self,
        area: Float32,
        *,
        threshold: float = 0.5,
        mask: Mask | None = None,
        look: Float32 | None = None,
    ) -> Restored:
        """Restores what is blurred, as in the protocol."""
        self._check_open()
        if look is None and not any(name.endswith(".predict") for name in self._graphs):
            look = self.look(area)
        decider = _Decider(threshold, mask, look, self._entry)
        levels = self._levels
        framed = np.pad(area, ((0, 0), (0, 0), (1, 1), (0, 0)))
        maps = [self._make("enter", {"area": framed})]
        skips = []
        for i in range(levels):
            self._stage(f"encoderlayer_{i}", maps, decider)
            skips += maps
            maps = [self._make(f"down_{i}", {"fine": maps[0].tokens})]
        self._stage("conv", maps, decider)
        for i in range(levels):
            coarse = {f"map{k}": part.tokens for k, part in enumerate(maps)}
            maps = [self._make(f"up_{i}", coarse), skips.pop()]
            self._stage(f"decoderlayer_{i}", maps, decider)
        keep, confidence = decider.at_full_resolution(f"decoderlayer_{levels - 1}.", self._size)
        pixels, blur = self._leave(area[0], maps, keep)
        if blur is not None:
            confidence = np.where(keep, blur, confidence)
            if mask is None:
                keep &= blur > threshold
        return Restored(pixels, keep, confidence, tuple(decider.decisions))

    def close(self) -> None:
        """Drops the graphs and the maps."""
        self._graphs, self._maps = {}, {}

    def _make(self, name: str, sources: dict[str, Float32]) -> _Map:
        """A new map, strip by strip; it lies where the last run's was."""
        graph = self._graphs[name]
        rows, side, channels = graph.outputs["map"]
        if name not in self._maps:
            cells = None
            if "cells" in graph.outputs:
                high, wide, moments = graph.outputs["cells"]
                cells = np.empty((side // rows * high, wide, moments), np.float32)
            self._maps[name] = _Map(np.empty((side, side, channels), np.float32), cells)
        made = self._maps[name]
        count = side // rows
        for i in range(count):
            inputs = {key: _strip(source, i, graph.inputs[key]) for key, source in sources.items()}
            outputs = {"map": made.tokens[i * rows : (i + 1) * rows]}
            if made.cells is not None:
                high = len(made.cells) // count
                outputs["cells"] = made.cells[i * high : (i + 1) * high]
            graph.into(inputs, outputs)
        return made

    def _stage(self, stage: str, maps: list[_Map], decider: _Decider) -> None:
        """The blocks of one resolution, in place; blocks after the second reuse a decision."""
        size_px = self._size * (self.card.window.minimum // len(maps[0].tokens))
        keep: list[Mask] = []
        i = 0
        while block := self._graphs.get(name := f"{stage}.blocks.{i}"):
            if i < 2:
                logit = None
                if predict := self._graphs.get(f"{name}.predict"):
                    logit = predict(**_inputs_of(predict, maps))["logit"]
                keep.append(decider.decide(name, logit, size_px, size_px // 2 * i))
            self._run_block(block, maps, np.flatnonzero(keep[i % 2]), shifted=bool(i % 2))
            i += 1

    def _run_block(
        self, block: Graph, maps: list[_Map], kept: NDArray[np.intp], *, shifted: bool
    ) -> None:
        """Computes the attention windows `kept`, `batch` at a time, and puts them back."""
        if not len(kept):
            return
        side, size, batch = len(maps[0].tokens), self._size, self._batch
        # The last batch is filled up by its last window again: the same values to the same place.
        kept = np.pad(kept, (0, -len(kept) % batch), mode="edge").reshape(-1, batch)
        chunks = chunk_table(side, size, shifted=shifted)
        cells = cell_table(side, size, shifted=shifted)
        rows = [part.tokens.reshape(len(chunks) * 2 * size, -1) for part in maps]
        for windows in kept:
            at = chunks[windows]
            inputs = {
                f"map{k}": row.take(at, axis=0).reshape(batch, size * size, -1)
                for k, row in enumerate(rows)
            }
            edges = {"edges": edge_table(side, size)[windows]} if shifted else {}
            out = block(**inputs, **edges)
            for k, (part, row) in enumerate(zip(maps, rows, strict=True)):
                row[at] = out[f"out{k}"].reshape(*at.shape, -1)
                if part.cells is not None and (new := out.get(f"cells{k}")) is not None:
                    part.cells.reshape(len(cells) * 4, -1)[cells[windows]] = new

    def _leave(
        self, picture: Float32, maps: list[_Map], keep: Mask
    ) -> tuple[Float32, Float32 | None]:
        """The area with the network's pixels in the attention windows of `keep`; (3, S, S).

        And what the gate says of them, (S/M, S/M) probabilities, where it has the last word.
        """
        leave, size = self._graphs["exit"], self._size
        side = leave.inputs["picture"][2]
        pixels = picture.copy()
        blur = np.zeros(keep.shape, np.float32) if "blur" in leave.outputs else None
        for row, column in np.argwhere(blurred_windows(keep, side // size, 0)):
            top, left = row * side, column * side
            rows, columns = slice(top, top + side), slice(left, left + side)
            inputs = {f"map{k}": _bordered(p.tokens, top, left, side) for k, p in enumerate(maps)}
            restored = leave(**inputs, picture=np.ascontiguousarray(picture[:, rows, columns]))
            cells = tuple(slice(at // size, (at + side) // size) for at in (top, left))
            where = keep[cells].repeat(size, 0).repeat(size, 1)
            if blur is not None:
                blur[cells] = _probability(restored["blur"])
            np.copyto(pixels[:, rows, columns], restored["pixels"], where=where)
        return pixels, blur

    def _check_open(self) -> None:
        if not self._graphs:
            raise RuntimeError("the session is closed")


class _Decider:
    """Turns logits, or where there are none the look, into decisions, and remembers them."""

    def __init__(
        self, threshold: float, mask: Mask | None, look: Float32 | None, entry: float
    ) -> None:
        self._threshold, self._mask, self._look = threshold * entry, mask, look
        self._entry = entry
        self.decisions: list[StageDecision] = []

    def decide(self, block: str, logit: Float32 | None, size_px: int, shift_px: int) -> Mask:
        keep, confidence = self._decided(logit, size_px, shift_px)
        self.decisions.append(StageDecision(block, size_px, shift_px, keep, confidence))
        return keep

    def _decided(self, logit: Float32 | None, size_px: int, shift_px: int) -> tuple[Mask, Float32]:
        if logit is not None:
            confidence = _probability(logit)
            keep = logit > np.float32(math.log(self._threshold / (1 - self._threshold)))
        else:
            assert self._look is not None  # noqa: S101 - run() saw to it
            confidence = largest_in_windows(self._look, WINDOW_PX, size_px, shift_px)
            keep = confidence > self._threshold
        if self._mask is not None:
            keep = blurred_windows(self._mask, size_px, shift_px)
        return keep, confidence

    def at_full_resolution(self, stage: str, size_px: int) -> tuple[Mask, Float32]:
        """What the last stage computed, on the plain grid, and its confidence there.

        Where it has no blocks, or the gate decides afterwards, what the look or the mask says.
        """
        decided = [d for d in self.decisions if d.block.startswith(stage) and self._entry == 1]
        if not decided:
            return self._decided(None, size_px, 0)
        plain, *shifted = decided
        keep = plain.keep.copy()
        for decision in shifted:
            keep |= touched_windows(decision.keep)
        return keep, plain.confidence


def _probability(logit: Float32) -> Float32:
    probability: Float32 = 1 / (1 + np.exp(-logit.clip(-80, 80)))
    return probability


def _strip(source: Float32, index: int, shape: tuple[int, ...]) -> Float32:
    """One strip: rows of a map, or of the area (1, 3, S+2, S) with their neighbours."""
    if source.ndim == 3:
        return source[index * shape[0] : (index + 1) * shape[0]]
    top = index * (shape[2] - 2)
    return np.ascontiguousarray(source[:, :, top : top + shape[2]])


def _inputs_of(predict: Graph, maps: list[_Map]) -> dict[str, Float32]:
    """A predictor's inputs: the maps, or their cells."""
    values = {f"map{k}": part.tokens for k, part in enumerate(maps)}
    values |= {f"cells{k}": part.cells for k, part in enumerate(maps) if part.cells is not None}
    return {name: values[name] for name in predict.inputs}


def _bordered(tokens: Float32, top: int, left: int, side: int) -> Float32:
    """(side + 2, side + 2, c) of a map around a square, 0 outside the map."""
    rows, columns, channels = tokens.shape
    out = np.zeros((side + 2, side + 2, channels), np.float32)
    y, x = max(top - 1, 0), max(left - 1, 0)
    part = tokens[y : min(top + side + 1, rows), x : min(left + side + 1, columns)]
    out[y - top + 1 :, x - left + 1 :][: part.shape[0], : part.shape[1]] = part
    return out
