"""The training loss: one weighted sum over the difference SR - HR."""

from __future__ import annotations

import torch
from torch import Tensor

from foveate.nets.blocks import gaussian_blur
from foveate.train.recipe import LossSettings

# BT.601 luma, the channel weights of PSNR-Y, normalised to sum 1.
LUMA = torch.tensor([65.481, 128.553, 24.966]) / 219.0


def restoration_loss(sr: Tensor, hr: Tensor, settings: LossSettings, scale: int) -> Tensor:
    """Weighted mean of |d| (or d^2, times 20 to bring it to the same size) with d = SR - HR.

    Terms: `rgb` over all channels; `luma` over BT.601 luma of d, what PSNR-Y measures;
    `high_frequency` over d less its Gaussian blur (the paper's HF loss: blur is linear, so this is
    HF(SR) - HF(HR)).

    Args:
        sr: (N, 3, H, W) RGB 0..1, not clamped.
        hr: the same shape.
        settings: the weights.
        scale: SR pixels per LR pixel, which `settings.border` counts in.
    """
    d = sr.float() - hr
    if border := settings.border * scale:
        d = d[..., border:-border, border:-border]
    total = d.new_zeros(())
    if settings.rgb:
        total = total + settings.rgb * _size(d, settings)
    if settings.luma:
        total = total + settings.luma * _size(torch.einsum("nchw,c->nhw", d, LUMA), settings)
    if settings.high_frequency:
        total = total + settings.high_frequency * _size(d - gaussian_blur(d), settings)
    return total


def _size(d: Tensor, settings: LossSettings) -> Tensor:
    return d.abs().mean() if settings.power == "l1" else 20 * d.square().mean()
