"""A folder of small photos and a recipe that trains on it in seconds."""

import struct
import zlib

import numpy as np
import pytest

from foveate.atomic import write_bytes


def write_png(path, pixels):
    """A PNG without the media room: its tests must not decide ours."""
    height, width, _ = pixels.shape
    raw = b"".join(b"\0" + row.tobytes() for row in pixels)

    def chunk(name, data):
        body = name + data
        return struct.pack(">I", len(data)) + body + struct.pack(">I", zlib.crc32(body))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    parts = [chunk(b"IHDR", header), chunk(b"IDAT", zlib.compress(raw)), chunk(b"IEND", b"")]
    write_bytes(path, b"\x89PNG\r\n\x1a\n" + b"".join(parts), overwrite=True)


@pytest.fixture(autouse=True)
def one_thread():
    """Two threads wait for each other on a busy machine; nets this small gain nothing by them."""
    try:
        import torch  # noqa: PLC0415 - absent in the inference half
    except ImportError:
        return
    torch.set_num_threads(1)


@pytest.fixture(scope="session")
def photos(tmp_path_factory):
    folder = tmp_path_factory.mktemp("photos")
    for i in range(4):
        random = np.random.default_rng(i)
        coarse = random.integers(0, 256, (10, 12, 3), dtype=np.uint8)
        write_png(folder / f"{i}.png", np.kron(coarse, np.ones((8, 8, 1), np.uint8)))
    (folder / "notes.txt").write_text("not a photo")
    (folder / "broken.jpg").write_bytes(b"not a photo either")
    return folder


@pytest.fixture
def recipe(photos):
    from foveate.train.recipe import (  # noqa: PLC0415 - knows torch's settings only
        DataSettings,
        LogSettings,
        NetSettings,
        OptimiserSettings,
        Recipe,
    )

    options = {"scale": 2, "features": 8, "blocks": 1, "anchor": "bicubic", "norm": False}
    return Recipe(
        net=NetSettings(options=options),
        data=DataSettings((str(photos),), patch=16, batch=4, validation=1),
        optimiser=OptimiserSettings(steps=200, kernels="muon", kernel_rate=0.01, warmup=10),
        log=LogSettings(validate_every=100, save_every=50),
    )
