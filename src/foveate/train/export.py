"""From a trained net to a model: fold, ONNX, parity against torch, card."""

from __future__ import annotations

import copy
import hashlib
import io
import warnings
from dataclasses import dataclass
from pathlib import Path

import msgspec
import numpy as np
import onnx
import torch
from torch.utils.flop_counter import FlopCounterMode

from foveate.atomic import write_bytes
from foveate.engine.onnxruntime_session import OnnxRuntimeSession
from foveate.errors import ModelError
from foveate.models.card import Card, TrainingFacts, WeightsFacts, WindowFacts
from foveate.models.write import write_card
from foveate.nets.blocks import RepConv
from foveate.nets.build import build_net
from foveate.nets.rt4ksr import RT4KSR
from foveate.train.checkpoint import read_checkpoint
from foveate.train.footprint import measure_session_bytes
from foveate.train.official import read_official
from foveate.train.recipe import Recipe

PARITY_LIMIT = 1e-4  # largest absolute difference to torch, of a range 0..1
OPSET = 17
CORE_WIDTH, CORE_HEIGHT = (
    480,
    272,
)  # a quarter of 960x540: measured among seven, results/windows.csv


@dataclass(frozen=True)
class Claims:
    """What only the one who exports can say of a model."""

    id: str
    trained_for: str
    summary: str
    licence: str
    limits: str
    training: TrainingFacts


def export_checkpoint(
    checkpoint: Path, model_id: str, folder: Path, *, summary: str, recipe: str, data: str
) -> Path:
    """Makes a model of a checkpoint's EMA weights; returns the card's path."""
    saved = read_checkpoint(checkpoint)
    settings = msgspec.convert(saved.recipe, Recipe)
    net = build_net(settings.net.family, settings.net.options)
    net.load_state_dict(saved.average)
    training = TrainingFacts(
        recipe, saved.recipe_digest, saved.step, data or f"{saved.photos} photos", "foveate"
    )
    photo = settings.data.degrade == "photo"
    claims = Claims(
        model_id,
        trained_for="compressed, slightly noisy photos"
        if photo
        else "clean bicubic-shrunk pictures",
        summary=summary or f"RT4KSR for {'photos' if photo else 'clean pictures'}",
        licence="Apache-2.0",
        limits="not for scanned text or blur; it adds no invented detail",
        training=training,
    )
    return export_net(net, claims, folder)


def export_official(file: Path, family: str, model_id: str, folder: Path) -> Path:
    """Makes a model of the authors' weight file; returns the card's path."""
    claims = Claims(
        model_id,
        trained_for="clean bicubic-shrunk pictures",
        summary="the authors' RT4KSR",
        licence="Apache-2.0 (the authors' repository)",
        limits="not for JPEG below quality 75: there it falls under bicubic",
        training=TrainingFacts(
            data="DIV2K, Flickr2K, LSDIR, GTA5 frames", author="E. Zamfir et al."
        ),
    )
    return export_net(read_official(file, family), claims, folder)


def fold(net: RT4KSR) -> RT4KSR:
    """A copy in which every RRB is one 3x3 convolution; same function."""
    net = copy.deepcopy(net).eval()
    for module in net.modules():
        if isinstance(module, RepConv):
            module.fold()
    return net


def export_net(net: RT4KSR, claims: Claims, folder: Path) -> Path:
    """Writes FOLDER/ID.onnx and FOLDER/ID.toml; returns the card's path.

    Raises:
        ModelError: the ONNX graph differs from torch by more than 1e-4.
    """
    folded = fold(net)
    data = _to_onnx(folded)
    card = make_card(folded, claims, data)
    weights_path = folder / card.weights.file
    folder.mkdir(parents=True, exist_ok=True)
    write_bytes(weights_path, data, overwrite=True)
    try:
        check_parity(folded, card, weights_path)
    except ModelError:
        weights_path.unlink()
        raise
    path = folder / f"{claims.id}.toml"
    write_card(card, path)
    measured = measure_session_bytes(path)
    write_card(msgspec.structs.replace(card, session_bytes_per_lr_pixel=measured), path)
    return path


