"""A network as an ONNX graph: folded, exported, compared with torch, its cost counted."""

from __future__ import annotations

import copy
import io
import warnings
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import onnx
import torch
from torch import Tensor
from torch.nn import functional as F
from torch.utils.flop_counter import FlopCounterMode

from foveate.engine.onnxruntime_session import OnnxRuntimeSession
from foveate.errors import ModelError
from foveate.models.card import Card
from foveate.nets.blocks import RepConv
from foveate.nets.build import Net, Upscaler
from foveate.nets.esrt import ESRT
from foveate.train.export.card_window import fixed_side

PARITY_LIMIT = 1e-4  # largest absolute difference to torch, of a range 0..1
OPSET = 17

N = TypeVar("N", bound=Net)


def fold(net: N) -> N:
    """A copy in which every RRB is one 3x3 convolution; same function."""
    folded = copy.deepcopy(net)
    for module in folded.eval().modules():
        if isinstance(module, RepConv):
            module.fold()
    return folded


def count_macs(folded: Net, side: int = 0) -> int:
    """Multiply-accumulates per LR pixel of a large picture, or of the one window there is.

    `side` counts a picture of so many pixels a side instead.
    """
    side = side or fixed_side(folded) or 4096  # what is computed around the border must not count
    net = copy.deepcopy(folded).to("meta").requires_grad_(False)
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        net(torch.zeros(1, 3, side, side, device="meta"))
    return round(counter.get_total_flops() / (2 * side * side))


def check_parity(folded: Upscaler, card: Card, weights_path: Path) -> float:
    """Largest difference between torch and ONNX Runtime over several sizes of a detailed picture.

    Raises:
        ModelError: it exceeds 1e-4.
    """
    worst = 0.0
    session = OnnxRuntimeSession(card, weights_path, threads=1, device="cpu")
    random = np.random.default_rng(0)
    side = fixed_side(folded)
    sizes = [(side, side)] * 2 if side else [(32, 32), (48, 70), (96, 64), (4, 6)]
    for height, width in sizes:
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


def to_onnx(folded: Upscaler, side: int = 0) -> bytes:
    """The graph: input "lr", output "sr"; of one size where the network's window is fixed.

    `side` is that size where it is not the one the network is exported for.
    """
    side = side or fixed_side(folded)
    buffer = io.BytesIO()
    sizes = {"lr": {0: "n"}, "sr": {0: "n"}}
    if not side:
        sizes = {"lr": {0: "n", 2: "h", 3: "w"}, "sr": {0: "n", 2: "sh", 3: "sw"}}
    own_operators = {}
    if isinstance(folded, ESRT):
        folded.attend = FusedAttention()
        own_operators = {"com.microsoft": 1}
    with warnings.catch_warnings():
        # The newer exporter needs a package more and writes the same few operators.
        warnings.simplefilter("ignore")
        torch.onnx.export(
            folded,
            (torch.rand(1, 3, side or 32, side or 32),),
            buffer,  # type: ignore[arg-type]  # a stream works with this exporter
            input_names=["lr"],
            output_names=["sr"],
            dynamic_axes=sizes,
            opset_version=OPSET,
            custom_opsets=own_operators,
            # Folded here, matrices and scaled kernels would lose their names, and no net could
            # start from the graph. The engine folds them as it loads.
            do_constant_folding=not isinstance(folded, ESRT),
            dynamo=False,
        )
    model = onnx.load_from_string(buffer.getvalue())
    model.producer_version = ""  # the same weights give the same file
    for node in model.graph.node:
        node.doc_string = ""
    return model.SerializeToString(deterministic=True)


class FusedAttention:
    """Attention as ONNX Runtime's own operator, which holds no scores. Stands in for `Attend`."""

    def __call__(self, q: Tensor, k: Tensor, v: Tensor, scale: float) -> Tensor:
        """softmax(q k^T * scale) v; all (B, heads, T, D)."""
        heads, tokens, width = (int(side) for side in q.shape[1:])  # numbers, also when traced
        rows = [t.transpose(1, 2).reshape(-1, tokens, heads * width) for t in (q, k, v)]
        out: Tensor = _Operator.apply(*rows, heads, scale)  # type: ignore[no-untyped-call]  # torch's
        return out.reshape(-1, tokens, heads, width).transpose(1, 2)


class _Operator(torch.autograd.Function):
    @staticmethod
    def forward(_ctx: object, q: Tensor, k: Tensor, v: Tensor, heads: int, scale: float) -> Tensor:
        q_, k_, v_ = (t.reshape(*t.shape[:2], heads, -1).transpose(1, 2) for t in (q, k, v))
        out = F.scaled_dot_product_attention(q_, k_, v_, scale=scale)
        return out.transpose(1, 2).reshape(q.shape)

    @staticmethod
    def symbolic(graph: Any, q: Any, k: Any, v: Any, heads: int, scale: float) -> Any:  # noqa: ANN401, PLR0917 - torch's shape of it
        rows = {"num_heads_i": heads, "scale_f": scale}
        return graph.op("com.microsoft::MultiHeadAttention", q, k, v, **rows).setType(q.type())
