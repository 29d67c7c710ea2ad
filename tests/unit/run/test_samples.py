"""Samples to network values and back, beside the formulas; and the memory both work in."""

import threading

import numpy as np
import pytest

from foveate.errors import ModelError
from foveate.run.pixels import STRIP_ROWS, from_network, to_network
from foveate.run.scratch import Scratch
from strategies import DTYPES, noise

WHITE = {"uint8": 255, "uint16": 65535, "float32": 1}


@pytest.mark.parametrize("height", [1, STRIP_ROWS, 2 * STRIP_ROWS + 5])
@pytest.mark.parametrize("bands", [1, 3])
@pytest.mark.parametrize("dtype", DTYPES)
def test_what_comes_back_is_the_formula_s(dtype, bands, height):
    whole = np.random.default_rng(1).uniform(-0.2, 1.2, (bands, height + 6, 40))
    planes = whole.astype(np.float32)[:, 3 : height + 3, 5:38]  # a core within its halo
    room = np.full((height, 50, 4), 7, dtype)
    from_network(planes, room[:, 9:42, :bands])
    white, half = np.float32(WHITE[dtype]), np.float32(0 if dtype == "float32" else 0.5)
    expected = np.clip(planes * white + half, half, white + half).astype(dtype)
    assert (room[:, 9:42, :bands] == expected.transpose(1, 2, 0)).all()
    room[:, 9:42, :bands] = 7
    assert (room == 7).all()


@pytest.mark.parametrize("bands", [1, 3])
@pytest.mark.parametrize("dtype", DTYPES)
def test_what_goes_in_is_divided_and_its_edges_repeated(dtype, bands):
    area = noise(19, 23, 4, dtype)[:, 2:, :bands]
    if dtype == "float32":
        area = area * 1.5 - np.float32(0.2)
    expected = np.clip(area.astype(np.float32) / np.float32(WHITE[dtype]), 0, 1)
    expected = np.pad(expected, ((0, 9), (0, 7), (0, 0)), mode="edge").transpose(2, 0, 1)
    assert (to_network(area, 4, 28) == np.broadcast_to(expected, (1, 3, 28, 28))).all()


@pytest.mark.parametrize("dtype", DTYPES)
def test_rounding_leaves_the_network_s_result_as_it_was(dtype):
    planes = np.random.default_rng(2).random((3, 40, 9), np.float32)
    before = planes.copy()
    from_network(planes, np.empty((40, 9, 3), dtype))
    assert (planes == before).all()


@pytest.mark.parametrize("value", [2e36, -2e36])
def test_a_value_that_float32_cannot_scale_is_refused_without_a_warning(value):
    planes = np.full((1, 3, 3), value, np.float32)
    with pytest.raises(ModelError, match="NaN or infinite"):
        from_network(planes, np.empty((3, 3, 1), np.uint8))


def test_scratch_is_used_again_by_its_thread_and_by_no_other():
    scratch, others = Scratch(), []
    first = scratch.array("a", (3, 4), np.float32)
    assert np.shares_memory(first, scratch.array("a", (2, 5), np.uint16))
    assert not np.shares_memory(first, scratch.array("b", (3, 4), np.float32))
    thread = threading.Thread(target=lambda: others.append(scratch.array("a", (3, 4), np.float32)))
    thread.start()
    thread.join()
    assert not np.shares_memory(first, others[0])
    larger = scratch.array("a", (30, 4), np.float32)
    assert larger.shape == (30, 4)
    assert larger.dtype == np.float32
