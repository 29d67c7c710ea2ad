import io

import numpy as np
import pytest

from foveate.errors import InputError
from foveate.media.picture import open_picture
from foveate.media.reader import read_pixels

pillow_heif = pytest.importorskip("pillow_heif", reason="the extra `heic` is not installed")


def heic(pixels: np.ndarray, mode: str) -> bytes:
    size = (pixels.shape[1], pixels.shape[0])
    image = pillow_heif.from_bytes(mode=mode, size=size, data=pixels.tobytes())
    stream = io.BytesIO()
    try:
        image.save(stream, quality=95)
    except RuntimeError as error:
        pytest.skip(f"this pillow-heif cannot encode: {error}")
    return stream.getvalue()


@pytest.mark.parametrize(("mode", "bands"), [("L", 1), ("RGB", 3), ("RGBA", 4)])
def test_modes_are_kept(scene, mode, bands):
    pixels = scene(64, 80, bands)
    data = heic(pixels, mode)
    picture = open_picture(data)
    facts = (picture.format, picture.width, picture.height, picture.bands, picture.depth)
    assert facts == ("heic", 80, 64, bands, 8)
    assert np.abs(read_pixels(data).astype(int) - pixels).mean() < 4


def test_ten_bits_become_16_with_full_range():
    ramp = np.linspace(0, 65535, 256).astype(np.uint16)
    pixels = np.repeat(np.tile(ramp, (64, 1))[..., None], 3, axis=2)
    data = heic(pixels, "RGB;16")
    picture = open_picture(data)
    back = read_pixels(data)
    assert picture.depth == 16
    assert len(np.unique(back[32])) > 200
    white = heic(np.full((64, 80, 3), 65535, np.uint16), "RGB;16")
    assert read_pixels(white).max() == 65535, "10 bits shifted up would be 65472"


def test_too_many_pixels_are_refused_before_decoding(scene):
    with pytest.raises(InputError, match="over the limit"):
        open_picture(heic(scene(64, 80), "RGB"), max_pixels=64 * 80 - 1)
