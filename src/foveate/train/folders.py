"""Pictures in folders: found by their headers, decoded when asked for, the latest kept."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from foveate.errors import FoveateError, InputError
from foveate.media.picture import Picture, open_picture
from foveate.media.reader import read_pixels

Pixels = NDArray[np.uint8]
SUFFIXES = {".jpg", ".jpeg", ".png", ".webp", ".tif", ".tiff"}
KEPT_BYTES = 512 * 1024 * 1024


class PictureCache:
    """Reads 8-bit pictures, and keeps those used last as far as `kept_bytes` go."""

    def __init__(self, kept_bytes: int = KEPT_BYTES) -> None:
        """Nothing read yet."""
        self._limit, self._bytes = kept_bytes, 0
        self._kept: OrderedDict[tuple[Path, int], Pixels] = OrderedDict()

    def read(self, path: Path, bands: int) -> Pixels:
        """A picture, upright; the array is shared and must not be changed.

        Args:
            path: of the file.
            bands: 1 grey (the first channel), 3 RGB, or 4 RGB and straight alpha.

        Returns:
            (H, W, bands) uint8, 0..255.

        Raises:
            InputError: it cannot be read.
        """
        key = path, bands
        if key in self._kept:
            self._kept.move_to_end(key)
            return self._kept[key]
        pixels = _with_bands(read_pixels(path), bands)
        self._kept[key] = pixels
        self._bytes += pixels.nbytes
        while self._bytes > self._limit and len(self._kept) > 1:
            self._bytes -= self._kept.popitem(last=False)[1].nbytes
        return pixels


def find_pictures(
    folders: Sequence[str | Path], least_px: int = 1, *, alpha: bool = False
) -> list[Path]:
    """Paths of all pictures in folders, searched recursively, each folder's sorted by name.

    A folder may hold anything else, which is passed over.

    Args:
        folders: at least one.
        least_px: smaller pictures are left out.
        alpha: only those that have an alpha channel.

    Raises:
        InputError: a folder is missing, or there is no such picture.
    """
    found = []
    for folder in folders:
        root = Path(folder).expanduser()
        if not root.is_dir():
            raise InputError(f"cannot read pictures from {folder}", "not a folder")
        for path in sorted(p for p in root.rglob("*") if p.suffix.lower() in SUFFIXES):
            picture = _header(path)
            if picture and min(picture.width, picture.height) >= least_px:
                found += [path] if picture.has_alpha or not alpha else []
    if not found:
        kind = "pictures with transparency" if alpha else "pictures"
        names = ", ".join(str(folder) for folder in folders) or "no folder"
        raise InputError(
            f"no {kind} in {names}", f"none of at least {least_px} pixels a side", "give another"
        )
    return found


def _header(path: Path) -> Picture | None:
    try:
        return open_picture(path)
    except FoveateError:
        return None


def _with_bands(pixels: NDArray[np.uint8 | np.uint16], bands: int) -> Pixels:
    if pixels.dtype == np.uint16:
        pixels = (pixels >> 8).astype(np.uint8)
    if bands == 1:
        return np.ascontiguousarray(pixels[..., :1], np.uint8)
    colours = pixels[..., :3] if pixels.shape[2] >= 3 else pixels[..., [0, 0, 0]]
    if bands == 3:
        return np.ascontiguousarray(colours, np.uint8)
    has_alpha = pixels.shape[2] in (2, 4)
    alpha = pixels[..., -1:] if has_alpha else np.full_like(pixels[..., :1], 255)
    return np.concatenate([colours, alpha], axis=2).astype(np.uint8)
