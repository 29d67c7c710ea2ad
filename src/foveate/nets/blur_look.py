"""The coarse look: which windows of 8 x 8 pixels are blurred, for 3 % of LMD-ViT's cost.

Ours, not the paper's, whose predictors look at features inside the network: what they see depends
on what was kept before. A part of a picture without a blurred window never enters the network.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

SLOPE = 0.1


class BlurLook(nn.Module):
    """Convolutions down to a thirty-second and back up to an eighth: (B, 3, H, W) -> (B, H/8, W/8).

    RGB 0..1 in; the result is a logit, positive where a pixel of the window is blurred. H and W are
    multiples of 8. 3,050 MACs per pixel with 24 features. A window sees `reach_px` around itself,
    and no further.
    """

    cell_px = 8
    reach_px = 216

    def __init__(self, features: int) -> None:
        """`features`: channels at a quarter of the resolution."""
        super().__init__()
        c = features
        self.fine = nn.Sequential(
            *_convolution(3, c // 2, 5, 2),
            *_convolution(c // 2, c, 3, 2),
            *_convolution(c, 2 * c, 3, 2),
            *_convolution(2 * c, 2 * c, 3, 1),
            _Residual(2 * c),
        )
        self.coarse = nn.Sequential(
            *_convolution(2 * c, 3 * c, 3, 2),
            *_convolution(3 * c, 3 * c, 3, 1),
            *_convolution(3 * c, 3 * c, 3, 1),
            _Residual(3 * c),
        )
        self.coarsest = nn.Sequential(*_convolution(3 * c, 5 * c, 3, 2), _Residual(5 * c))
        self.from_coarsest = nn.Conv2d(5 * c, 3 * c, 1)
        self.from_coarse = nn.Conv2d(3 * c, 2 * c, 1)
        self.both = nn.Sequential(*_convolution(2 * c, 2 * c, 3, 1), nn.Conv2d(2 * c, 1, 1))
        for module in self.modules():
            if isinstance(module, nn.Conv2d):  # torch's own start fades within so many layers
                nn.init.kaiming_normal_(module.weight, SLOPE)
                nn.init.zeros_(module.bias)  # type: ignore[arg-type]  # it has one
        for module in self.modules():
            if isinstance(module, _Residual):
                nn.init.zeros_(module.second.weight)
        nn.init.zeros_(self.from_coarsest.weight)

    def forward(self, blurry: Tensor) -> Tensor:
        """(B, 3, H, W) -> (B, H/8, W/8) logits."""
        fine = self.fine(4 * (blurry - 0.5))  # the deviation of a photo's detail nearer to 1
        coarse = self.coarse(fine)
        coarse = coarse + _twice(self.from_coarsest(self.coarsest(coarse)), coarse)
        logits: Tensor = self.both(fine + _twice(self.from_coarse(coarse), fine))
        return logits[:, 0]

    def of_window(self, logits: Tensor, size_px: int, shift_px: int) -> Tensor:
        """(B, H/8, W/8) -> (B, H/size_px, W/size_px, 2): the largest in each attention window.

        As a predictor's logits: class 0 keeps, class 1 is 0.

        Args:
            logits: of `forward`.
            size_px: side of the attention window in pixels of the picture.
            shift_px: where the grid begins; it goes round the border.
        """
        unit = min(self.cell_px, size_px, shift_px or size_px)
        times = self.cell_px // unit
        fine = logits.repeat_interleave(times, 1).repeat_interleave(times, 2)
        fine = torch.roll(fine, (-(shift_px // unit),) * 2, (1, 2))
        largest = F.max_pool2d(fine[:, None], size_px // unit)[:, 0]
        return torch.stack([largest, torch.zeros_like(largest)], -1)


def _convolution(before: int, after: int, kernel: int, stride: int) -> list[nn.Module]:
    return [nn.Conv2d(before, after, kernel, stride, kernel // 2), nn.LeakyReLU(SLOPE)]


def _twice(coarse: Tensor, fine: Tensor) -> Tensor:
    """Twice as large, without what an odd side of `fine` was padded by."""
    return F.interpolate(coarse, scale_factor=2.0)[..., : fine.shape[2], : fine.shape[3]]


class _Residual(nn.Module):
    """Two convolutions whose result is added, nothing at first: depth costs no start."""

    def __init__(self, features: int) -> None:
        super().__init__()
        self.first = nn.Sequential(*_convolution(features, features, 3, 1))
        self.second = nn.Conv2d(features, features, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        return x + self.second(self.first(x))
