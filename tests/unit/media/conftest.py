"""Small pictures for the tests of media/, made by libvips directly and not by our writer."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from pictures import as_vips


@pytest.fixture
def noise() -> Callable[..., np.ndarray]:
    """Makes (height, width, bands) samples over the full range, always the same."""

    def make(height: int, width: int, bands: int = 3, depth: int = 8) -> np.ndarray:
        dtype = np.uint8 if depth == 8 else np.uint16
        seed = [height, width, bands, depth]
        return np.random.default_rng(seed).integers(0, 1 << depth, (height, width, bands), dtype)

    return make


@pytest.fixture
def scene() -> Callable[..., np.ndarray]:
    """Makes a smooth (height, width, bands) picture, so that lossy formats stay close."""

    def make(height: int, width: int, bands: int = 3, depth: int = 8) -> np.ndarray:
        rows, columns = np.mgrid[0:height, 0:width]
        waves = [
            128 + 90 * np.sin(rows / (9 + b) + b) * np.cos(columns / (7 + b)) for b in range(4)
        ]
        picture = np.stack(waves[:bands], axis=2)
        dtype, top = (np.uint8, 1) if depth == 8 else (np.uint16, 257)
        return (picture * top).astype(dtype)

    return make


@pytest.fixture
def save(tmp_path: Path) -> Callable[..., Path]:
    """Saves pixels under a name by the libvips saver of the suffix; returns the path."""

    def do(pixels: np.ndarray, name: str = "in.png", **options: object) -> Path:
        savers = {".jpg": "jpeg", ".png": "png", ".webp": "webp", ".tif": "tiff", ".gif": "gif"}
        suffix = "." + name.rpartition(".")[2]
        saver = savers.get(suffix, "heif")
        if saver == "heif":
            options = {"compression": "av1", **options}
        path = tmp_path / name
        path.write_bytes(getattr(as_vips(pixels), f"{saver}save_buffer")(**options))
        return path

    return do
