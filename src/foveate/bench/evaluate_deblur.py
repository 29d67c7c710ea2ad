"""Quality of a deblurring model on pairs: restored and blurry against sharp, and what was kept.

The folder holds blur/NAME, sharp/NAME and mask/NAME, where white is blurred: what `foveate
synthesize` writes.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from foveate.bench.evaluate import read_rgb
from foveate.engine.window_index import blurred_windows
from foveate.errors import InputError, UsageError
from foveate.media.reader import read_pixels
from foveate.metrics.psnr import psnr_rgb, psnr_weighted
from foveate.metrics.ssim import ssim_y

ImageU8 = NDArray[np.uint8]
Mask = NDArray[np.bool_]
WINDOW_PX = 8
MOST_DB = 100.0  # of an identical picture: infinity would be the mean of any set that has one
PROTOCOL = (
    f"8 bits, at most {MOST_DB:.0f} dB; PSNR over R, G and B, SSIM on luma, PSNR in the mask over"
    " its pixels, means per picture;"
    f" windows of {WINDOW_PX} x {WINDOW_PX}, blurred where a pixel of the mask is white"
)


class Deblurred(Protocol):
    """What the product gives: `pixels` (H, W, 3) uint8 and `mask` (H, W) bool, where it worked."""

    @property
    def pixels(self) -> ImageU8:
        """The restored picture."""

    @property
    def mask(self) -> Mask:
        """Where it may differ from the blurry one."""


@dataclass(frozen=True)
class DeblurRow:
    """Means over pictures, dB and 0..1.

    Attributes:
        name: of the model, or "blurry": the input as it came.
        images: pictures counted.
        psnr: over all samples.
        ssim: on luma.
        psnr_w: of blurred pixels, over the pictures that have some; NaN without any.
        kept: share of windows that were restored.
        precision: share of restored windows that are blurred, over all pictures; 1 for none.
        recall: share of blurred windows that were restored, over all pictures; 1 for none.
    """

    name: str
    images: int
    psnr: float
    ssim: float
    psnr_w: float
    kept: float
    precision: float
    recall: float


@dataclass(frozen=True)
class DeblurReport:
    """What `foveate evaluate` prints: the model's row, the blurry input's, and each picture's."""

    set: str
    protocol: str
    rows: tuple[DeblurRow, DeblurRow]
    pictures: tuple[DeblurRow, ...]


def evaluate_deblur(
    name: str,
    deblur: Callable[[ImageU8, Mask], Deblurred],
    data_dir: Path,
    *,
    limit: int | None = None,
) -> DeblurReport:
    """Measures `deblur` on every pair of `data_dir`, or on the first `limit` by name.

    It is given the blurry picture, and the mask for the case that it is told where to work.

    Raises:
        UsageError: the limit is below 1.
        InputError: the folder has another layout, or a picture is damaged or of another size.
    """
    if limit is not None and limit < 1:
        raise UsageError(f"--limit {limit} leaves no picture", "", "it starts at 1")
    measured: list[_Picture] = []
    for paths in _find_pairs(data_dir)[:limit]:
        blurry, sharp = (read_rgb(path) for path in paths[:2])
        mask = read_pixels(paths[2])[..., 0] > 0
        if not blurry.shape[:2] == sharp.shape[:2] == mask.shape:
            sizes = f"{blurry.shape[:2]}, {sharp.shape[:2]} and mask {mask.shape}"
            raise InputError(f"{paths[0]} does not belong to its pair", f"their sizes are {sizes}")
        result = deblur(blurry, mask)
        restored = _Scores(result.pixels, sharp, mask)
        counts = _count(_windows(result.mask), _windows(mask))
        measured.append(_Picture(paths[0].stem, restored, _Scores(blurry, sharp, mask), counts))
    pictures = [row for picture in measured for row in _rows(f"{picture.name}: {name}", [picture])]
    return DeblurReport(data_dir.resolve().name, PROTOCOL, _rows(name, measured), tuple(pictures))


class _Scores:
    """PSNR, SSIM and PSNR_w of one picture."""

    def __init__(self, pixels: ImageU8, sharp: ImageU8, mask: Mask) -> None:
        self.values = (
            min(psnr_rgb(pixels, sharp, border_px=0), MOST_DB),
            ssim_y(pixels, sharp, border_px=0),
            psnr_weighted(pixels, sharp, mask),
        )


@dataclass(frozen=True)
class _Picture:
    """Scores of the restored and of the blurry picture; windows right, kept, blurred, all."""

    name: str
    restored: _Scores
    blurry: _Scores
    counts: NDArray[np.int64]


def _rows(name: str, pictures: list[_Picture]) -> tuple[DeblurRow, DeblurRow]:
    right, kept, blurred, windows = np.sum([picture.counts for picture in pictures], axis=0)
    few = len(pictures)
    found = (kept / windows, right / kept if kept else 1.0, right / blurred if blurred else 1.0)
    nothing = (0.0, 1.0, 0.0 if blurred else 1.0)
    before = f"{name.rpartition(': ')[0]}: blurry" if ": " in name else "blurry"
    return (
        DeblurRow(name, few, *_means([p.restored for p in pictures]), *map(float, found)),
        DeblurRow(before, few, *_means([p.blurry for p in pictures]), *nothing),
    )


def _means(scores: list[_Scores]) -> tuple[float, float, float]:
    psnr, ssim, weighted = np.array([score.values for score in scores]).T
    weighted = weighted[~np.isnan(weighted)]
    return (
        float(psnr.mean()),
        float(ssim.mean()),
        float(weighted.mean()) if len(weighted) else np.nan,
    )


def _windows(mask: Mask) -> Mask:
    """Which windows hold a pixel of a mask; the picture's last ones may reach beyond it."""
    side = -(-max(mask.shape) // WINDOW_PX) * WINDOW_PX
    square = np.zeros((side, side), np.bool_)
    square[: mask.shape[0], : mask.shape[1]] = mask
    rows, columns = (-(-length // WINDOW_PX) for length in mask.shape)
    return blurred_windows(square, WINDOW_PX, 0)[:rows, :columns]


def _count(kept: Mask, blurred: Mask) -> NDArray[np.int64]:
    return np.array([(kept & blurred).sum(), kept.sum(), blurred.sum(), kept.size])


def _find_pairs(data_dir: Path) -> list[tuple[Path, Path, Path]]:
    """(blur, sharp, mask) by name; suffixes may differ."""
    folders = []
    for name in ("blur", "sharp", "mask"):
        folder = data_dir / name
        if not folder.is_dir():
            raise InputError(
                f"cannot evaluate on {data_dir}",
                f"there is no folder {name}/",
                "give blur/NAME, sharp/NAME and mask/NAME, as foveate synthesize writes them",
            )
        folders.append({path.stem: path for path in sorted(folder.iterdir()) if path.is_file()})
    blur, sharp, mask = folders
    if not blur or blur.keys() - sharp.keys() or blur.keys() - mask.keys():
        lost = sorted(blur.keys() - (sharp.keys() & mask.keys()))
        cause = f"{lost[0]} has no sharp/ or no mask/" if lost else "blur/ is empty"
        raise InputError(f"cannot evaluate on {data_dir}", cause)
    return [(path, sharp[name], mask[name]) for name, path in blur.items()]
