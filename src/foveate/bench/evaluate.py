"""Quality of a model on a folder of pictures: PSNR-Y and SSIM-Y, bicubic beside it.

The folder holds HR/NAME.png and, optionally, LR_bicubic/X{scale}/NAMEx{scale}.png: the layout of
the EDSR benchmark. A missing LR folder is made here by the same bicubic, bit for bit.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from foveate.errors import InputError, ModelError, UsageError
from foveate.media.jpeg import decode_jpeg_round_trip
from foveate.media.reader import read_pixels
from foveate.media.resample import imresize
from foveate.metrics.psnr import psnr_y
from foveate.metrics.ssim import ssim_y

ImageU8 = NDArray[np.uint8]
Upscale = Callable[[ImageU8], ImageU8]
LAYOUT = "DIR/HR/NAME.png, and optionally DIR/LR_bicubic/X{scale}/NAMEx{scale}.png"


@dataclass(frozen=True)
class Row:
    """Means over the pictures of one way to enlarge them: PSNR-Y in dB, SSIM-Y."""

    name: str
    images: int
    psnr_y: float
    ssim_y: float


@dataclass(frozen=True)
class Report:
    """What `foveate evaluate` prints: the model's row, then bicubic's.

    Attributes:
        set: the folder's name.
        scale: SR/LR size ratio.
        protocol: in words, how LR was made and what was measured.
        rows: the model first, then "bicubic" of the same LR.
        pictures: the same two rows for each picture, named "NAME: model" and "NAME: bicubic".
    """

    set: str
    scale: int
    protocol: str
    rows: tuple[Row, Row]
    pictures: tuple[Row, ...]


def evaluate(
    name: str,
    upscale: Upscale,
    scale: int,
    data_dir: Path,
    *,
    limit: int | None = None,
    degrade: str = "",
    on_picture: Callable[[str, int, int], None] | None = None,
) -> Report:
    """Measures `upscale` on every picture of `data_dir`, or on the first `limit` by name.

    Args:
        name: the model's name in the report.
        upscale: (H, W, 3) uint8 RGB to (scale * H, scale * W, 3) uint8 RGB: the whole product.
        scale: SR/LR size ratio.
        data_dir: the folder; its layout is told above.
        limit: at most so many pictures.
        degrade: "" or "jpeg:q=Q": LR passes through JPEG of quality Q, chroma 4:2:0, first.
        on_picture: told the picture's name, how many are done, and of how many.

    Raises:
        UsageError: `degrade` is not understood, or the limit is below 1.
        InputError: the folder has another layout, or a picture is damaged or of the wrong size.
        ModelError: `upscale` gives another size than it should.
    """
    quality = _jpeg_quality(degrade)
    if limit is not None and limit < 1:
        raise UsageError(f"--limit {limit} leaves no picture", "", "it starts at 1")
    paths, lr_dir = _find_pictures(data_dir, scale)
    paths = paths[:limit]
    rows = []
    for done, path in enumerate(paths, 1):
        hr, lr = _read_pair(path, lr_dir, scale)
        if quality is not None:
            lr = np.asarray(decode_jpeg_round_trip(lr, quality, subsample=True), np.uint8)
        sr = upscale(lr)
        if sr.shape != hr.shape:
            raise ModelError(f"{name} gave a wrong size", f"{sr.shape} instead of {hr.shape}")
        bicubic = np.asarray(imresize(lr, hr.shape[0], hr.shape[1]), np.uint8)
        for title, pixels in ((name, sr), ("bicubic", bicubic)):
            rows.append(_measure(f"{path.stem}: {title}", pixels, hr, scale))
        if on_picture:
            on_picture(path.stem, done, len(paths))
    means = (_mean(name, rows[0::2]), _mean("bicubic", rows[1::2]))
    return Report(
        data_dir.resolve().name, scale, _protocol(scale, lr_dir, quality), means, tuple(rows)
    )


def _measure(name: str, sr: ImageU8, hr: ImageU8, scale: int) -> Row:
    return Row(name, 1, psnr_y(sr, hr, border_px=scale), ssim_y(sr, hr, border_px=scale))


def _mean(name: str, rows: list[Row]) -> Row:
    psnr = sum(row.psnr_y for row in rows) / len(rows)
    return Row(name, len(rows), psnr, sum(row.ssim_y for row in rows) / len(rows))


def _protocol(scale: int, lr_dir: Path | None, quality: int | None) -> str:
    made = "LR as given" if lr_dir else "LR by MATLAB bicubic"
    jpeg = f", then JPEG quality {quality} 4:2:0" if quality is not None else ""
    return f"{made}{jpeg}; Y of BT.601 not rounded, border {scale} px, grey as R = G = B"


def _jpeg_quality(degrade: str) -> int | None:
    """The quality in "jpeg:q=75", or None for ""."""
    if not degrade:
        return None
    found = re.fullmatch(r"jpeg:q=(\d{1,3})", degrade)
    if not found or not 1 <= int(found[1]) <= 100:
        raise UsageError(f"--degrade {degrade} is not understood", "", "write jpeg:q=75")
    return int(found[1])


def _find_pictures(data_dir: Path, scale: int) -> tuple[list[Path], Path | None]:
    """The HR files by name, and the folder of this scale's LR where there is one."""
    hr_dir = data_dir / "HR"
    paths = sorted(hr_dir.glob("*.png"))
    if not paths:
        cause = "HR holds no PNG files" if hr_dir.is_dir() else "it has no folder HR"
        raise InputError(f"cannot evaluate on {data_dir}", cause, f"the layout is {LAYOUT}")
    lr_dir = data_dir / "LR_bicubic" / f"X{scale}"
    return paths, lr_dir if lr_dir.is_dir() else None


def _read_pair(path: Path, lr_dir: Path | None, scale: int) -> tuple[ImageU8, ImageU8]:
    """HR cut at right and bottom to a multiple of the scale, and its LR."""
    hr = read_rgb(path)
    height, width = hr.shape[0] // scale, hr.shape[1] // scale
    hr = hr[: height * scale, : width * scale]
    if lr_dir is None:
        return hr, np.asarray(imresize(hr, height, width), np.uint8)
    lr_path = lr_dir / f"{path.stem}x{scale}.png"
    lr = read_rgb(lr_path)
    if lr.shape[:2] != (height, width):
        raise InputError(
            f"{lr_path} does not belong to {path}",
            f"it is {lr.shape[1]}x{lr.shape[0]}, {width}x{height} was expected",
        )
    return hr, lr


def read_rgb(path: Path) -> ImageU8:
    """(H, W, 3) uint8 RGB; grey is repeated, alpha is left out."""
    pixels = read_pixels(path)
    if pixels.dtype != np.uint8:
        raise InputError(f"cannot evaluate on {path}", "it has 16 bits per sample, not 8")
    colour = pixels[..., :3] if pixels.shape[2] >= 3 else pixels[..., :1]
    return np.ascontiguousarray(np.broadcast_to(colour, (*pixels.shape[:2], 3)), np.uint8)
