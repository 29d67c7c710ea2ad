"""Writes an LMD-ViT as the zip of graphs that engine/deblur_graphs.py reads."""

from __future__ import annotations

import io
import warnings
import zipfile
from collections.abc import Iterator
from typing import BinaryIO, NamedTuple

import numpy as np
import onnx
import torch
from torch import Tensor, nn

from foveate.engine.check import check_window
from foveate.engine.deblur_check import check_mask, checked_values
from foveate.engine.deblur_graphs import CHECKS
from foveate.engine.session import Float32
from foveate.nets.blur_look import BlurLook
from foveate.nets.lmdvit import LMDViT
from foveate.nets.window_block import WindowBlock
from foveate.nets.window_stage import Stage
from foveate.train.export.deblur_graphs import Block, Down, Enter, Leave, Look, Predict, Up

OPSET = 17
BATCH = 8  # attention windows in one run of a block: results/deblur_engine.csv
STRIP = 2  # attention windows to the height of a strip: 0.5 MB of a map of 16 channels
TILE = 4  # attention windows to a side of the square that the last convolution makes


class Part(NamedTuple):
    """One graph to be: its name, the module, and a value for each input in order.

    `sizes` names the axes, by input, that may be of any size; all others are as they are here.
    """

    name: str
    module: nn.Module
    inputs: dict[str, Tensor]
    outputs: tuple[str, ...]
    sizes: dict[str, dict[int, str]] | None = None


def write_graphs(net: LMDViT, side: int, file: BinaryIO, batch: int = BATCH) -> None:
    """The whole file for areas of `side` x `side`; the same weights give the same bytes.

    Graphs are made one after another, so that memory holds one at a time beside the net.

    Raises:
        ValueError: an attention window of odd side, whose halves would not be whole tokens; or
            nothing that decides at full resolution: no blocks there, and no look.
    """
    if net.config.window % 2:
        raise ValueError(f"window {net.config.window}: only even ones can be exported")
    if not (net.config.depths[-1] or net.config.predictor == "look"):
        raise ValueError("without blocks at full resolution only a look can decide there")
    with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as target:
        for part in parts(net, side, batch):
            target.writestr(_entry(f"{part.name}.onnx"), _to_onnx(part))
        for checked, expected in expected_checks(net, side).items():
            buffer = io.BytesIO()
            np.save(buffer, expected)
            target.writestr(_entry(CHECKS[checked]), buffer.getvalue())


@torch.no_grad()
def expected_checks(net: LMDViT, side: int) -> dict[str, Float32]:
    """What torch gives for the session's self-checks, by part; see engine/deblur_check.py."""
    mask, area = check_mask(side), torch.from_numpy(check_window(side))
    result = net(area, mask=torch.from_numpy(mask)[None, None].float())
    confidences = [
        # A session that a mask tells asks no look: its confidence is the mask's.
        d.keep[0].float().numpy()
        if net.config.predictor == "look"
        else d.logits[0].softmax(-1)[..., 0].numpy()
        for d in result.decisions
    ]
    checks = {"network": checked_values(result.restored[0].numpy(), confidences, mask)}
    if net.look is not None:
        checks["look"] = net.look(area)[0].sigmoid().numpy()
    return checks


