"""Patches for the deblurring lane: made of photos and cut-outs, or cut from folders of real pairs.

A batch is a function of (seed, rank, step).
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from foveate.errors import InputError
from foveate.train.blur.estimate_mask import estimate_mask
from foveate.train.blur.local_blur import Pair, photograph
from foveate.train.blur.scenes import (
    LEAST_PHOTO_PX,
    BlurSettings,
    Scenes,
    Sources,
    draw_response,
    hold_out,
)
from foveate.train.folders import PictureCache, Pixels, find_pictures

RECOLOURED = 0.3  # share of patches whose channels change places
RELIT, GAMMA, GAIN = 0.5, 1.4, 1.5  # share of the look's patches in another light; the most, or 1 /
TWINS = 1 / 3  # share of the look's patches with the sharp picture in the blurry one's place
RETAKEN = 0.5  # share of its other patches that get new noise


class DeblurData(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where patches come from.

    Attributes:
        photos: folders of photos; none: real pairs only.
        cutouts: folders of pictures with alpha.
        pairs: folders with blur/ and sharp/ somewhere in them; see RealPairs.
        real: share of patches that come from `pairs`, where both sources are there.
        centred: share of those, where masks were drawn, that have a blurred pixel in their middle;
            half in LBAG, arXiv 2204.08179.
        patch: side in px.
        batch: patches per step and process; 0 trains the coarse look alone.
        looked: patches more that only the coarse look sees.
        blur: what made pairs are like.
        validation: number of photos held out, see `hold_out`.
        memory_mib: for decoded pictures, so that they are decoded once.
    """

    photos: tuple[str, ...] = ()
    cutouts: tuple[str, ...] = ()
    pairs: tuple[str, ...] = ()
    real: float = 0.5
    centred: float = 0.5
    patch: int = 256
    batch: int = 8
    looked: int = 0
    blur: BlurSettings = BlurSettings()
    validation: int = 16
    memory_mib: int = 512


class Batch(NamedTuple):
    """(N, 3, P, P) blurry and sharp, float32 RGB 0..1; (N, 1, P, P) mask, float32 0 or 1."""

    blurry: Tensor
    sharp: Tensor
    mask: Tensor


class DeblurPatches:
    """Draws batches; `batch(step)` is the same whenever and however often it is asked."""

    def __init__(self, settings: DeblurData, seed: int, rank: int = 0) -> None:
        """Finds the pictures; different ranks of one run draw different patches.

        Raises:
            InputError: a folder is missing or holds nothing of use, or there is none.
        """
        self._settings, self._seed, self._rank = settings, seed, rank
        self._cache = PictureCache(settings.memory_mib * 1024 * 1024)
        self._held_out: Scenes | None = None
        self.photos = 0
        self._sources: list[Scenes | RealPairs] = []
        if settings.photos:
            self._sources.append(self._find_scenes())
        if settings.pairs:
            self._sources.append(
                RealPairs(settings.pairs, settings.patch, self._cache, settings.centred)
            )
        if not self._sources:
            raise InputError(
                "no pictures to train on", "neither photos nor pairs", "name their folders"
            )

    def batch(self, step: int) -> Batch:
        """The patches of one step, turned and recoloured; those for the look come last."""
        random = np.random.default_rng((self._seed, self._rank, step))
        restored = [self._draw(random) for _ in range(self._settings.batch)]
        looked = [self._draw(random) for _ in range(self._settings.looked)]
        return as_batch([*restored, *(_to_look_at(pair, random) for pair in looked)])

    def held_out(self, count: int) -> list[Pair]:
        """Pairs made of photos and cut-outs that no batch shows, the same for every seed.

        None where pairs are not made or nothing is held out.
        """
        if not self._held_out:
            return []
        return [self._held_out.draw(np.random.default_rng(index)) for index in range(count)]

    def _find_scenes(self) -> Scenes:
        """The scenes to train on; lays some aside."""
        settings, first = self._settings, self._settings.validation
        photos = find_pictures(settings.photos, LEAST_PHOTO_PX)
        cutouts = find_pictures(settings.cutouts, alpha=True)
        taken, aside = hold_out(Sources(photos, cutouts), first)
        self._held_out = self._scenes(*aside) if first else None
        self.photos = len(taken.photos)
        return self._scenes(*taken)

    def _scenes(self, photos: Sequence[Path], cutouts: Sequence[Path]) -> Scenes:
        settings = self._settings
        return Scenes(photos, cutouts, settings.patch, settings.blur, self._cache)

    def _draw(self, random: np.random.Generator) -> Pair:
        is_real = len(self._sources) > 1 and random.random() < self._settings.real
        pair = self._sources[int(is_real)].draw(random)
        turn = int(random.integers(8))
        order = random.permutation(3) if random.random() < RECOLOURED else np.arange(3)
        blurry, sharp, mask = (_turn(part, turn) for part in pair)
        return Pair(blurry[..., order], sharp[..., order], mask)


