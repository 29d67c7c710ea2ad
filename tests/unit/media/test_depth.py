import numpy as np
import pytest

from foveate.media.depth import convert_depth, widen_to_16


def test_depth_conversion_keeps_black_white_and_order():
    deep = np.arange(65536, dtype=np.uint16)
    shallow = np.empty(65536, np.uint8)
    convert_depth(deep, shallow)
    assert shallow[0] == 0
    assert shallow[-1] == 255
    assert (np.diff(shallow.astype(int)) >= 0).all()
    assert np.abs(shallow * 257.0 - deep).max() <= 128.5
    back = np.empty(256, np.uint16)
    convert_depth(np.arange(256, dtype=np.uint8), back)
    assert np.array_equal(back, np.arange(256) * 257)


@pytest.mark.parametrize("bits", [10, 12])
def test_shifted_samples_are_widened_to_full_range(bits):
    values = np.arange(1 << bits)
    wide = widen_to_16((values << (16 - bits)).astype(np.uint16), bits)
    exact = values * 65535 / ((1 << bits) - 1)
    assert np.abs(wide - exact).max() <= 0.5
