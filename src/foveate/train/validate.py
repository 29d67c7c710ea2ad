"""PSNR-Y of a net on the photos held out of training, bicubic beside it."""

from __future__ import annotations

import numpy as np
import torch

from foveate.media.resample import imresize
from foveate.metrics.psnr import psnr_y
from foveate.nets.build import Net
from foveate.train.card_window import restore
from foveate.train.patches import Photos


@torch.no_grad()
def validate(net: Net, photos: Photos) -> tuple[float, float]:
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
