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
from torch import nn

from foveate.atomic import write_bytes
from foveate.engine.open import open_session
from foveate.errors import ModelError
from foveate.models.card import Card, TrainingFacts, WeightsFacts, WindowFacts
from foveate.models.write import write_card
from foveate.nets.blocks import RepConv
from foveate.nets.build import build_net
from foveate.train.checkpoint import read_checkpoint
from foveate.train.official import read_official
from foveate.train.recipe import Recipe

PARITY_LIMIT = 1e-4  # largest absolute difference to torch, of a range 0..1
OPSET = 17
CORE_WIDTH, CORE_HEIGHT = 512, 256


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
        trained_for="compressed, slightly noisy photos" if photo else "clean bicubic-shrunk pictures",
        summary=summary or f"RT4KSR for {'photos' if photo else 'clean pictures'}",
        licence="Apache-2.0",
        limits="not for text from scanners, faces too small to see, or blur: it adds no invented detail",
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
        training=TrainingFacts(data="DIV2K, Flickr2K, LSDIR, GTA5 frames", author="E. Zamfir et al."),
    )
    return export_net(read_official(file, family), claims, folder)


def fold(net: nn.Module) -> nn.Module:
    """A copy in which every RRB is one 3x3 convolution; same function."""
    net = copy.deepcopy(net).eval()
    for module in net.modules():
        if isinstance(module, RepConv):
            module.fold()
    return net


def export_net(net: nn.Module, claims: Claims, folder: Path) -> Path:
    """Writes FOLDER/ID.onnx and FOLDER/ID.toml; returns the card's path.

    Raises:
        ModelError: the ONNX graph differs from torch by more than 1e-4.
    """
    folded = fold(net)
    data = _to_onnx(folded)
    weights_path = folder / f"{claims.id}.onnx"
    folder.mkdir(parents=True, exist_ok=True)
    write_bytes(weights_path, data, overwrite=True)
    card = make_card(folded, claims, data)
    try:
        check_parity(folded, card, weights_path)
    except ModelError:
        weights_path.unlink()
        raise
    path = folder / f"{claims.id}.toml"
    write_card(card, path)
    return path


def make_card(folded: nn.Module, claims: Claims, data: bytes) -> Card:
    """The card of a folded net; costs are counted on the graph that ships."""
    config = folded.config
    macs, floats = count_cost(data, 96)
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
        macs_per_lr_pixel=macs,
        receptive_radius=folded.receptive_radius,
        session_bytes_per_lr_pixel=4 * floats,
        window=WindowFacts(CORE_WIDTH, CORE_HEIGHT, folded.halo, folded.multiple),  # type: ignore[arg-type]
        weights=WeightsFacts(f"{claims.id}.onnx", hashlib.sha256(data).hexdigest(), len(data)),
        training=claims.training,
    )


def count_cost(data: bytes, size: int) -> tuple[int, int]:
    """Costs per LR pixel of a graph at `size` x `size`, rounded up.

    Returns:
        Multiply-accumulates of all convolutions and matrix products; floats alive at once, taken
        as the three largest tensors (input, output and skip of one step).
    """
    model = onnx.load_from_string(data)
    for dim, value in zip(model.graph.input[0].type.tensor_type.shape.dim, (1, 3, size, size), strict=True):
        dim.dim_value = value
    model = onnx.shape_inference.infer_shapes(model, data_prop=True)
    shapes = {v.name: [d.dim_value for d in v.type.tensor_type.shape.dim] for v in _values(model)}
    weights = {w.name: list(w.dims) for w in model.graph.initializer}
    macs = 0
    for node in model.graph.node:
        if node.op_type == "Conv":
            macs += int(np.prod(shapes[node.output[0]])) * int(np.prod(weights[node.input[1]][1:]))
        elif node.op_type in {"MatMul", "Gemm"}:
            macs += int(np.prod(shapes[node.output[0]])) * shapes[node.input[0]][-1]
    largest = sorted((int(np.prod(s)) for s in shapes.values()), reverse=True)[:3]
    return -(-macs // size**2), -(-sum(largest) // size**2)


def check_parity(folded: nn.Module, card: Card, weights_path: Path) -> float:
    """Largest difference between torch and ONNX Runtime over several sizes of a detailed picture.

    Raises:
        ModelError: it exceeds 1e-4.
    """
    worst = 0.0
    session = open_session(card, weights_path, engine="onnxruntime", threads=1)
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


def _to_onnx(folded: nn.Module) -> bytes:
    buffer = io.BytesIO()
    sizes = {"lr": {0: "n", 2: "h", 3: "w"}, "sr": {0: "n", 2: "sh", 3: "sw"}}
    with warnings.catch_warnings():
        # The newer exporter needs a package more and writes the same few operators.
        warnings.simplefilter("ignore")
        torch.onnx.export(
            folded,
            (torch.rand(1, 3, 32, 32),),
            buffer,
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


def _values(model: onnx.ModelProto) -> list[onnx.ValueInfoProto]:
    return [*model.graph.input, *model.graph.value_info, *model.graph.output]
