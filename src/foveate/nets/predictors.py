"""Confidence predictors: which attention windows are blurred. And the decision layer after them.

Both take the block's input as attention windows (B, H/M, W/M, T, C) and give one pair of logits
for each, (B, H/M, W/M, 2): class 0 keeps (blurred), class 1 prunes.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F


class ConfidencePredictor(nn.Module):
    """The paper's: an MLP on every token, half of whose features are the mean over the picture.

    Cost per token: 2.625 C^2 + 0.5 C MACs. Averages its logits over each attention window.
    Source: LMD-ViT's confidence predictor (see lmdvit.py), read off its released code.
    """

    def __init__(self, features: int) -> None:
        """Names follow the authors' file."""
        super().__init__()
        c = features
        self.in_conv = nn.Sequential(nn.Linear(c, c), nn.GELU(), nn.LayerNorm(c), nn.Linear(c, c))
        self.out_conv = nn.Sequential(
            nn.Linear(c, c // 2),
            nn.GELU(),
            nn.Linear(c // 2, c // 4),
            nn.GELU(),
            nn.Linear(c // 4, 2),
        )

    def forward(self, windows: Tensor) -> Tensor:
        """(B, H/M, W/M, T, C) -> (B, H/M, W/M, 2) mean logits."""
        return self.of_tokens(windows).mean(3)

    def of_tokens(self, x: Tensor) -> Tensor:
        """Every token of the picture, (B, ..., C), to its own logits (B, ..., 2)."""
        local, whole = self.in_conv(x).chunk(2, -1)
        whole = whole.mean(tuple(range(1, x.ndim - 1)), keepdim=True).expand_as(local)
        return self.out_conv(torch.cat([local, whole], -1))


class LightPredictor(nn.Module):
    """Ours: the same decision from each attention window's mean and spread, and its neighbours'.

    Cost per attention window: 2 C h + 9 h^2 + 2 h MACs with h = C/4 hidden features, 0.7 % of the
    paper's. It sees one neighbour to each side and no mean over the picture, so that a part of a
    picture decides as the whole does.
    """

    def __init__(self, features: int) -> None:
        """Mean and deviation of every feature in, two logits out."""
        super().__init__()
        hidden = max(features // 4, 8)
        self.statistics = nn.Sequential(nn.Linear(2 * features, hidden), nn.GELU())
        self.around = nn.Sequential(nn.Conv2d(hidden, hidden, 3, padding=1), nn.GELU())
        self.logits = nn.Linear(hidden, 2)

    def forward(self, windows: Tensor) -> Tensor:
        """(B, H/M, W/M, T, C) -> (B, H/M, W/M, 2)."""
        # Half the time of subtracting the mean first; the 1e-4 drowns what rounding adds to it.
        return self.from_moments(windows.mean(3), (windows * windows).mean(3))

    def from_moments(self, mean: Tensor, square: Tensor) -> Tensor:
        """Mean and mean square of each attention window, (B, H/M, W/M, C), to logits as above."""
        variance = (square - mean * mean).clamp(min=0)
        y = self.statistics(torch.cat([mean, (variance + 1e-4).sqrt()], -1))
        y = self.around(y.permute(0, 3, 1, 2)).permute(0, 2, 3, 1)
        return self.logits(y)


def decide_at(logits: Tensor, threshold: float) -> Tensor:
    """1.0 where the probability of class 0 is above `threshold` (strictly), else 0.0.

    (..., 2) -> (...). The paper's inference has 0.5. Compared as logits, which is exact at 0.5.
    """
    return (logits[..., 0] - logits[..., 1] > logit_of(threshold)).to(logits.dtype)


def logit_of(threshold: float) -> float:
    """The logit that stands for a probability: 0 exactly for 0.5, infinite for 0 and 1."""
    if threshold in {0, 1}:
        return math.inf if threshold else -math.inf
    return math.log(threshold / (1 - threshold))


def decide_by_chance(logits: Tensor) -> Tensor:
    """0 or 1 drawn by the hard Gumbel-softmax, tau 1; gradients pass straight through.

    (..., 2) -> (...). The paper's training.
    """
    return F.gumbel_softmax(logits, tau=1.0, hard=True)[..., 0]
