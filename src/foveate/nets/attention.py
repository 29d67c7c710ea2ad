"""Softmax attention in three orders of operations that give the same result.

Plain holds every score at once; blocked holds those of a few queries; fused is torch's own kernel.
A softmax row needs one query's scores alone, so cutting the queries is exact.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812 - its usual name
from torch.utils.checkpoint import checkpoint

from foveate.nets.blocks import without_autocast


@dataclass(frozen=True)
class Attend:
    """How attention is computed; never what it computes (agreement: 1e-5 in float32).

    Attributes:
        way: "fused" (torch's scaled_dot_product_attention), "blocked" or "plain".
        block: queries of each sequence per block of "blocked", which holds B * heads * block * T
            scores and as many exponentials at a time, also in training: there the backward pass
            computes them again.
    """

    way: Literal["fused", "blocked", "plain"] = "fused"
    block: int = 64

    def __call__(self, q: Tensor, k: Tensor, v: Tensor, scale: float) -> Tensor:
        """softmax(q k^T * scale) v over the last two axes.

        Args:
            q: (B, heads, T, D), B independent sequences of T tokens.
            k: the same shape.
            v: the same shape.
            scale: factor on the scores.

        Returns:
            (B, heads, T, D).
        """
        if self.way == "fused":
            return _fused(q, k, v, scale)
        if self.way == "plain":
            return _attend(q, k, v, scale)
        starts = range(0, int(q.shape[2]), self.block)
        parts = [_again(q[:, :, i : i + self.block], k, v, scale) for i in starts]
        return torch.cat(parts, dim=2)


def _fused(q: Tensor, k: Tensor, v: Tensor, scale: float) -> Tensor:
    """In float32 also under bfloat16 autocast, where this kernel takes a third longer."""
    wide = torch.promote_types(q.dtype, torch.float32)
    with without_autocast(q):
        out = F.scaled_dot_product_attention(q.to(wide), k.to(wide), v.to(wide), scale=scale)
    return out.to(q.dtype)


def _attend(q: Tensor, k: Tensor, v: Tensor, scale: float) -> Tensor:
    scores = q @ (k * scale).transpose(-1, -2)  # (..., T, T)
    return torch.softmax(scores, dim=-1) @ v


def _again(q: Tensor, k: Tensor, v: Tensor, scale: float) -> Tensor:
    """Keeps no scores for the backward pass: it computes them again."""
    if not torch.is_grad_enabled():
        return _attend(q, k, v, scale)
    out: Tensor = checkpoint(_attend, q, k, v, scale, use_reentrant=False, preserve_rng_state=False)
    return out
