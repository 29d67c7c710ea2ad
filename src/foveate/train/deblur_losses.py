"""LMD-ViT's training losses: L1, SSIM and FFT on the picture, cross-entropy on the decisions.

Source: the losses in the authors' released code (inherited from LBAG, arXiv 2204.08179): weights
1, 1 and 0.1. The pruning loss is named in the paper but was not released; its form here is ours. So
are the losses of gate and look, and PSNR (`log_mse`), which can stand in for L1.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import msgspec
import torch
from torch import Tensor
from torch.nn import functional as F

from foveate.nets.attention_windows import window_labels
from foveate.nets.lmdvit import Decision, Restored

TAPS, SIGMA, C1, C2 = 11, 1.5, 0.01**2, 0.03**2  # SSIM, range 1

LEAST_MSE = 1e-4  # 40 dB

# (restored, sharp, weight or None) -> (B,)
Term = Callable[[Tensor, Tensor, Tensor | None], Tensor]


class DeblurLossSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Weights and options of `deblur_loss`.

    Attributes:
        l1: weight of the mean absolute difference.
        log_mse: weight of the mean squared difference's logarithm: PSNR, in which a picture that is
            nearly sharp counts as much as one far from it.
        ssim: weight of -SSIM.
        fft: weight of the mean modulus of the spectra's difference.
        pruning: weight of the decisions' cross-entropy (ours; the authors' is not known); 0 where
            the coarse look decides, which has a loss of its own.
        blurred: a pixel weighs 1 + `blurred` * mask in L1, MSE and SSIM; 0: all alike.
        shift: each picture's term is the least over shifts of the sharp one by -1, 0, 1 px in x and
            y, for pairs that do not lie exactly on each other.
        share: see `window_labels`.
        gate: weight of the gate's cross-entropy against the mask, where it has the last word; its
            gradient in the body is 20 to 80 times that of L1 at equal weights.
        look: weight of the coarse look's; 0 leaves the look as it is.
    """

    l1: float = 1.0
    log_mse: float = 0.0
    ssim: float = 1.0
    fft: float = 0.1
    pruning: float = 0.1
    blurred: float = 0.0
    shift: bool = False
    share: float = 0.0
    gate: float = 0.003
    look: float = 1.0


class DeblurLoss(NamedTuple):
    """The weighted sum and its unweighted terms, means over the batch; not the look's.

    A term of weight 0 is not computed and is 0.
    """

    total: Tensor
    l1: Tensor
    log_mse: Tensor
    ssim: Tensor
    fft: Tensor
    pruning: Tensor
    gate: Tensor


def deblur_loss(
    result: Restored, sharp: Tensor, mask: Tensor, settings: DeblurLossSettings
) -> DeblurLoss:
    """The training loss of one batch; the total can be negative, as -SSIM is.

    Args:
        result: what the net gave; its picture is taken unclamped.
        sharp: (B, 3, H, W) RGB 0..1.
        mask: (B, 1, H, W), above 0 where the blurry picture is blurred.
        settings: weights.
    """
    restored = result.restored.to(sharp.dtype)
    weight = 1 + settings.blurred * (mask > 0).to(sharp.dtype) if settings.blurred else None
    weights = (settings.l1, settings.log_mse, settings.ssim, settings.fft)
    l1, log_mse, ssim, fft = (
        least_over_shifts(term, restored, sharp, weight, shift=settings.shift).mean()
        if share
        else torch.zeros(())
        for share, term in zip(weights, (l1_term, log_mse_term, ssim_term, fft_term), strict=True)
    )
    pruning = gate = torch.zeros(())
    if settings.pruning:
        pruning = pruning_loss(result.decisions, mask, settings.share)
    if settings.gate and result.last is not None:
        gate = gate_loss(result, mask)
    total = settings.l1 * l1 + settings.log_mse * log_mse
    total = total + settings.ssim * ssim + settings.fft * fft
    total = total + settings.pruning * pruning + settings.gate * gate
    return DeblurLoss(total, l1, log_mse, ssim, fft, pruning, gate)


def l1_term(restored: Tensor, sharp: Tensor, weight: Tensor | None = None) -> Tensor:
    """(B,) mean absolute difference of (B, C, H, W), weighted by (B, 1, H, W) where given."""
    return _weighted_mean((restored - sharp).abs(), weight)


def log_mse_term(restored: Tensor, sharp: Tensor, weight: Tensor | None = None) -> Tensor:
    """(B,) natural logarithm of the mean squared difference of (B, C, H, W) in 0..1, weighted.

    `LEAST_MSE` is added, so that pictures without blur do not have the last word.
    Source: the PSNR loss of HINet (arXiv 2105.06086) and NAFNet (arXiv 2204.04676).
    """
    return (_weighted_mean((restored - sharp).square(), weight) + LEAST_MSE).log()


