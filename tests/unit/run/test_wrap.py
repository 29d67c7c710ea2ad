import numpy as np
import pytest

from foveate.engine.fake import FakeSession
from foveate.engine.onnxruntime_session import OnnxRuntimeSession
from foveate.plan.plan import make_plan
from foveate.run.wrap import wrapped_run
from strategies import TINY, RowSource, make_card, noise

CARD = make_card((16, 8))
AXES = [(False, False), (True, False), (False, True), (True, True)]


def upscale(pixels, session, wrap, bands_in_flight=1):
    plan = make_plan(
        pixels.shape[1], pixels.shape[0], 3, "uint8", CARD, wrap=wrap,
        memory_bytes=1 << 30, threads=bands_in_flight, decoder_bytes=0, encoder_bytes=0,
    )  # fmt: skip
    return np.concatenate(list(wrapped_run(plan, RowSource(pixels), [session])))


@pytest.fixture(scope="module")
def session():
    opened = OnnxRuntimeSession(CARD, TINY, threads=1, device="cpu")
    yield opened
    opened.close()


@pytest.mark.parametrize("wrap", AXES)
@pytest.mark.parametrize("size", [(1, 1), (3, 5), (30, 41)])
def test_nothing_but_the_picture_comes_back(wrap, size):
    pixels = noise(*size)
    sr = upscale(pixels, FakeSession(CARD), wrap)
    assert (sr == pixels.repeat(2, axis=0).repeat(2, axis=1)).all()


@pytest.mark.parametrize("wrap", AXES[1:])
def test_the_result_is_that_of_the_endless_tiling(session, wrap):
    pixels = noise(24, 32)
    copies = (3 if wrap[1] else 1, 3 if wrap[0] else 1, 1)
    tiled = upscale(np.tile(pixels, copies), session, (False, False))
    top, left = (48 if wrap[1] else 0), (64 if wrap[0] else 0)
    middle = tiled[top : top + 48, left : left + 64].astype(int)
    assert np.abs(upscale(pixels, session, wrap) - middle).max() <= 1
    assert np.abs(upscale(pixels, session, (False, False)) - middle).max() > 1


def test_the_plan_counts_the_whole_picture_for_y():
    plans = [
        make_plan(
            4000, 3000, 3, "uint8", CARD, wrap=wrap,
            memory_bytes=1 << 30, threads=1, decoder_bytes=0, encoder_bytes=0,
        )
        for wrap in AXES
    ]  # fmt: skip
    rows = [plan.memory.rows for plan in plans]
    assert rows[1] < rows[0] + 100_000
    assert rows[2] >= rows[0] + 36_000_000
