"""From a trained LMD-ViT to a deblurring model: the file of graphs, its parity, its card."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import groupby
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from foveate.atomic import AtomicFile
from foveate.engine.deblur_onnxruntime import OnnxRuntimeDeblurSession
from foveate.engine.deblur_session import Mask, StageDecision
from foveate.engine.session import Float32
from foveate.errors import ModelError
from foveate.geometry import plan_grid, round_up
from foveate.models.card import Card, DeblurFacts, WeightsFacts, WindowFacts
from foveate.models.write import write_card
from foveate.nets.lmdvit import LMDViT
from foveate.nets.predictors import decide_at, logit_of
from foveate.nets.window_block import WindowBlock
from foveate.nets.window_stage import Stage
from foveate.train.export.deblur_file import parts, write_graphs
from foveate.train.export.footprint import measure_session_bytes

# Every area is exactly 512 x 512: results/deblur_engine.csv.
WINDOW = WindowFacts(384, 384, 64, 64, "approximate", minimum=512)
PARITY_LIMIT = 1e-4  # largest absolute difference to torch, of a range 0..1
MARGIN = 1e-3  # a logit this near the threshold may fall on either side


def export_deblur(net: LMDViT, facts: dict[str, Any], folder: Path, window: WindowFacts) -> Path:
    """Writes FOLDER/ID.zip and FOLDER/ID.toml; returns the card's path.

    Args:
        net: the weights.
        facts: fields of the card that only the one who exports can tell, `id` among them.
        folder: made when missing.
        window: the card's; areas have the side `window.minimum`.

    Raises:
        ModelError: the graphs differ from torch by more than 1e-4, or decide otherwise.
        OutputError: a file cannot be written.
    """
    net = net.eval()
    folder.mkdir(parents=True, exist_ok=True)
    weights_path = folder / f"{facts['id']}.zip"
    with AtomicFile(weights_path, overwrite=True) as file:
        with open(file.descriptor, "wb", closefd=False) as target:
            write_graphs(net, window.minimum, target)
        file.commit()
    card = _card(net, facts, weights_path, window)
    try:
        check_deblur_parity(net, card, weights_path)
        deviation = measure_deviation(net, card, weights_path)
    except ModelError:
        weights_path.unlink()
        raise
    window = msgspec.structs.replace(window, deviation=deviation)
    path = folder / f"{card.id}.toml"
    write_card(msgspec.structs.replace(card, window=window), path)
    measured = measure_session_bytes(path)
    write_card(
        msgspec.structs.replace(card, window=window, session_bytes_per_lr_pixel=measured), path
    )
    return path


def count_deblur_macs(net: LMDViT) -> tuple[int, int, int]:
    """Multiply-accumulates per pixel: every window kept, none kept, and the coarse look."""
    side = net.config.multiple
    x = torch.zeros(1, 3, side, side)

    def counted(run: nn.Module, **options: Any) -> int:  # noqa: ANN401 - of LMDViT.forward
        with torch.no_grad(), FlopCounterMode(display=False) as counter:
            run(x, **options)
        return round(counter.get_total_flops() / (2 * side * side))

    look = 0 if net.look is None else counted(net.look)
    kept, none = (counted(net, mask=torch.full_like(x[:, :1], value)) for value in (1, 0))
    return kept - look, none - look, look


def count_block_macs(net: LMDViT) -> dict[str, int]:
    """By deciding block: multiply-accumulates of one attention window, in it and where reused."""
    counted = dict[str, int]()
    for name, stage in net.named_children():
        if not isinstance(stage, Stage):
            continue
        for i, block in enumerate(stage.blocks):
            assert isinstance(block, WindowBlock)  # noqa: S101 - for the type checker
            window = torch.zeros(1, stage.size**2, *block.norm1.normalized_shape)
            with torch.no_grad(), FlopCounterMode(display=False) as counter:
                block(window)
            decides = f"{name}.blocks.{i % 2}"
            counted[decides] = counted.get(decides, 0) + counter.get_total_flops() // 2
    return counted


def count_strip_macs(net: LMDViT, side: int) -> dict[str, int]:
    """By graph that is none of a block, nor the look: multiply-accumulates of one run."""
    counted = dict[str, int]()
    for part in parts(net, side):
        if part.name != "look" and ".blocks." not in part.name:
            with torch.no_grad(), FlopCounterMode(display=False) as counter:
                part.module.eval()(*part.inputs.values())
            counted[part.name] = counter.get_total_flops() // 2
    return counted


@torch.no_grad()
def check_deblur_parity(net: LMDViT, card: Card, weights_path: Path) -> float:
    """Largest difference between torch and the session, where the net decides and with a mask.

    torch is given the session's decisions; these must be its own but for logits within 1e-3 of the
    threshold; so must be what the gate keeps. Compared are a detailed picture's pixels in kept
    windows, and all confidences.

    Raises:
        ModelError: values differ by more than 1e-4, or a decision is another.
    """
    session = OnnxRuntimeDeblurSession(card, weights_path)
    side, worst = card.window.minimum, 0.0
    area = detailed_area(side)
    mask = np.zeros((side, side), np.bool_)
    mask[side // 8 : side // 2, side // 4 : side - 1] = True
    for given in (None, mask):
        found = session.run(area, mask=given)
        told = None if given is None else torch.from_numpy(given)[None, None].float()
        with _deciding(net, found.stages):
            expected = net(torch.from_numpy(area), mask=told, dense=False)
        if expected.kept is not None:
            sure = (expected.last[0].abs() >= MARGIN).numpy()
            if (found.keep != expected.kept[0].numpy())[sure].any():
                raise ModelError(f"cannot export {card.id}", "the gate decides otherwise")
            found.keep[~sure] = False
        kept = upsampled(found.keep, side)
        worst = max(worst, _largest(found.pixels, expected.restored[0].numpy(), kept))
        if expected.last is not None:
            last = expected.last[0].sigmoid().numpy()
            worst = max(worst, float(np.abs(found.confidence - last)[found.keep].max(initial=0)))
        for stage, decision in zip(found.stages, expected.decisions, strict=True):
            logits = decision.logits[0]
            confidence = logits.softmax(-1)[..., 0].numpy()
            if given is None or net.config.predictor != "look":  # else nobody is asked
                worst = max(worst, float(np.abs(stage.confidence - confidence).max()))
            bound = logit_of(0.5 * net.config.entry)
            sure = (logits[..., 0] - logits[..., 1] - bound).abs().numpy() >= MARGIN
            own = decide_at(logits, 0.5 * net.config.entry) > 0
            if given is None and (stage.keep != own.numpy())[sure].any():
                raise ModelError(f"cannot export {card.id}", f"{stage.block} decides otherwise")
    if expected.look is not None:
        look = expected.look[0].sigmoid().numpy()
        worst = max(worst, float(np.abs(session.look(area) - look).max()))
    session.close()
    if not worst < PARITY_LIMIT:
        raise ModelError(f"cannot export {card.id}", f"ONNX differs from torch by {worst:.2e}")
    return worst


@torch.no_grad()
def measure_deviation(net: LMDViT, card: Card, weights_path: Path) -> float:
    """Mean absolute difference, in 0..255 levels, between windows and the whole picture at once.

    The picture is one area high and a third of a core wider. Pixels that nobody kept count as well.
    """
    window, side = card.window, card.window.minimum
    wide = round_up(side + window.core_width // 3, net.config.multiple)
    picture = np.pad(detailed_area(side), ((0, 0), (0, 0), (0, 0), (0, wide - side)), "symmetric")
    result = net(torch.from_numpy(picture), dense=False)
    last = [
        d for d in result.decisions if d.block.startswith(f"decoderlayer_{net.config.levels - 1}.")
    ]
    if result.kept is not None:
        keep = result.kept[0].numpy()
    elif last:
        keep = last[0].keep[0].numpy() > 0
    else:  # no blocks there: the look's own windows
        assert result.look is not None  # noqa: S101 - the configuration saw to it
        keep = result.look[0].numpy() > 0
    whole = np.where(upsampled(keep, wide), result.restored[0].numpy(), picture[0])
    session = OnnxRuntimeDeblurSession(card, weights_path)
    cores = {"core_width": window.core_width, "core_height": window.core_height}
    grid = plan_grid(wide, side, **cores, halo=window.halo, multiple=window.multiple, minimum=side)
    total = 0.0
    for part in grid.windows():
        area, core = part.area, part.core
        at = core.within(area)
        lr = np.ascontiguousarray(picture[:, :, :, area.left : area.right])
        pixels = session.run(lr).pixels[:, at.top : at.bottom, at.left : at.right]
        there = whole[:, core.top : core.bottom, core.left : core.right]
        total += float(np.abs(pixels - there).sum(dtype=np.float64))
    session.close()
    return round(total / whole.size * 255, 4)


def detailed_area(side: int) -> Float32:
    """(1, 3, S, S) of squares of 4 x 4 with darker columns: nothing in it is flat for long."""
    random = np.random.default_rng(0)
    area = np.kron(random.random((3, side // 4, side // 4)), np.ones((4, 4))).astype(np.float32)
    area[..., ::3] *= np.float32(0.7)
    return np.ascontiguousarray(area[None])


def upsampled(keep: Mask, width: int) -> Mask:
    """Attention windows at full resolution as pixels of a picture of this width."""
    size = width // keep.shape[1]
    return keep.repeat(size, 0).repeat(size, 1)


@contextmanager
def _deciding(net: LMDViT, stages: tuple[StageDecision, ...]) -> Iterator[None]:
    """Within it the net keeps what a session kept."""
    hooks = []
    for name, group in groupby(stages, lambda stage: stage.block.split(".")[0]):
        keeps = iter([torch.from_numpy(stage.keep)[None].float() for stage in group])

        def decided(_: nn.Module, inputs: Any, keeps: Iterator[Tensor] = keeps) -> Any:  # noqa: ANN401 - torch's hook
            return inputs[0], lambda *where: (inputs[1](*where)[0], next(keeps))

        hooks.append(getattr(net, name).register_forward_pre_hook(decided))
    try:
        yield
    finally:
        for hook in hooks:
            hook.remove()


def _largest(found: Float32, expected: Float32, where: Mask) -> float:
    return float(np.abs(found - expected)[:, where].max(initial=0))


def _card(net: LMDViT, facts: dict[str, Any], weights_path: Path, window: WindowFacts) -> Card:
    macs, skeleton, look = count_deblur_macs(net)
    with weights_path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return Card(
        **facts,
        family="lmdvit",
        task="deblur",
        scale=1,
        parameters=sum(p.numel() for p in net.parameters()),
        macs_per_lr_pixel=macs,
        receptive_radius=window.minimum,
        session_bytes_per_lr_pixel=0,  # measured once the files are there
        window=window,
        weights=WeightsFacts(weights_path.name, digest, weights_path.stat().st_size),
        deblur=DeblurFacts(
            skeleton,
            look,
            count_block_macs(net),
            net.config.entry,
            net.config.evidence,
            net.config.everywhere,
            count_strip_macs(net, window.minimum),
        ),
    )