def ssim_term(restored: Tensor, sharp: Tensor, weight: Tensor | None = None) -> Tensor:
    """(B,) -SSIM of (B, C, H, W) in 0..1, each channel by itself, where the 11x11 Gaussian fits.

    The weight of a pixel is that of the Gaussian's centre.
    """
    x, y = restored, sharp
    mean_x, mean_y, xx, yy, xy = _blur(torch.cat([x, y, x * x, y * y, x * y], 1)).chunk(5, 1)
    means, squares = mean_x * mean_y, mean_x**2 + mean_y**2
    score = (2 * means + C1) * (2 * (xy - means) + C2)
    score = score / ((squares + C1) * (xx + yy - squares + C2))
    edge = TAPS // 2
    inner = None if weight is None else weight[..., edge:-edge, edge:-edge]
    return -_weighted_mean(score, inner)


def fft_term(restored: Tensor, sharp: Tensor, _: Tensor | None = None) -> Tensor:
    """(B,) mean modulus of the difference of the unnormalised half spectra; never weighted."""
    return torch.fft.rfft2(restored - sharp).abs().mean((1, 2, 3))


def least_over_shifts(
    term: Term, restored: Tensor, sharp: Tensor, weight: Tensor | None = None, *, shift: bool
) -> Tensor:
    """(B,) the term, or with `shift` its least over nine shifts of `sharp`, border reflected.

    Deviation: the weight stays where it is (whether the authors' moves is not known).
    """
    if not shift:
        return term(restored, sharp, weight)
    height, width = sharp.shape[2:]
    wide = F.pad(sharp, (1, 1, 1, 1), mode="reflect")
    terms = [
        term(restored, wide[..., y : y + height, x : x + width], weight)
        for y in range(3)
        for x in range(3)
    ]
    return torch.stack(terms).amin(0)


def pruning_loss(decisions: list[Decision], mask: Tensor, share: float = 0.0) -> Tensor:
    """Cross-entropy of each predictor's logits against the mask at window resolution, averaged.

    Args:
        decisions: the net's, each with logits (B, rows, columns, 2), class 0 keeps.
        mask: (B, 1, H, W), above 0 where blurred.
        share: see `window_labels`.
    """
    terms = []
    for decision in decisions:
        labels = window_labels(mask, decision.size_px, decision.shift_px, share)
        logits = decision.logits.float().flatten(0, 2)  # (B rows columns, 2)
        terms.append(F.cross_entropy(logits, 1 - labels.flatten().long()))
    return torch.stack(terms).mean()


def gate_loss(result: Restored, mask: Tensor) -> Tensor:
    """Cross-entropy of the gate's logits, (B, H/8, W/8), where the finest blocks computed."""
    assert result.last is not None  # noqa: S101 - the caller saw to it
    logits, decision = result.last.float(), result.decisions[-1]
    cell_px = mask.shape[2] // logits.shape[1]
    terms = F.binary_cross_entropy_with_logits(
        logits, window_labels(mask, cell_px, 0), reduction="none"
    )
    computed = F.interpolate(decision.keep[:, None].float(), logits.shape[1:])[:, 0]
    computed = torch.roll(computed, (decision.shift_px // cell_px,) * 2, (1, 2))
    return (terms * computed).sum() / computed.sum().clamp(min=1)


def look_loss(logits: Tensor, mask: Tensor) -> Tensor:
    """Cross-entropy of the coarse look, (B, H/8, W/8), against the mask: any pixel counts."""
    labels = window_labels(mask, mask.shape[2] // logits.shape[1], 0)
    return F.binary_cross_entropy_with_logits(logits.float(), labels)


def psnr(restored: Tensor, sharp: Tensor, mask: Tensor | None = None) -> Tensor:
    """(B,) decibels over all pixels, or over those of a (B, 1, H, W) mask; both clamped to 0..1.

    NaN for an empty mask. Source: PSNR and PSNR_w of the authors' evaluation.
    """
    error = (restored.clamp(0, 1) - sharp.clamp(0, 1)).square()
    if mask is None:
        return -10 * error.mean((1, 2, 3)).log10()
    # The authors' PSNR_w divides by the sum of the mask over three channels.
    return -10 * ((error * mask).sum((1, 2, 3)) / mask.expand_as(error).sum((1, 2, 3))).log10()


def _weighted_mean(values: Tensor, weight: Tensor | None) -> Tensor:
    if weight is None:
        return values.mean((1, 2, 3))
    total = weight.sum((1, 2, 3)).clamp(min=1)  # an empty mask gives 0, not NaN
    return (values * weight).sum((1, 2, 3)) / total / values.shape[1]


def _blur(x: Tensor) -> Tensor:
    """(B, C, H, W) -> (B, C, H - 10, W - 10): 11x11 Gaussian, rows and columns in turn."""
    # float32 taps whatever the dtype, as the authors have them.
    offsets = torch.arange(TAPS, dtype=torch.float32) - TAPS // 2
    taps = torch.exp(-offsets.square() / (2 * SIGMA**2))
    taps = (taps / taps.sum()).to(x).expand(x.shape[1], 1, 1, TAPS)
    x = F.conv2d(x, taps, groups=x.shape[1])
    return F.conv2d(x, taps.transpose(2, 3), groups=x.shape[1])
