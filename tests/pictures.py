"""Pictures for tests that go through files: made, written and read without foveate."""

from pathlib import Path
from typing import Any

import numpy as np
import pyvips
from numpy.typing import NDArray

Pixels = NDArray[Any]


def photo(height: int, width: int, bands: int = 3, dtype: str = "uint8", seed: int = 7) -> Pixels:
    """(H, W, bands) that looks like a photo to a network: soft shapes, edges, a little noise."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:height, :width].astype(np.float32)
    planes = []
    for band in range(bands):
        soft = np.sin(x / (9 + 3 * band) + band) * np.cos(y / (11 - 2 * band))
        edge = ((x * (1 + band) + 2 * y) % 61 < 30) * 0.3
        planes.append(0.45 + 0.22 * soft + edge - 0.15 + rng.normal(0, 0.01, x.shape))
    unit = np.clip(np.stack(planes, -1), 0, 1)
    if dtype == "float32":
        return unit.astype(np.float32)
    return (unit * np.iinfo(dtype).max).astype(dtype)


def as_vips(pixels: Pixels) -> pyvips.Image:
    """(H, W, C) uint8 or uint16 pixels as an image that knows its colours."""
    image = pyvips.Image.new_from_array(np.ascontiguousarray(pixels))
    kinds = {(1, 1): "b-w", (3, 1): "srgb", (1, 2): "grey16", (3, 2): "rgb16"}
    colours = 1 if image.bands < 3 else 3
    return image.copy(interpretation=kinds[colours, pixels.dtype.itemsize])


def write_picture(path: Path, pixels: Pixels, profile: str = "", **fields: Any) -> Path:
    """Writes (H, W, C) pixels with a built-in colour profile ("p3") and metadata fields."""
    image = as_vips(pixels)
    if profile:
        fields["icc-profile-data"] = built_in_profile(profile)
    types = pyvips.GValue
    for name, value in fields.items():
        kind = {bytes: types.blob_type, int: types.gint_type, str: types.gstr_type}[type(value)]
        image.set_type(kind, name, value)
    image.write_to_file(str(path))
    return path


def built_in_profile(name: str) -> bytes:
    """The bytes of a colour profile that libvips carries."""
    return pyvips.Operation.call("profile_load", name)


def read_picture(path: Path) -> Pixels:
    """(H, W, C) pixels as stored; EXIF orientation is not applied."""
    pixels = pyvips.Image.new_from_buffer(path.read_bytes(), "").numpy()
    return pixels[:, :, None] if pixels.ndim == 2 else pixels


def header(path: Path) -> pyvips.Image:
    """The file's facts: `get("exif-data")`, `interpretation`, ..."""
    return pyvips.Image.new_from_buffer(path.read_bytes(), "")