class RealPairs:
    """Pairs in folders: blur/NAME and sharp/NAME, and mask/NAME where masks were drawn.

    The three may lie at any depth (`train/scene1/blur/`); suffixes may differ. Where there is no
    mask it is estimated on the patch.

    Args:
        folders: searched recursively.
        size: of the square patches in px; smaller pairs are left out.
        cache: where pictures are kept.
        centred: see DeblurData.

    Raises:
        InputError: a folder is missing, or there is no pair in them.
    """

    def __init__(
        self, folders: Sequence[str | Path], size: int, cache: PictureCache, centred: float
    ) -> None:
        """Finds the pairs."""
        paths = find_pictures(folders, size)
        places = {path.with_suffix(""): path for path in paths}
        self._paths: list[tuple[Path, Path, Path | None]] = []
        for place, path in places.items():
            root = place.parent.parent
            sharp = places.get(root / "sharp" / place.name)
            if place.parent.name == "blur" and sharp:
                self._paths.append((path, sharp, places.get(root / "mask" / place.name)))
        if not self._paths:
            names = ", ".join(str(folder) for folder in folders)
            cause = f"no blur/NAME with a sharp/NAME of at least {size} pixels a side"
            raise InputError(f"no pairs in {names}", cause, "give another folder")
        self._size, self._cache, self._centred = size, cache, centred

    def draw(self, random: np.random.Generator) -> Pair:
        """A patch of a random pair; where masks were drawn, perhaps around a blurred pixel.

        Raises:
            InputError: a file is damaged, or the pictures of a pair differ in size.
        """
        blurry, sharp, mask = self._read(int(random.integers(len(self._paths))))
        size, limits = self._size, np.array(blurry.shape[:2]) - self._size
        corner = random.integers(limits + 1)
        if mask is not None and random.random() < self._centred and mask.any():
            blurred = np.flatnonzero(mask)
            chosen = np.unravel_index(blurred[random.integers(len(blurred))], mask.shape)
            corner = np.clip(np.array(chosen) - size // 2, 0, limits)
        piece = tuple(slice(start, start + size) for start in corner)
        if mask is None:
            return Pair(blurry[piece], sharp[piece], estimate_mask(blurry[piece], sharp[piece]))
        return Pair(blurry[piece], sharp[piece], mask[piece])

    def _read(self, index: int) -> tuple[Pixels, Pixels, NDArray[np.bool_] | None]:
        blurry_path, sharp_path, mask_path = self._paths[index]
        blurry, sharp = (self._cache.read(path, 3) for path in (blurry_path, sharp_path))
        mask = None if mask_path is None else self._cache.read(mask_path, 1)[..., 0] > 0
        for path, part in ((sharp_path, sharp), (mask_path, mask)):
            if part is not None and part.shape[:2] != blurry.shape[:2]:
                raise InputError(f"cannot use {path}", f"{blurry_path} has another size")
        return blurry, sharp, mask


def as_batch(pairs: Sequence[Pair]) -> Batch:
    """Pairs of one size as tensors."""
    blurry, sharp = (
        torch.from_numpy(np.stack(parts)).permute(0, 3, 1, 2).float() / 255
        for parts in ([pair.blurry for pair in pairs], [pair.sharp for pair in pairs])
    )
    mask = torch.from_numpy(np.stack([pair.mask for pair in pairs]))[:, None].float()
    return Batch(blurry, sharp, mask)


def _to_look_at(pair: Pair, random: np.random.Generator) -> Pair:
    """A pair as the look is to see it; or its sharp picture, in which nothing is blurred.

    So what is shown does not tell where it is blurred: there are few pairs, and fewer cut-outs. A
    sharp picture lacks noise where the blurry one moved, and gets some.
    """
    is_twin = random.random() < TWINS
    if is_twin:
        pair = Pair(pair.sharp, pair.sharp, np.zeros_like(pair.mask))
    if is_twin or random.random() < RETAKEN:
        response = draw_response(random)
        pair = pair._replace(blurry=photograph(response.decode(pair.blurry), response, random))
    return _relit(pair, random)


def _relit(pair: Pair, random: np.random.Generator) -> Pair:
    """Perhaps in another light. The blurry picture alone: the look does not see the sharp one."""
    if random.random() >= RELIT:
        return pair
    power, gain = (limit ** random.uniform(-1, 1) for limit in (GAMMA, GAIN))
    samples = 255 * np.clip(gain * (np.arange(256) / 255) ** power, 0, 1)
    return pair._replace(blurry=np.rint(samples).astype(np.uint8)[pair.blurry])


def _turn(part: NDArray[Any], turn: int) -> NDArray[Any]:
    if turn & 1:
        part = part[:, ::-1]
    if turn & 2:
        part = part[::-1]
    return part.swapaxes(0, 1) if turn & 4 else part
