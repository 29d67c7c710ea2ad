import numpy as np
import pytest

from foveate.colour import luma, rgb_to_ycbcr, ycbcr_to_rgb


@pytest.mark.parametrize(
    ("rgb", "y"),
    [((0, 0, 0), 16), ((255, 255, 255), 235), ((255, 0, 0), 81.481), ((0, 255, 0), 144.553)],
)
def test_luma_of_known_colours(rgb, y):
    assert luma(np.array(rgb, np.uint8)) == pytest.approx(y, abs=1e-9)


def test_grey_has_neutral_chroma():
    grey = np.repeat(np.arange(256)[:, None], 3, axis=1).astype(np.uint8)
    assert np.abs(rgb_to_ycbcr(grey)[:, 1:] - 128).max() < 1e-9


def test_there_and_back_is_the_same():
    rgb = np.random.default_rng(0).integers(0, 256, (20, 30, 3)).astype(np.uint8)
    back = ycbcr_to_rgb(rgb_to_ycbcr(rgb))
    assert np.abs(back - rgb).max() < 1e-9
    assert np.abs(rgb_to_ycbcr(rgb)[..., 0] - luma(rgb)).max() < 1e-9
