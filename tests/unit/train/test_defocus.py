"""Out of focus: light spreads as a disk and none is lost; how far goes with the depth."""

import numpy as np
import pytest

from foveate.train.blur.defocus import RADIUS_PX, defocus, disk
from foveate.train.blur.exposure import Response
from pictures import photo


@pytest.mark.parametrize("radius", [0.4, 1.0, 2.5, 6.0])
def test_a_disk_is_round_and_of_its_radius(radius):
    weights = disk(radius)
    assert (weights == weights[::-1]).all()
    assert (weights == weights.T).all()
    assert weights.sum() == pytest.approx(1, abs=1e-6)
    assert 1 / weights.max() == pytest.approx(np.pi * radius**2, rel=0.1, abs=0.6)


def test_a_point_becomes_a_disk_in_its_place(monkeypatch):
    monkeypatch.setattr("foveate.train.blur.defocus.ALL_OVER", 1)
    light = np.zeros((41, 53, 3), np.float32)
    light[20, 30] = 1
    soft = defocus(light, np.random.default_rng(3))
    radius = np.exp(np.random.default_rng(3).uniform(*np.log(RADIUS_PX)))
    reach = len(disk(radius)) // 2
    there = soft[20 - reach : 21 + reach, 30 - reach : 31 + reach, 0]
    assert np.abs(there - disk(radius)).max() < 1e-6
    assert soft.sum() == pytest.approx(3, abs=1e-4)


def test_light_is_kept_and_only_becomes_softer():
    light = Response().decode(photo(96, 120))
    for seed in range(8):
        soft = defocus(light, np.random.default_rng(seed))
        assert (soft.shape, soft.dtype) == (light.shape, np.float32)
        assert soft.mean() == pytest.approx(light.mean(), rel=0.02)
        assert np.abs(np.diff(soft, axis=1)).mean() < np.abs(np.diff(light, axis=1)).mean()


def test_some_are_soft_all_over_and_some_keep_what_is_in_focus():
    light = np.zeros((96, 96, 3), np.float32)
    light[::2] = 1
    shares = [
        (np.abs(defocus(light, np.random.default_rng(seed)) - light) > 0.01).mean()
        for seed in range(40)
    ]
    assert 0.1 < np.mean(np.array(shares) > 0.99) < 0.9
    assert any(0.05 < share < 0.95 for share in shares)
    assert RADIUS_PX[0] < RADIUS_PX[1]
