"""Grey, alpha, depth: what each kind of sample owes to the network and what it does not."""

import numpy as np
import pytest

from foveate.engine.fake import FakeSession
from foveate.engine.onnxruntime_session import OnnxRuntimeSession
from foveate.errors import ModelError
from foveate.plan.plan import make_plan
from foveate.run.executor import run_plan
from foveate.run.pixels import from_network, to_network
from foveate.run.rows import Prepare
from strategies import DTYPES, TINY, RowSource, make_card, noise

CARD = make_card()


@pytest.fixture(scope="module")
def session():
    opened = OnnxRuntimeSession(CARD, TINY, threads=1, device="cpu")
    yield opened
    opened.close()


def upscale(pixels, session, card=CARD, prepare=None):
    plan = make_plan(
        pixels.shape[1],
        pixels.shape[0],
        pixels.shape[2],
        pixels.dtype.name,
        card,
        memory_bytes=1 << 30,
        threads=1,
        decoder_bytes=0,
        encoder_bytes=0,
    )
    return np.concatenate(list(run_plan(plan, RowSource(pixels), [session], prepare=prepare)))


@pytest.mark.parametrize("dtype", DTYPES)
def test_grey_is_what_r_g_b_gives_and_stays_grey(session, dtype):
    grey = noise(40, 37, 1, dtype)
    colour = upscale(grey.repeat(3, axis=2), session)
    assert (colour == colour[..., :1]).all()
    assert (upscale(grey, session) == colour[..., :1]).all()


def test_the_network_here_does_tint_grey(session):
    sr = session.run(to_network(noise(40, 38, 1), 2))
    assert np.abs(sr[:, 0] - sr[:, 1]).max() > 1 / 255


def test_a_grey_area_in_a_colour_picture_stays_grey_away_from_colour(session):
    pixels = noise(60, 60)
    pixels[:, :40] = pixels[:, :40, :1]
    sr = upscale(pixels, session)
    inner = sr[:, : 2 * (40 - CARD.window.halo)]
    assert (inner == inner[..., :1]).all()
    assert (sr[:, 80:] != sr[:, 80:, :1]).any()


@pytest.mark.parametrize("bands", [2, 4])
@pytest.mark.parametrize("dtype", DTYPES)
def test_even_alpha_stays_exactly_even_and_costs_nothing(bands, dtype):
    pixels = noise(40, 37, bands, dtype)
    pixels[..., -1] = pixels[0, 0, -1]
    fake = FakeSession(CARD)
    sr = upscale(pixels, fake)
    assert (sr[..., -1] == pixels[0, 0, -1]).all()
    assert fake.calls == 3 * 4


def test_opaque_stays_opaque_beside_an_edge(session):
    pixels = noise(40, 60, 4)
    pixels[..., 3] = 255
    pixels[:, 30:, 3] = 0
    alpha = upscale(pixels, session)[..., 3]
    assert (alpha[:, : 2 * (30 - CARD.window.halo)] == 255).all()
    assert (alpha[:, 2 * (30 + CARD.window.halo) :] == 0).all()


def test_alpha_is_what_the_network_makes_of_it_as_grey(session):
    pixels = noise(40, 37, 4)
    assert (upscale(pixels, session)[..., 3:] == upscale(pixels[..., 3:], session)).all()
    assert (upscale(pixels, session)[..., :3] == upscale(pixels[..., :3], session)).all()


@pytest.mark.parametrize("dtype", DTYPES)
def test_every_sample_survives_the_way_to_the_network_and_back(dtype):
    levels = {"uint8": 256, "uint16": 65536, "float32": 1000}[dtype]
    samples = np.arange(levels).reshape(1, -1, 1)
    samples = (samples / (levels - 1) if dtype == "float32" else samples).astype(dtype)
    out = np.empty_like(samples)
    from_network(to_network(samples, 1)[0, :1], out)
    assert (out == samples).all()


def test_rounding_is_half_up_and_clamped():
    planes = np.array([[[-3.0, 0.49 / 255, 0.5 / 255, 254.6 / 255, 7.0]]], np.float32)
    out = np.empty((1, 5, 1), np.uint8)
    from_network(planes, out)
    assert out.ravel().tolist() == [0, 0, 1, 255, 255]


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_a_value_that_is_no_number_is_refused(value):
    def spoil(sr):
        sr[0, 1, 20, 20] = value
        return sr

    with pytest.raises(ModelError, match="NaN or infinite"):
        upscale(noise(60, 60), FakeSession(CARD, spoil), make_card((64, 64)))


def test_a_result_of_the_wrong_size_is_refused():
    with pytest.raises(ModelError, match="not what its card says"):
        upscale(noise(20, 20), FakeSession(CARD, lambda sr: sr[..., :-2]))


@pytest.mark.parametrize("reach", [1, 5])
def test_preparation_sees_its_context_whatever_the_grid(reach):
    def apply(rows):  # each row becomes the sum of its neighbours, the picture's edge repeated
        padded = np.pad(rows.astype(np.uint16), ((reach, reach), (0, 0), (0, 0)), mode="edge")
        total = sum(padded[i : i + len(rows)] for i in range(2 * reach + 1))
        return (total // (2 * reach + 1)).astype(np.uint8)

    pixels = noise(70, 20)
    card = make_card((16, 6), halo=4)
    expected = apply(pixels).repeat(2, axis=0).repeat(2, axis=1)
    assert (upscale(pixels, FakeSession(card), card, Prepare(apply, reach)) == expected).all()