def make_card(folded: RT4KSR, claims: Claims, data: bytes) -> Card:
    """The card of a folded net; costs are counted on the graph that ships."""
    config = folded.config
    return Card(
        id=claims.id,
        family="rt4ksr",
        task="upscale",
        scale=config.scale,
        trained_for=claims.trained_for,
        summary=claims.summary,
        licence=claims.licence,
        limits=claims.limits,
        parameters=sum(p.numel() for p in folded.parameters()),
        macs_per_lr_pixel=count_macs(folded),
        receptive_radius=folded.receptive_radius,
        session_bytes_per_lr_pixel=0,  # measured once the files are there
        window=_window_facts(folded),
        weights=WeightsFacts(f"{claims.id}.onnx", hashlib.sha256(data).hexdigest(), len(data)),
        training=claims.training,
    )


def _window_facts(folded: RT4KSR) -> WindowFacts:
    halo, multiple, minimum = folded.halo, folded.multiple, folded.minimum
    exact = bool(folded.is_local)
    return WindowFacts(
        core_width=CORE_WIDTH,
        core_height=CORE_HEIGHT,
        halo=-(-halo // multiple) * multiple,
        multiple=multiple,
        minimum=minimum,
        windowing="exact" if exact else "approximate",
        deviation=0.0 if exact else measure_deviation(folded, halo),
    )


@torch.no_grad()
def measure_deviation(folded: RT4KSR, halo: int) -> float:
    """Mean absolute difference, in 0..255 levels, between a window and the whole picture around it.

    The picture is a ramp with blocks of noise, so that its left and right half differ.
    """
    random = np.random.default_rng(0)
    ramp = np.linspace(0, 0.5, 256, dtype=np.float32)
    noise = np.kron(random.random((32, 32)), np.ones((8, 8))).astype(np.float32) * ramp
    whole = torch.from_numpy(np.stack([ramp + noise, ramp * noise + ramp, noise])[None])
    kept = 128 * folded.config.scale
    sr = folded(whole)[..., :kept]
    window = folded(whole[..., : 128 + halo // 4 * 4])[..., :kept]
    return round(float((sr - window).abs().mean()) * 255, 4)


def count_macs(folded: RT4KSR) -> int:
    """Multiply-accumulates per LR pixel of a large picture."""
    side = 4096  # so large that what is computed around the border does not count
    net = copy.deepcopy(folded).to("meta")
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        net(torch.zeros(1, 3, side, side, device="meta"))
    return round(counter.get_total_flops() / (2 * side * side))


def check_parity(folded: RT4KSR, card: Card, weights_path: Path) -> float:
    """Largest difference between torch and ONNX Runtime over several sizes of a detailed picture.

    Raises:
        ModelError: it exceeds 1e-4.
    """
    worst = 0.0
    session = OnnxRuntimeSession(card, weights_path, threads=1, device="cpu")
    random = np.random.default_rng(0)
    for height, width in ((32, 32), (48, 70), (96, 64), (4, 6)):
        coarse = random.random((1, 3, height // 4 + 2, width // 4 + 2))
        lr = np.kron(coarse, np.ones((1, 1, 4, 4)))[:, :, :height, :width].astype(np.float32)
        lr[..., ::3] *= np.float32(0.7)
        with torch.no_grad():
            expected = folded(torch.from_numpy(lr)).numpy()
        worst = max(worst, float(np.abs(session.run(lr) - expected).max()))
    session.close()
    if not worst < PARITY_LIMIT:
        raise ModelError(f"cannot export {card.id}", f"ONNX differs from torch by {worst:.2e}")
    return worst


def _to_onnx(folded: RT4KSR) -> bytes:
    buffer = io.BytesIO()
    sizes = {"lr": {0: "n", 2: "h", 3: "w"}, "sr": {0: "n", 2: "sh", 3: "sw"}}
    with warnings.catch_warnings():
        # The newer exporter needs a package more and writes the same few operators.
        warnings.simplefilter("ignore")
        torch.onnx.export(
            folded,
            (torch.rand(1, 3, 32, 32),),
            buffer,  # type: ignore[arg-type]  # a stream works with this exporter
            input_names=["lr"],
            output_names=["sr"],
            dynamic_axes=sizes,
            opset_version=OPSET,
            dynamo=False,
        )
    model = onnx.load_from_string(buffer.getvalue())
    model.producer_version = ""  # the same weights give the same file
    for node in model.graph.node:
        node.doc_string = ""
    return model.SerializeToString(deterministic=True)
