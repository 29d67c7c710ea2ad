"""What a net is worth on what is held out of training, beside what it is to beat."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch

from foveate.media.resample import imresize
from foveate.metrics.psnr import psnr_y
from foveate.nets.attention_windows import window_labels
from foveate.nets.blur_look import BlurLook
from foveate.nets.build import Upscaler
from foveate.nets.lmdvit import LMDViT
from foveate.train.blur.local_blur import Pair
from foveate.train.blur.pairs import as_batch
from foveate.train.deblur_losses import psnr
from foveate.train.export.card_window import restore
from foveate.train.patches import Photos


@torch.no_grad()
def validate(net: Upscaler, photos: Photos) -> tuple[float, float]:
    """Mean PSNR-Y (border = scale) of whole pictures, LR cut to even sizes: (net, bicubic), dB."""
    scale, scores = photos.scale, []
    for held_out, hr in photos.held_out:
        lr = held_out[: len(held_out) // 2 * 2, : held_out.shape[1] // 2 * 2]
        height, width = lr.shape[0] * scale, lr.shape[1] * scale
        x = torch.from_numpy(lr.copy()).permute(2, 0, 1)[None].float() / 255
        sr = (restore(net, x).clamp(0, 1) * 255).round().to(torch.uint8)[0].permute(1, 2, 0).numpy()
        pair = (sr, imresize(lr, height, width))
        scores.append([psnr_y(p, hr[:height, :width], border_px=scale) for p in pair])
    psnr, bicubic = np.mean(scores, axis=0)
    return float(psnr), float(bicubic)


@torch.no_grad()
def validate_deblur(net: LMDViT, pairs: Sequence[Pair], share: float) -> dict[str, float]:
    """Means over held-out pairs, dB; the predictors decide.

    `psnr_w` counts blurred pixels only, of the pairs that have some. Precision and recall are those
    of what is restored, or the finest decisions, at the mask's windows, over all pairs; those of
    `look_` are the coarse look's. No pairs, no scores.
    """
    if not pairs:
        return {}
    scores, before, after, counts = [], [], [], torch.zeros(3)
    looked = torch.zeros(3)
    for pair in pairs:
        blurry, sharp, mask = as_batch([pair])
        result = net(blurry)
        scores.append([psnr(result.restored, sharp).item(), psnr(blurry, sharp).item()])
        if mask.any():
            after.append(psnr(result.restored, sharp, mask).item())
            before.append(psnr(blurry, sharp, mask).item())
        last = result.decisions[-1]
        keep, size_px, shift_px = last.keep, last.size_px, last.shift_px
        if result.kept is not None:
            keep, size_px, shift_px = result.kept.float(), BlurLook.cell_px, 0
        labels = window_labels(mask, size_px, shift_px, share)
        counts += torch.stack([(keep * labels).sum(), keep.sum(), labels.sum()])
        if result.look is not None:
            cells = window_labels(mask, mask.shape[2] // result.look.shape[1], 0)
            told = result.look > 0
            looked += torch.stack([(told * cells).sum(), told.sum(), cells.sum()])
    psnr_db, psnr_blurry = np.minimum(np.array(scores), 99).mean(0)
    return {
        "psnr": float(psnr_db),
        "psnr_blurry": float(psnr_blurry),
        "psnr_w": float(np.mean(after)),
        "psnr_w_blurry": float(np.mean(before)),
        "precision": float(counts[0] / counts[1].clamp(min=1)),
        "recall": float(counts[0] / counts[2].clamp(min=1)),
        "look_precision": float(looked[0] / looked[1].clamp(min=1)),
        "look_recall": float(looked[0] / looked[2].clamp(min=1)),
    }
