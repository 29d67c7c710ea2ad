"""Deblurring in ONNX Runtime: graphs of fixed size, and between them what the predictors decide."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from foveate.engine.deblur_check import check_look, check_network
from foveate.engine.deblur_decisions import Decider, WantedRows, probability, wanted_rows
from foveate.engine.deblur_graphs import Graph, Graphs
from foveate.engine.deblur_session import (
    WINDOW_PX,
    DeblurSession,
    Mask,
    Restored,
)
from foveate.engine.onnxruntime_graph import runtime_name
from foveate.engine.session import Float32
from foveate.engine.window_index import (
    blurred_windows,
    cell_table,
    chunk_table,
    edge_table,
    touched_rows,
)
from foveate.models.card import Card

PARTS = ("look", "network")  # of a model, each with a self-check of its own


class _Map(NamedTuple):
    """A map (H, H, c) and, where predictors read them, its cells; blocks write into both."""

    tokens: Float32
    cells: Float32 | None


class OnnxRuntimeDeblurSession:
    """One deblurring model. See `foveate.engine.deblur_session` for the protocol.

    Graphs are loaded when they are first needed, and checked then: the look, and all others.
    """

    def __init__(
        self,
        card: Card,
        weights_path: Path,
        *,
        device: str = "cpu",
        unchecked: set[str] | None = None,
    ) -> None:
        """Opens the file.

        Args:
            card: the model's facts.
            weights_path: the zip, already verified.
            device: "cpu" or "cuda".
            unchecked: parts whose self-check is still to come, shared by sessions of one model;
                None: all are, and nobody shares.

        Raises:
            ModelError: the file is missing, damaged, or not such a model.
        """
        self._graphs = Graphs(weights_path, card.id, device)
        self._maps: dict[str, _Map] = {}
        self._strips: dict[str, int] = {}
        self._levels = sum(name.startswith("down_") for name in self._graphs)
        self._predicts = any(name.endswith(".predict") for name in self._graphs)
        self._entry = card.deblur.entry if card.deblur else 1.0
        self._unchecked = set(PARTS) if unchecked is None else unchecked
        self._is_open = True
        self.card = card
        self.name = runtime_name()

    def look(self, area: Float32) -> Float32:
        """The probability of blur per cell, as in the protocol.

        Raises:
            ModelError: the look is damaged, or fails its self-check.
            ResourceError: the device is not there.
        """
        self._graphs.stop.clear()
        self._check("look", check_look)
        if "look" not in self._graphs:
            return np.ones([side // WINDOW_PX for side in area.shape[2:]], np.float32)
        return self._graphs["look"](area=area)["blur"]

    def run(
        self,
        area: Float32,
        *,
        threshold: float = 0.5,
        mask: Mask | None = None,
        look: Float32 | None = None,
    ) -> Restored:
        """Restores what is blurred, as in the protocol.

        Raises:
            ModelError: a graph is damaged, or the network fails its self-check.
            ResourceError: the device is not there.
        """
        self._graphs.stop.clear()
        self._check("network", check_network)
        if look is None and mask is None and not self._predicts:
            look = self.look(area)
        decider = Decider(threshold, mask, look, self._entry)
        levels, self._strips = self._levels, {}
        rows = self._wanted(decider, area.shape[2])
        framed = np.pad(area, ((0, 0), (0, 0), (1, 1), (0, 0)))
        maps = [self._make("enter", {"area": framed}, rows.encoder[0])]
        skips = []
        for i in range(levels):
            self._stage(f"encoderlayer_{i}", maps, decider)
            skips += maps
            maps = [self._make(f"down_{i}", {"fine": maps[0].tokens}, rows.encoder[i + 1])]
        self._stage("conv", maps, decider)
        for i in range(levels):
            coarse = {f"map{k}": part.tokens for k, part in enumerate(maps)}
            maps = [self._make(f"up_{i}", coarse, rows.decoder[levels - 1 - i]), skips.pop()]
            self._stage(f"decoderlayer_{i}", maps, decider)
        keep, confidence = decider.at_full_resolution(f"decoderlayer_{levels - 1}.", self._size)
        pixels, blur = self._leave(area[0], maps, keep)
        if blur is not None:
            confidence = np.where(keep, blur, confidence)
            if mask is None:
                keep &= blur > threshold
        stages = tuple(decider.decisions)
        work = {stage.block: int(stage.keep.sum()) for stage in stages} | self._strips
        return Restored(pixels, keep, confidence, stages, work)

    def interrupt(self) -> None:
        """Ends the run under way after the graph it is at: the whole of it takes a second."""
        self._graphs.stop.set()

    def give_back(self) -> None:
        """Empties the arena, which the graphs of all sessions share."""
        self._graphs.give_back()

    def close(self) -> None:
        """Gives the arena's memory back; drops the graphs and the maps."""
        self._graphs.close()
        self._maps, self._is_open = {}, False

    def _check(self, part: str, check: Callable[[DeblurSession, Float32], None]) -> None:
        """Sees, once, that a part of the model computes here what it did where it was exported."""
        if not self._is_open:
            raise RuntimeError("the session is closed")
        try:
            self._unchecked.remove(part)  # before the check, which comes by here itself
        except KeyError:
            return
        if part in self._graphs.checks:
            try:
                check(self, self._graphs.checks[part])
            except BaseException:
                self._unchecked.add(part)
                raise

    @cached_property
    def _shape(self) -> tuple[int, int]:
        """Attention windows to a batch, and an attention window's side in tokens."""
        batch, tokens, _ = self._graphs["conv.blocks.0"].inputs["map0"]
        return batch, math.isqrt(tokens)

    @property
    def _size(self) -> int:
        return self._shape[1]

    def _wanted(self, decider: Decider, side: int) -> WantedRows:
        """Which rows of pixels the maps are made for; all where the network itself decides."""
        levels, every = self._levels, np.ones(side, np.bool_)
        whole = any(self._graphs[f"down_{i}"].inputs["fine"][0] == side >> i for i in range(levels))
        if self._predicts or whole:
            return WantedRows([every] * (levels + 1), [every] * levels)
        tile = self._graphs["exit"].inputs["picture"][2]
        keep = decider.decided(None, self._size, 0)[0]
        left = touched_rows(blurred_windows(keep, tile // self._size, 0), tile, 0)
        framed = np.pad(left, 1)  # the exit is a convolution of 3 x 3
        left = framed[:-2] | left | framed[2:]
        return wanted_rows(decider, self._graphs.keys(), levels, self._size, left)

    def _make(self, name: str, sources: dict[str, Float32], wanted: Mask) -> _Map:
        """A new map, strip by strip, where it is wanted; it lies where the last run's was."""
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
        for i in map(int, np.flatnonzero(wanted.reshape(count, -1).any(1))):
            inputs = {key: _strip(source, i, graph.inputs[key]) for key, source in sources.items()}
            outputs = {"map": made.tokens[i * rows : (i + 1) * rows]}
            if made.cells is not None:
                high = len(made.cells) // count
                outputs["cells"] = made.cells[i * high : (i + 1) * high]
            graph.into(inputs, outputs)
            self._strips[name] = self._strips.get(name, 0) + 1
        return made

    def _stage(self, stage: str, maps: list[_Map], decider: Decider) -> None:
        """The blocks of one resolution, in place; blocks after the second reuse a decision."""
        size_px = self._size * (self.card.window.minimum // len(maps[0].tokens))
        keep: list[Mask] = []
        i = 0
        while (name := f"{stage}.blocks.{i}") in self._graphs:
            if i < 2:
                logit = None
                if predict := self._graphs.get(f"{name}.predict"):
                    logit = predict(**_inputs_of(predict, maps))["logit"]
                keep.append(decider.decide(name, logit, size_px, size_px // 2 * i))
            self._run_block(name, maps, np.flatnonzero(keep[i % 2]), shifted=bool(i % 2))
            i += 1

    def _run_block(
        self, name: str, maps: list[_Map], kept: NDArray[np.intp], *, shifted: bool
    ) -> None:
        """Computes the attention windows `kept`, `batch` at a time, and puts them back."""
        if not len(kept):
            return
        block, side, (batch, size) = self._graphs[name], len(maps[0].tokens), self._shape
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
            self._strips["exit"] = self._strips.get("exit", 0) + 1
            restored = leave(**inputs, picture=np.ascontiguousarray(picture[:, rows, columns]))
            cells = tuple(slice(at // size, (at + side) // size) for at in (top, left))
            where = keep[cells].repeat(size, 0).repeat(size, 1)
            if blur is not None:
                blur[cells] = probability(restored["blur"])
            np.copyto(pixels[:, rows, columns], restored["pixels"], where=where)
        return pixels, blur


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
