"""LMD-ViT cut into the graphs of engine/deblur_graphs.py, each a module.

All but the look are of one fixed size. Nothing is learned here: each module computes what a part of
the net does, in the form that runs quickest in ONNX Runtime. Maps are (H, W, C), channels last,
without a batch.
"""

from __future__ import annotations

from typing import TypeVar

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from foveate.nets.predictors import ConfidencePredictor, LightPredictor
from foveate.nets.window_block import WindowBlock

M = TypeVar("M", bound=nn.Module)


def only(module: nn.Module, kind: type[M]) -> M:
    """The one layer of this kind inside a module."""
    (found,) = (layer for layer in module.modules() if isinstance(layer, kind))
    return found


class Cells(nn.Module):
    """Mean and mean square of every cell x cell tokens: (H, W, C) -> (H/cell, W/cell, 2C)."""

    def __init__(self, cell: int) -> None:
        """`cell`: half the side of an attention window."""
        super().__init__()
        self.cell = cell

    def forward(self, x: Tensor) -> Tensor:
        """See the class."""
        return torch.cat([mean_pool(m, self.cell) for m in (x, x * x)], 2)


def mean_pool(x: Tensor, side: int) -> Tensor:
    """Means over side x side tokens: (H, W, C) -> (H/side, W/side, C).

    Over rows first: they lie far apart, and most of the map is gone after them.
    """
    height, width, c = x.shape
    y = x.reshape(height // side, side, width * c).mean(1).reshape(-1, side, c).mean(1)
    return y.reshape(height // side, width // side, c)


class Enter(nn.Module):
    """The first convolution on a strip of the picture: a map and its cells."""

    def __init__(self, projection: nn.Module, cell: int) -> None:
        """`cell` as in `Cells`, 0: no cells."""
        super().__init__()
        self.convolution, self.cell = only(projection, nn.Conv2d), cell
        self.activation = only(projection, nn.LeakyReLU)

    def forward(self, area: Tensor) -> tuple[Tensor, ...]:
        """(1, 3, R + 2, S), rows above and below included -> (map (R, S, C),) or (map, cells)."""
        weight, bias = self.convolution.weight, self.convolution.bias
        y = F.conv2d(area, weight, bias, padding=(0, 1))
        return _map_and_cells(self.activation(y), self.cell)


class Down(nn.Module):
    """The convolution that halves a map, on a strip of it where it sees no further."""

    def __init__(self, downsample: nn.Module, cell: int) -> None:
        """`cell` as in `Cells`, 0: no cells."""
        super().__init__()
        self.convolution, self.cell = only(downsample, nn.Conv2d), cell

    def forward(self, fine: Tensor) -> tuple[Tensor, ...]:
        """(H, W, c) -> (map (H/2, W/2, C),) or (map, cells)."""
        return _map_and_cells(self.convolution(fine.permute(2, 0, 1)[None]), self.cell)


def _map_and_cells(y: Tensor, cell: int) -> tuple[Tensor, ...]:
    """(1, C, H, W) -> (H, W, C) and its cells.

    Beside a convolution, whose blocks of channels ONNX Runtime pools without reordering them.
    """
    out = y.permute(0, 2, 3, 1)[0]
    if not cell:
        return (out,)
    moments = [F.avg_pool2d(m, cell) for m in (y, y * y)]
    return out, torch.cat(moments, 1).permute(0, 2, 3, 1)[0]


class Up(nn.Module):
    """The transposed convolution 2x2 as two products per row, one for each row it makes."""

    weight: Tensor
    bias: Tensor

    def __init__(self, upsample: nn.Module, cell: int) -> None:
        """`cell` as in `Cells`, 0: no cells."""
        super().__init__()
        deconv = only(upsample, nn.ConvTranspose2d)
        self.register_buffer("weight", deconv.weight.detach().permute(2, 0, 3, 1).flatten(2))
        assert deconv.bias is not None  # noqa: S101 - for the type checker
        self.register_buffer("bias", deconv.bias.detach().repeat(2))
        self.cells = Cells(cell) if cell else None

    def forward(self, *coarse: Tensor) -> tuple[Tensor, ...]:
        """Maps (H, W, c) -> (map (2H, 2W, C),) or (map, cells)."""
        x = torch.cat(coarse, 2) if len(coarse) > 1 else coarse[0]
        height, width, _ = x.shape
        y = x[:, None] @ self.weight[None] + self.bias  # (H, 2, W, 2 C)
        out = y.reshape(2 * height, 2 * width, -1)
        return (out, self.cells(out)) if self.cells else (out,)


class Predict(nn.Module):
    """A predictor to one logit per attention window, above 0 where it is blurred."""

    def __init__(self, predictor: nn.Module, size: int, *, shifted: bool) -> None:
        """`size`: M."""
        super().__init__()
        self.predictor, self.size, self.shifted = predictor, size, shifted

    def forward(self, *parts: Tensor) -> Tensor:
        """Cells (2H/M, 2W/M, 2c) of each map, or the maps (H, W, c) themselves -> (H/M, W/M)."""
        if isinstance(self.predictor, LightPredictor):
            halves = [part.chunk(2, 2) for part in parts]
            moments = [torch.cat(m, 2) for m in zip(*halves, strict=True)]
            logits = self.predictor.from_moments(*(self._pooled(m, 2)[None] for m in moments))[0]
            return logits[..., 0] - logits[..., 1]
        assert isinstance(self.predictor, ConfidencePredictor)  # noqa: S101 - there are two
        x = torch.cat(parts, 2)
        per_token = self.predictor.of_tokens(x[None])[0]
        return self._pooled(per_token[..., :1] - per_token[..., 1:], self.size)[..., 0]

    def _pooled(self, x: Tensor, side: int) -> Tensor:
        """Means of side x side, on the block's grid: (H, W, C) -> (H/side, W/side, C)."""
        if self.shifted:
            half = side // 2
            x = torch.cat([x[half:], x[:half]])
            x = torch.cat([x[:, half:], x[:, :half]], 1)
        return mean_pool(x, side)


class Block(nn.Module):
    """A block on N attention windows, with the constants of its attention made beforehand.

    One product for q, k and v, scaled before.
    """

    bias: Tensor
    masks: Tensor | None
    weight: Tensor
    weight_bias: Tensor

    def __init__(self, block: WindowBlock, size: int, *, shifted: bool, cells: bool) -> None:
        """`size`: M; `cells`: whether to give those of its windows."""
        super().__init__()
        attention, mlp = block.attn, block.mlp
        depthwise = only(mlp.dwconv, nn.Conv2d)
        self.block, self.mlp, self.depthwise, self.proj = block, mlp, depthwise, attention.proj
        self.size, self.heads, self.gives_cells = size, attention.heads, cells
        tokens = size * size
        bias = attention.relative_position_bias_table[attention.relative_position_index.reshape(-1)]
        bias = bias.detach().reshape(tokens, tokens, self.heads).permute(2, 0, 1).contiguous()
        self.register_buffer("bias", bias)
        self.register_buffer("masks", attention.shift_masks[:, None] if shifted else None)
        q, kv = (only(attention.qkv[name], nn.Linear) for name in ("to_q", "to_kv"))
        scale = (q.out_features // self.heads) ** -0.5
        weight = torch.cat([q.weight * scale, kv.weight]).detach()
        self.register_buffer("weight", weight.T.contiguous())
        self.register_buffer("weight_bias", torch.cat([q.bias * scale, kv.bias]).detach())

    def forward(self, *inputs: Tensor) -> tuple[Tensor, ...]:
        """Maps' tokens (N, T, c) and, where the grid is shifted, edges (N,) -> tokens, cells."""
        parts, edges = (inputs[:-1], inputs[-1]) if self.masks is not None else (inputs, None)
        k = torch.cat(parts, 2) if len(parts) > 1 else parts[0]  # (N, T, C)
        a = self.block.norm1(k)
        if self.block.modulator is not None:
            a = a + self.block.modulator.weight
        k = k + self._attend(a, edges)
        k = k + self._feed_forward(self.block.norm2(k))
        out = torch.split(k, [part.shape[2] for part in parts], 2) if len(parts) > 1 else (k,)
        return (*out, *(self._cells(part) for part in out if self.gives_cells))

    def _attend(self, a: Tensor, edges: Tensor | None) -> Tensor:
        n, tokens, c = a.shape
        q, k, v = (
            part.reshape(n, tokens, self.heads, c // self.heads).transpose(1, 2)
            for part in torch.split(a @ self.weight + self.weight_bias, c, 2)
        )  # (N, heads, T, d)
        logits = q @ k.transpose(2, 3) + self.bias
        if self.masks is not None and edges is not None:
            logits = logits + self.masks[edges]
        y = logits.softmax(3) @ v
        return self.proj(y.transpose(1, 2).reshape(n, tokens, c))

    def _feed_forward(self, x: Tensor) -> Tensor:
        n, tokens, _ = x.shape
        wide, filters = self.size + 2, self.depthwise
        y = (
            self.mlp.linear1(x)[:, self.mlp.reflected]
            .reshape(n, wide, wide, -1)
            .permute(0, 3, 1, 2)
        )
        y = F.gelu(F.conv2d(y, filters.weight, filters.bias, groups=filters.groups))
        return self.mlp.linear2(y.permute(0, 2, 3, 1).reshape(n, tokens, -1))

    def _cells(self, x: Tensor) -> Tensor:
        """(N, T, c) -> (N, 4, 2c)."""
        n, _, c = x.shape
        half = self.size // 2
        moments = [m.reshape(n, 2, half, 2, half, c).mean((2, 4)) for m in (x, x * x)]
        return torch.cat(moments, 3).reshape(n, 4, 2 * c)


class Leave(nn.Module):
    """Output projection, gate and residual on a square of the picture with a border of 1.

    The 3x3 convolution as one of 4x4 and stride 2 that gives four pixels at once: four channels
    alone would leave three quarters of a vector empty.
    """

    weight: Tensor
    bias: Tensor

    def __init__(
        self, output: nn.Module, gate_floor: float, cell_px: int = 0, doubt: float = 0.0
    ) -> None:
        """`output`: holds the projection to 3 residuals and a gate.

        `cell_px`: the gate's mean logit over so many pixels, less `doubt`, is asked for as well.
        """
        super().__init__()
        projection = only(output, nn.Conv2d)
        weight = projection.weight.detach()
        wide = weight.new_zeros(4, 4, weight.shape[1], 4, 4)  # (4, phase, C, 4, 4)
        for phase in range(4):
            y, x = divmod(phase, 2)
            wide[:, phase, :, y : y + 3, x : x + 3] = weight
        assert projection.bias is not None  # noqa: S101 - for the type checker
        self.register_buffer("weight", wide.flatten(0, 1))
        self.register_buffer("bias", projection.bias.detach().repeat_interleave(4))
        self.gate_floor, self.cell_px, self.doubt = gate_floor, cell_px, doubt

    def forward(self, *inputs: Tensor) -> tuple[Tensor, ...]:
        """Maps (t+2, t+2, c) and the picture (3, t, t) -> (3, t, t), and logits per cell."""
        *parts, picture = inputs
        x = torch.cat(parts, 2).permute(2, 0, 1)[None]
        y = F.pixel_shuffle(F.conv2d(x, self.weight, self.bias, stride=2), 2)[0]  # (4, t, t)
        residual, gate = torch.split(y, [3, 1])
        pixels = picture + residual * gate.sigmoid().clamp(min=self.gate_floor)
        if not self.cell_px:
            return (pixels,)
        return pixels, F.avg_pool2d(gate[None], self.cell_px)[0, 0] - self.doubt


class Look(nn.Module):
    """The coarse detector's probabilities: (1, 3, H, W) -> (H/8, W/8)."""

    def __init__(self, look: nn.Module) -> None:
        """`look`: gives logits (B, H/8, W/8)."""
        super().__init__()
        self.look = look

    def forward(self, area: Tensor) -> Tensor:
        """See the class."""
        return self.look(area)[0].sigmoid()
