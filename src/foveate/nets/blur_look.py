"""The coarse look: whether any pixel of a cell of 32 x 32 is blurred, for 1/200 of LMD-ViT's cost.

Ours, not the paper's. A part of a picture without a blurred cell never enters the network.
"""

from __future__ import annotations

from torch import Tensor, nn

SLOPE = 0.1


class BlurLook(nn.Module):
    """Convolutions that halve the picture five times: (B, 3, H, W) RGB 0..1 -> (B, H/32, W/32).

    The result is a logit, positive where a pixel of the cell is blurred; H and W are multiples of
    32. 600 MACs per pixel with 16 features. A cell sees `reach_px` around itself, and no further.
    """

    cell_px = 32
    reach_px = 56

    def __init__(self, features: int) -> None:
        """`features`: channels at a quarter of the resolution."""
        super().__init__()
        c = features
        widths = [c // 2, c, 2 * c, 2 * c, 3 * c, 3 * c, 4 * c]
        strides = [2, 2, 2, 1, 2, 1, 2]
        layers: list[nn.Module] = []
        for before, after, stride in zip([3, *widths], widths, strides, strict=False):
            kernel = 5 if before == 3 else 3
            layers += [
                nn.Conv2d(before, after, kernel, stride, kernel // 2),
                nn.LeakyReLU(SLOPE),
            ]
        self.layers = nn.Sequential(*layers, nn.Conv2d(widths[-1], 1, 1))

    def forward(self, blurry: Tensor) -> Tensor:
        """(B, 3, H, W) -> (B, H/32, W/32) logits."""
        logits: Tensor = self.layers(blurry - 0.5)[:, 0]
        return logits
