"""Photos in memory and patches of them; a batch is a function of (seed, rank, step)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from foveate.errors import FoveateError, InputError
from foveate.media.reader import read_pixels
from foveate.media.resample import imresize
from foveate.train.degrade import crop_to_multiple, shrink, spoil
from foveate.train.drawings import draw
from foveate.train.recipe import DataSettings

Pixels = NDArray[np.uint8]
SUFFIXES = {".jpg", ".jpeg", ".png", ".webp", ".tif", ".tiff"}
LARGEST_SHARE = 6.0  # one photo is drawn at most this often, in units of the mean photo


class Photos:
    """All photos of a recipe, decoded once: HR and its clean LR, uint8 RGB.

    Photos smaller than a patch are left out; `names` says which stayed, `count` how many. Each is
    followed by its shrunk copies, all of them by drawings of ours. The first folder's first
    `validation` photos are held out.

    Raises:
        InputError: no usable photo in the folders.
    """

    def __init__(self, settings: DataSettings, scale: int) -> None:
        """Reads and shrinks every photo."""
        self.settings, self.scale, self.count = settings, scale, 0
        self.names: list[str] = []
        self.hr: list[Pixels] = []
        self.lr: list[Pixels] = []
        self.held_out: list[tuple[Pixels, Pixels]] = []
        for path in _find_photos(settings.folders):
            try:
                pixels = read_pixels(path)
            except FoveateError:
                continue  # a folder of photos may hold anything else
            hr = crop_to_multiple(_as_rgb8(pixels), scale)
            if min(hr.shape[:2]) < settings.patch * scale:
                continue
            if len(self.held_out) < settings.validation:
                self.held_out.append((shrink(hr, scale), hr))
                continue
            self.count += 1
            self._add(path.name, hr)
            for factor in settings.shrunk:
                height, width = (round(length * factor) for length in hr.shape[:2])
                copy = crop_to_multiple(imresize(hr, height, width), scale)
                if min(copy.shape[:2]) >= settings.patch * scale:
                    self._add(f"{path.name} x {factor:g}", copy)
        if not self.hr:
            raise InputError(
                f"no photos to train on in {', '.join(settings.folders) or 'data.folders'}",
                f"none of at least {settings.patch * scale} pixels a side",
                "--set 'data.folders=[\"FOLDER\"]'",
            )
        for number in range(settings.drawings):
            hr = draw(np.random.default_rng((1, number)))
            self._add(f"drawing {number}", crop_to_multiple(hr, scale))
        area = np.array([lr.shape[0] * lr.shape[1] for lr in self.lr], float)
        area = np.minimum(area, area.mean() * LARGEST_SHARE)
        self.share = area / area.sum()
        if settings.degrade == "photo":
            random = np.random.default_rng(0)
            self.held_out = [(spoil(lr, random), hr) for lr, hr in self.held_out]

    def _add(self, name: str, hr: Pixels) -> None:
        self.names.append(name)
        self.hr.append(hr)
        self.lr.append(shrink(hr, self.scale))


class PatchSource:
    """Draws batches; `batch(step)` is the same whenever and however often it is asked."""

    def __init__(self, photos: Photos, seed: int, rank: int = 0) -> None:
        """Different ranks of one run draw different patches."""
        self.photos, self.seed, self.rank = photos, seed, rank
        self._spoilt_for = -1
        self._lr = photos.lr

    def batch(self, step: int) -> tuple[Tensor, Tensor]:
        """LR (N, 3, P, P) and HR (N, 3, sP, sP), float32 RGB 0..1, each turned 1 of 8 ways."""
        settings, scale = self.photos.settings, self.photos.scale
        if settings.degrade == "photo":
            self._spoil(step // settings.refresh)
        random = np.random.default_rng((self.seed, self.rank, step))
        size = settings.patch
        lr = np.empty((settings.batch, size, size, 3), np.uint8)
        hr = np.empty((settings.batch, size * scale, size * scale, 3), np.uint8)
        chosen = random.choice(len(self._lr), settings.batch, p=self.photos.share)
        for i, photo in enumerate(chosen):
            small, large = self._lr[photo], self.photos.hr[photo]
            top = random.integers(small.shape[0] - size + 1)
            left = random.integers(small.shape[1] - size + 1)
            turn = int(random.integers(8))
            lr[i] = _turn(small[top : top + size, left : left + size], turn)
            top, left = top * scale, left * scale
            hr[i] = _turn(large[top : top + size * scale, left : left + size * scale], turn)
        return _as_tensor(lr), _as_tensor(hr)

    def _spoil(self, round_: int) -> None:
        """Draws new noise and JPEG qualities for every photo, once per round."""
        if round_ != self._spoilt_for:
            random = np.random.default_rng((self.seed, 1 << 32, self.rank, round_))
            self._lr = [spoil(lr, random) for lr in self.photos.lr]
            self._spoilt_for = round_


def _find_photos(folders: tuple[str, ...]) -> Iterator[Path]:
    for folder in folders:
        root = Path(folder).expanduser()
        if not root.is_dir():
            raise InputError(f"cannot read photos from {folder}", "not a folder")
        yield from sorted(p for p in root.rglob("*") if p.suffix.lower() in SUFFIXES)


def _as_rgb8(pixels: NDArray[np.uint8 | np.uint16]) -> Pixels:
    if pixels.dtype == np.uint16:
        pixels = (pixels >> 8).astype(np.uint8)
    if pixels.shape[2] < 3:
        pixels = pixels[..., [0, 0, 0]]
    return np.ascontiguousarray(pixels[..., :3], np.uint8)


def _turn(patch: Pixels, turn: int) -> Pixels:
    if turn & 1:
        patch = patch[:, ::-1]
    if turn & 2:
        patch = patch[::-1]
    return patch.swapaxes(0, 1) if turn & 4 else patch


def _as_tensor(pixels: Pixels) -> Tensor:
    # The permuted view is channels-last in memory, which is what the convolutions like best.
    return torch.from_numpy(pixels).permute(0, 3, 1, 2).float() / 255
