"""LMD-ViT's block as a function of attention windows: W-MSA with modulator, then W-LeFF.

It sees a batch of attention windows and nothing around them. Which ones, and what becomes of the
others, is the stage's business (lmdvit.py). Exported alone, it has fixed shapes.
Source: LMD-ViT (see lmdvit.py), read off its released code.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from foveate.nets.attention_windows import reflect_index, relative_index, shift_masks


class WindowAttention(nn.Module):
    """W-MSA: multi-head attention inside each attention window, with a relative position bias.

    Source: LMD-ViT's W-MSA, as in Uformer (arXiv 2106.03106).
    """

    relative_position_index: Tensor
    shift_masks: Tensor

    def __init__(self, features: int, heads: int, size: int) -> None:
        """Names follow the authors' file."""
        super().__init__()
        self.heads = heads
        table = torch.empty((2 * size - 1) ** 2, heads)
        self.relative_position_bias_table = nn.Parameter(nn.init.trunc_normal_(table, std=0.02))
        self.register_buffer("relative_position_index", relative_index(size))
        self.register_buffer("shift_masks", shift_masks(size), persistent=False)
        self.qkv = nn.ModuleDict(
            {"to_q": nn.Linear(features, features), "to_kv": nn.Linear(features, 2 * features)}
        )
        self.proj = nn.Linear(features, features)

    def forward(self, a: Tensor, edges: Tensor | None = None) -> Tensor:
        """(N, T, C) -> the same; `edges` (N,) int64 tells each one's shift mask."""
        n, t, c = a.shape
        d = c // self.heads
        q = self.qkv["to_q"](a).reshape(n, t, self.heads, d).transpose(1, 2)  # (N, heads, T, d)
        k, v = self.qkv["to_kv"](a).reshape(n, t, 2, self.heads, d).permute(2, 0, 3, 1, 4)
        bias = self.relative_position_bias_table[self.relative_position_index.reshape(-1)]
        logits = (q * d**-0.5) @ k.transpose(2, 3)  # (N, heads, T, T)
        logits = logits + bias.reshape(t, t, self.heads).permute(2, 0, 1)
        if edges is not None:
            logits = logits + self.shift_masks[edges][:, None]
        y = logits.softmax(3) @ v  # (N, heads, T, d)
        return self.proj(y.transpose(1, 2).reshape(n, t, c))


class LocalFeedForward(nn.Module):
    """W-LeFF: linear, depth-wise 3x3 inside the attention window (reflected border), linear.

    Source: LMD-ViT's W-LeFF. Unlike Uformer's LeFF it never sees the neighbouring window.
    """

    reflected: Tensor

    def __init__(self, features: int, ratio: int, size: int) -> None:
        """Names follow the authors' file; hidden width `ratio` C."""
        super().__init__()
        self.side = size + 2
        wide = ratio * features
        self.linear1 = nn.Sequential(nn.Linear(features, wide), nn.GELU())
        self.dwconv = nn.Sequential(nn.Conv2d(wide, wide, 3, groups=wide), nn.GELU())
        # Whole tokens are copied: faster than reflecting every plane by itself.
        self.register_buffer("reflected", reflect_index(size), persistent=False)
        self.linear2 = nn.Sequential(nn.Linear(wide, features))

    def forward(self, x: Tensor) -> Tensor:
        """(N, T, C) -> the same."""
        n, t, _ = x.shape
        y = self.linear1(x).index_select(1, self.reflected)  # (N, (M + 2)^2, ratio C)
        y = (
            self.dwconv(y.reshape(n, self.side, self.side, -1).permute(0, 3, 1, 2))
            .permute(0, 2, 3, 1)
            .reshape(n, t, -1)
        )  # (N, T, ratio C)
        return self.linear2(y)


class WindowBlock(nn.Module):
    """One transformer block on N attention windows: (N, T, C) -> (N, T, C).

    Costs T (12 C^2 + 164 C) MACs per attention window at M = 8 and MLP ratio 4.
    A block that decides carries its predictor, as the authors' file does; the stage calls it.
    Source: LMD-ViT's AdaWPT less the pruning around it.
    Deviation: drop path is drawn per attention window (the authors' way is not known).
    """

    def __init__(
        self,
        features: int,
        heads: int,
        size: int,
        *,
        ratio: int,
        modulator: bool,
        drop_path: float,
        score_predictor: nn.Module | None,
    ) -> None:
        """Names follow the authors' file."""
        super().__init__()
        self.drop_path = drop_path
        self.modulator = nn.Embedding(size * size, features) if modulator else None
        self.norm1 = nn.LayerNorm(features)
        self.attn = WindowAttention(features, heads, size)
        self.norm2 = nn.LayerNorm(features)
        self.mlp = LocalFeedForward(features, ratio, size)
        self.score_predictor = score_predictor

    def forward(self, k: Tensor, edges: Tensor | None = None, keep: Tensor | None = None) -> Tensor:
        """The block's whole mathematics, for training and for inference.

        Args:
            k: (N, T, C) attention windows of the block's input.
            edges: (N,) int64 in a shifted block, see `window_edges`; None: no shift mask.
            keep: (N,) 0 or 1, the decisions; a pruned attention window passes unchanged, and
                gradients reach its decision. None: all are kept.
        """
        one: Tensor | float = 1.0 if keep is None else keep[:, None, None]
        a = self.norm1(k) * one
        if self.modulator is not None:
            a = a + self.modulator.weight
        k = k + self._drop(self.attn(a, edges)) * one
        return k + self._drop(self.mlp(self.norm2(k))) * one

    def _drop(self, y: Tensor) -> Tensor:
        if not (self.training and self.drop_path):
            return y
        return y * F.dropout(y.new_ones(len(y), 1, 1), self.drop_path)
