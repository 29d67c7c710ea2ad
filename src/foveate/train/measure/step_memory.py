"""What one ESRT, or its transformer alone, takes for a step or a pass: bytes, MACs, parameters.

`python -m foveate.train.measure.step_memory` reads a `Request` as JSON from each line, forks a
child that measures it and writes an `Answer` as JSON: so that libraries are loaded once, and
nothing that one measurement leaves behind is in the next.
"""

from __future__ import annotations

import os
import sys
from typing import Any, Literal

import msgspec
import torch
from torch import Tensor, nn

from foveate.nets.attention import Attend
from foveate.nets.build import build_net
from foveate.nets.esrt_transformer import EfficientTransformer, SplitAttention
from foveate.train.export.footprint import peak_bytes
from foveate.train.export.graph import count_macs

Way = Literal["plain", "blocked", "fused", "none"]


class Request(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What to measure.

    Attributes:
        part: "net" is all of ESRT, "block" its Efficient Transformer alone.
        options: fields of ESRTConfig that differ from its defaults.
        way: of `Attend`; "none" passes the values through: what is left without attention.
        side: of the square LR input, in pixels.
        batch: pictures at once.
        training: forward and backward; otherwise forward without gradients.
        bf16: in bfloat16, as the trainer does it.
        compare: also the largest difference of the output to that of the "plain" way.
    """

    part: Literal["net", "block"]
    side: int
    batch: int = 1
    options: dict[str, Any] = {}
    way: Way = "fused"
    training: bool = False
    bf16: bool = False
    compare: bool = False


class Answer(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What was measured.

    Attributes:
        peak_bytes: resident memory over that of the built network with its input.
        parameters: of the part.
        macs_per_lr_pixel: multiply-adds on such a picture, 0 for a block.
        difference: see `Request.compare`; None where it was not asked for.
    """

    peak_bytes: int
    parameters: int
    macs_per_lr_pixel: int
    difference: float | None = None


class PassThrough:
    """Stands in for `Attend` and computes nothing: the values themselves."""

    def __call__(self, _q: Tensor, _k: Tensor, v: Tensor, _scale: float) -> Tensor:
        """(B, heads, T, D) -> the same."""
        return v


def measure(request: Request) -> Answer:
    """Runs it in this process, one thread; its peak is right only where nothing larger ran before.

    Raises:
        UsageError: an option that ESRT does not have.
    """
    torch.set_num_threads(1)
    torch.manual_seed(0)
    net = build_net("esrt", request.options)
    part, channels = (net, 3) if request.part == "net" else _block_of(net)
    _set_way(part, request.way)
    _run(part, torch.rand(1, channels, 8, 8), request)  # libraries lay out their own memory once
    x = torch.rand(request.batch, channels, request.side, request.side)
    peak = peak_bytes(lambda: _run(part, x, request))
    difference = None
    if request.compare:
        with torch.no_grad():
            ours = part(x)
            _set_way(part, "plain")
            difference = float((part(x) - ours).abs().max())
    macs = count_macs(net, request.side) if request.part == "net" else 0
    return Answer(peak, sum(p.numel() for p in part.parameters()), macs, difference)


def _block_of(net: nn.Module) -> tuple[nn.Module, int]:
    """Its first Efficient Transformer, and the channels that go in."""
    block = next(m for m in net.modules() if isinstance(m, EfficientTransformer))
    return block, block.norm1.normalized_shape[0] // 9


def _set_way(part: nn.Module, way: Way) -> None:
    attend = PassThrough() if way == "none" else Attend(way)
    for module in part.modules():
        if isinstance(module, SplitAttention):
            module.attend = attend


def _run(part: nn.Module, x: Tensor, request: Request) -> None:
    with (
        torch.set_grad_enabled(request.training),
        torch.autocast("cpu", torch.bfloat16, enabled=request.bf16),
    ):
        out = part(x)
    if request.training:
        part.zero_grad()
        out.float().abs().mean().backward()


def serve() -> None:
    """Answers every line; ends as a child does that fails or is killed."""
    for line in sys.stdin:
        child = os.fork()
        if not child:
            answer = measure(msgspec.json.decode(line, type=Request))
            os.write(sys.stdout.fileno(), msgspec.json.encode(answer) + b"\n")
            os._exit(0)
        _, status = os.waitpid(child, 0)
        if os.WIFSIGNALED(status):
            os.kill(os.getpid(), os.WTERMSIG(status))
        if status:
            sys.exit(1)


if __name__ == "__main__":
    serve()
