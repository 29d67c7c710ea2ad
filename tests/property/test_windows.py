"""Windows, threads and memory change nothing: the promise the product rests on."""

from dataclasses import replace

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from foveate.engine.fake import FakeSession
from foveate.engine.onnxruntime_session import OnnxRuntimeSession
from foveate.models.card import WindowFacts
from foveate.plan.plan import make_plan
from foveate.run.executor import run_plan
from strategies import DTYPES, TINY, TINY_REACH, RowSource, make_card, noise, sizes

WHOLE = make_card((4096, 4096))
MIB = 1 << 20


@pytest.fixture(scope="module")
def sessions():
    opened = [OnnxRuntimeSession(WHOLE, TINY, threads=1, device="cpu") for _ in range(3)]
    yield opened
    for session in opened:
        session.close()


def plan_for(pixels, card, memory=1024 * MIB, threads=1):
    height, width, bands = pixels.shape
    return make_plan(
        width,
        height,
        bands,
        pixels.dtype.name,
        card,
        memory_bytes=memory,
        threads=threads,
        decoder_bytes=0,
        encoder_bytes=0,
    )


def upscale(pixels, card, sessions, *, memory=1024 * MIB, threads=2):
    plan = plan_for(pixels, card, memory, threads)
    return np.concatenate(list(run_plan(plan, RowSource(pixels), sessions)))


def difference(a, b):
    """Largest difference in levels of 255."""
    assert a.shape == b.shape
    assert a.dtype == b.dtype
    white = 1.0 if a.dtype == np.float32 else np.iinfo(a.dtype).max
    return np.abs(a.astype(np.float64) - b).max() * 255 / white


@settings(max_examples=60)
@given(
    st.tuples(sizes(70), sizes(70)),
    st.tuples(st.integers(1, 20), st.integers(1, 20)),
    st.integers(TINY_REACH // 2, 8),
    st.tuples(st.integers(1, 4), st.sampled_from(DTYPES)),
)
def test_windowed_equals_whole(sessions, size, core, halo, samples):
    (height, width), (bands, dtype) = size, samples
    pixels = noise(height, width, bands, dtype)
    card = make_card((2 * core[0], 2 * core[1]), 2 * halo)
    windowed = upscale(pixels, card, sessions)
    whole = upscale(pixels, make_card((4096, 4096), 2 * halo), sessions)
    assert windowed.shape == (2 * height, 2 * width, bands)
    assert difference(windowed, whole) <= (1 if dtype == "uint8" else 0.01)


@pytest.mark.parametrize(("height", "width"), [(1, 1), (1, 50), (50, 1), (3, 5), (61, 47)])
def test_windowed_equals_the_bare_network_on_the_padded_picture(sessions, height, width):
    pixels = noise(height, width)
    padded = np.pad(pixels, ((0, height % 2), (0, width % 2), (0, 0)), mode="edge")
    lr = np.ascontiguousarray(padded.transpose(2, 0, 1)[None] / np.float32(255), np.float32)
    sr = np.clip(sessions[0].run(lr)[0, :, : 2 * height, : 2 * width].transpose(1, 2, 0), 0, 1)
    windowed = upscale(pixels, make_card((8, 8)), sessions)
    assert np.abs(windowed - sr * 255.0).max() <= 0.5 + 1e-3


@pytest.mark.parametrize("dtype", DTYPES)
def test_plain_enlargement_is_exact_through_any_grid(dtype):
    pixels = noise(53, 71, 4, dtype)
    card = make_card((10, 8), halo=2)
    expected = pixels.repeat(2, axis=0).repeat(2, axis=1)
    assert difference(upscale(pixels, card, [FakeSession(card)]), expected) < 1e-6


@pytest.mark.parametrize("size", [(1, 1), (7, 90), (24, 24), (25, 60), (77, 131)])
def test_a_network_of_one_shape_gets_that_shape_alone(size):
    pixels = noise(*size)
    window = WindowFacts(12, 12, 6, 1, "approximate", 0.1, minimum=24)
    card = msgspec.structs.replace(make_card(), window=window)
    shapes = set()
    session = FakeSession(card, lambda sr: shapes.add(sr.shape) or sr)
    expected = pixels.repeat(2, axis=0).repeat(2, axis=1)
    assert difference(upscale(pixels, card, [session], threads=1), expected) < 1e-6
    assert shapes == {(1, 3, 48, 48)}
    # Pixels of the picture where it has them, not repeated edges.
    sides = {(w.area.height, w.area.width) for w in plan_for(pixels, card).grid.windows()}
    assert sides == {(min(size[0], 24), min(size[1], 24))}


def test_halo_one_step_short_shows_a_seam(sessions):
    pixels = noise(64, 64)
    whole = upscale(pixels, WHOLE, sessions)
    short = upscale(pixels, make_card((16, 12), TINY_REACH - 2), sessions)
    assert difference(upscale(pixels, make_card((16, 12)), sessions), whole) <= 1
    assert difference(short, whole) > 2


@pytest.mark.parametrize("threads", [1, 2, 3])
@pytest.mark.parametrize("memory", [256 * MIB, 1024 * MIB, 4096 * MIB])
def test_memory_and_threads_change_no_bit(sessions, threads, memory):
    pixels = noise(150, 201, 4)
    card = make_card((64, 48), session_bytes_per_lr_pixel=12000)  # 65 MiB for a worker
    first = upscale(pixels, card, sessions, memory=4096 * MIB, threads=1)
    assert (upscale(pixels, card, sessions, memory=memory, threads=threads) == first).all()


@pytest.mark.parametrize("workers", [1, 2, 3])
@pytest.mark.parametrize("bands_in_flight", [1, 2, 3, 4])
def test_workers_and_bands_in_flight_change_no_bit(sessions, workers, bands_in_flight):
    pixels = noise(90, 61, 3)
    card = make_card((16, 16))
    plan = replace(plan_for(pixels, card), workers=workers, bands_in_flight=bands_in_flight)
    sr = np.concatenate(list(run_plan(plan, RowSource(pixels), sessions)))
    assert (sr == upscale(pixels, card, sessions, threads=1)).all()