def parts(net: LMDViT, side: int, batch: int = BATCH) -> Iterator[Part]:
    """Every graph in the order a session runs them."""
    config = net.config
    levels, features = config.levels, config.features
    half = config.window // 2 if config.predictor == "light" else 0
    area, made = torch.zeros(1, 3, side, side), ("map", "cells") if half else ("map",)
    if (look := getattr(net, "look", None)) is not None:
        sizes = {"area": {2: "height", 3: "width"}}
        yield Part("look", Look(look), {"area": area}, ("blur",), sizes)
    rows = min(STRIP * config.window, side)
    framed = torch.zeros(1, 3, rows + 2, side)
    yield Part("enter", Enter(net.input_proj, half), {"area": framed}, made)
    for i in range(levels):
        yield from _stage(f"encoderlayer_{i}", net, side >> i, (features[i],), batch)
        down = Down(getattr(net, f"dowsample_{i}"), half)
        high = min(rows, side >> i) if config.down == 2 else side >> i  # 4 reaches further
        fine = torch.zeros(high, side >> i, features[i])
        yield Part(f"down_{i}", down, {"fine": fine}, made)
    widths: tuple[int, ...] = (features[levels],)
    yield from _stage("conv", net, side >> levels, widths, batch)
    for i in range(levels):
        at = side >> (levels - i)
        high = min(rows // 2, at)
        coarse = {f"map{k}": torch.zeros(high, at, c) for k, c in enumerate(widths)}
        yield Part(f"up_{i}", Up(getattr(net, f"upsample_{i}"), half), coarse, made)
        widths = (features[levels + 1 + i] // 2,) * 2
        yield from _stage(f"decoderlayer_{i}", net, 2 * at, widths, batch)
    tile = config.window * min(TILE, 1 << levels)
    squares = {f"map{k}": torch.zeros(tile + 2, tile + 2, c) for k, c in enumerate(widths)}
    cell_px = BlurLook.cell_px if config.entry < 1 else 0
    leave = Leave(net.output_proj, config.gate_floor, cell_px, config.doubt)
    made = ("pixels", "blur") if cell_px else ("pixels",)
    yield Part("exit", leave, squares | {"picture": area[0, :, :tile, :tile]}, made)


def _stage(
    name: str, net: LMDViT, side: int, widths: tuple[int, ...], batch: int
) -> Iterator[Part]:
    stage: Stage = getattr(net, name)
    size, light = net.config.window, net.config.predictor == "light"
    numbers = range(len(widths))
    for i, block in enumerate(stage.blocks):
        assert isinstance(block, WindowBlock)  # noqa: S101 - for the type checker
        shifted = bool(i % 2)
        if isinstance(predictor := block.score_predictor, nn.Module):
            maps = {f"map{k}": torch.zeros(side, side, c) for k, c in enumerate(widths)}
            if light:
                few = 2 * side // size
                maps = {f"cells{k}": torch.zeros(few, few, 2 * c) for k, c in enumerate(widths)}
            yield Part(
                f"{name}.blocks.{i}.predict",
                Predict(predictor, size, shifted=shifted),
                maps,
                ("logit",),
            )
        # Read by the shifted predictor after block 0, and after an encoder's last two blocks, which
        # leave what the decoder's predictors see.
        last = name.startswith("encoder") and i >= len(stage.blocks) - 2
        cells = light and ((i == 0 and len(stage.blocks) > 1) or last)
        tokens = {f"map{k}": torch.zeros(batch, size * size, c) for k, c in enumerate(widths)}
        edges = {"edges": torch.zeros(batch, dtype=torch.int64)} if shifted else {}
        yield Part(
            f"{name}.blocks.{i}",
            Block(block, size, shifted=shifted, cells=cells),
            tokens | edges,
            tuple(f"out{k}" for k in numbers) + tuple(f"cells{k}" for k in numbers if cells),
        )


@torch.no_grad()
def _to_onnx(part: Part) -> bytes:
    buffer = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # sizes become numbers: that is the point
        torch.onnx.export(
            part.module.eval(),
            tuple(part.inputs.values()),
            buffer,  # type: ignore[arg-type]  # a stream works with this exporter
            input_names=list(part.inputs),
            output_names=list(part.outputs),
            dynamic_axes=part.sizes,
            opset_version=OPSET,
            dynamo=False,
        )
    model = onnx.load_from_string(buffer.getvalue())
    model.producer_version = ""
    for node in model.graph.node:
        node.doc_string = ""
    return model.SerializeToString(deterministic=True)


def _entry(name: str) -> zipfile.ZipInfo:
    """An entry of the oldest time there is, so that two exports are the same bytes."""
    return zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))
