"""ESRT's Efficient Transformer: tokens of 3x3 neighbourhoods, split attention, MLP."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from foveate.errors import InputError
from foveate.nets.attention import Attend, Attention

HEADS = 8


class EfficientTransformer(nn.Module):
    """ET: every pixel's 3x3 neighbourhood is a token; attention, MLP, and back to a picture.

    (N, C, H, W) -> the same. Source: paper sec. 3 (LTB); layer facts from the authors' code. There
    is no positional encoding and no dropout. Deviation: none.
    """

    def __init__(self, features: int, segments: int, *, original: bool) -> None:
        """Tokens have 9 * `features` channels; `original` keeps them all in the attention."""
        super().__init__()
        dim = 9 * features
        self.norm1 = nn.LayerNorm(dim)
        self.norm2 = nn.LayerNorm(dim)
        self.atten = SplitAttention(dim, segments) if not original else SplitAttention(dim, 1, dim)
        self.mlp = MLP(dim)

    def forward(self, x: Tensor) -> Tensor:
        """Overlapping values are summed on the way back, not averaged."""
        height, width = int(x.shape[2]), int(x.shape[3])  # numbers: an exported graph has one size
        t = unfold(x)  # (N, H*W, 9C)
        t = t + self.atten(self.norm1(t))
        t = t + self.mlp(self.norm2(t))
        return fold(t, height, width)  # (N, C, H, W)


class SplitAttention(nn.Module):
    """EMHA: attention over half the channels, in `segments` runs of consecutive tokens.

    (N, T, dim) -> the same. A run holds floor(T / segments) tokens; up to segments - 1 tokens are
    left over and attend to each other alone. With one segment and `inner` = `dim` this is the
    ordinary multi-head attention. The factor on the scores is (dim / heads)^-0.5 always, also where
    a head has half as many channels. Source: paper sec. 3 (EMHA); remainder and factor from the
    authors' code.
    """

    def __init__(self, dim: int, segments: int, inner: int | None = None) -> None:
        """`inner` channels take part, half of `dim` unless said otherwise."""
        super().__init__()
        inner = inner or dim // 2
        self.segments = segments
        self.scale = (dim / HEADS) ** -0.5
        self.reduce = nn.Linear(dim, inner, bias=False) if inner < dim else nn.Identity()
        self.qkv = nn.Linear(inner, 3 * inner, bias=False)
        self.proj = nn.Linear(inner, dim)
        self.attend: Attention = Attend()

    def forward(self, t: Tensor) -> Tensor:
        """Attends within each segment.

        Raises:
            InputError: fewer tokens than segments.
        """
        tokens = int(t.shape[1])
        length = tokens // self.segments
        if not length:
            raise InputError(
                f"cannot split {tokens} tokens into {self.segments} segments",
                "the picture has fewer pixels than that",
                f"pictures of at least {self.segments} pixels",
            )
        qkv = self.qkv(self.reduce(t))  # (N, T, 3 * inner)
        cut = length * self.segments
        parts = [self._within(qkv[:, :cut], length)]
        if cut < tokens:
            parts.append(self._within(qkv[:, cut:], tokens - cut))
        return self.proj(torch.cat(parts, dim=1))

    def _within(self, qkv: Tensor, length: int) -> Tensor:
        """Attention in runs of `length` tokens: (N, T, 3 * inner) -> (N, T, inner)."""
        tokens, inner = int(qkv.shape[1]), self.proj.in_features
        q, k, v = (
            part.reshape(-1, length, HEADS, inner // HEADS).transpose(1, 2)
            for part in qkv.chunk(3, dim=2)
        )  # each (N * runs, heads, length, D)
        out = self.attend(q, k, v, self.scale)
        return out.transpose(1, 2).reshape(-1, tokens, inner)


class MLP(nn.Module):
    """Two linear layers with a ReLU between, a quarter as wide inside. (N, T, dim)."""

    def __init__(self, dim: int) -> None:
        """Both layers have biases."""
        super().__init__()
        self.fc1 = nn.Linear(dim, dim // 4)
        self.fc2 = nn.Linear(dim // 4, dim)

    def forward(self, t: Tensor) -> Tensor:
        """Each token on its own."""
        return self.fc2(F.relu(self.fc1(t)))


def unfold(x: Tensor) -> Tensor:
    """(N, C, H, W) -> (N, H*W, 9C): each pixel's zero-padded 3x3, channel c * 9 + row * 3 + column.

    Equals torch's unfold. These nine slices take half its time here, export to any opset, and run
    in a sixth of the time of a one-hot convolution in ONNX Runtime; likewise `fold`.
    """
    channels, height, width = (int(n) for n in x.shape[1:])
    x = F.pad(x, (1, 1, 1, 1)).permute(0, 2, 3, 1)  # (N, H+2, W+2, C)
    places = [x[:, i : i + height, j : j + width] for i in range(3) for j in range(3)]
    return torch.stack(places, dim=-1).reshape(-1, height * width, channels * 9)


def fold(t: Tensor, height: int, width: int) -> Tensor:
    """The adjoint of `unfold`: (N, H*W, 9C) -> (N, C, H, W), overlapping values summed."""
    t = t.reshape(-1, height, width, t.shape[2] // 9, 3, 3)
    columns = [F.pad(t[..., j], (0, 0, 0, 0, j, 2 - j)) for j in range(3)]
    t = columns[0] + columns[1] + columns[2]  # (N, H, W+2, C, 3)
    rows = [F.pad(t[..., i], (0, 0, 0, 0, i, 2 - i)) for i in range(3)]
    x = rows[0] + rows[1] + rows[2]  # (N, H+2, W+2, C)
    return x[:, 1:-1, 1:-1].permute(0, 3, 1, 2)
