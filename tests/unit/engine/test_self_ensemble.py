"""The mean over mirror images: of an upscaling session, and of a deblurring one."""

import numpy as np
import pytest

from deblurring import AREA_PX, deblur_card
from foveate.engine.fake import FakeSession
from foveate.engine.fake_deblur import FakeDeblurSession
from foveate.engine.onnxruntime_session import OnnxRuntimeSession
from foveate.engine.open import open_deblur_sessions, open_sessions
from foveate.engine.self_ensemble import MIRRORED, DeblurEnsemble, UpscaleEnsemble
from foveate.engine.session import Interruptible
from foveate.errors import ModelError
from strategies import TINY, TINY_DEBLUR, make_card, make_deblur_card

SIDE = 64


@pytest.fixture
def one():
    (opened,) = open_deblur_sessions(make_deblur_card(), TINY_DEBLUR, 1)
    yield opened
    opened.close()


def noise(*shape, seed=0):
    return np.random.default_rng(seed).random(shape, np.float32)


def slanted(sr):
    """What no mirror image of a network does."""
    return sr * np.linspace(0.5, 1, sr.shape[3], dtype=np.float32) + np.linspace(
        0, 0.1, sr.shape[2], dtype=np.float32
    ).reshape(-1, 1)


@pytest.mark.parametrize("runs", [2, 4])
def test_an_enlargement_is_the_mean_of_its_mirror_images(runs):
    lr = noise(1, 3, 12, 16)
    session = FakeSession(make_card(), slanted)
    found = UpscaleEnsemble(session, runs).run(lr)
    each = [
        np.flip(slanted(np.flip(lr, axes).repeat(2, 2).repeat(2, 3)), axes) for axes in MIRRORED
    ]
    np.testing.assert_allclose(found, np.mean(each[:runs], 0), rtol=1e-6)
    assert session.calls == runs
    assert np.abs(found - each[0]).max() > 0.01


def test_as_many_mirror_images_as_asked_for_are_seen():
    seen = []
    session = FakeSession(make_card(), lambda sr: (seen.append(sr), sr)[1])
    lr = noise(1, 3, 12, 16)
    found = UpscaleEnsemble(session, 4).run(lr)
    corners = {tuple(sr[0, 0, [0, 0, -1, -1], [0, -1, 0, -1]]) for sr in seen}
    assert len(corners) == 4
    np.testing.assert_allclose(found, seen[0], rtol=1e-6)  # the fake mirrors as its area does


def test_opening_wraps_what_is_opened():
    plain = open_sessions(make_card(), TINY, 2)
    twice = open_sessions(make_card(), TINY, 2, self_ensemble=2)
    assert all(isinstance(session, OnnxRuntimeSession) for session in plain)
    assert all(isinstance(session, UpscaleEnsemble) for session in twice)
    assert (twice[0].name, twice[0].card) == (plain[0].name, plain[0].card)
    for session in (*plain, *twice):
        session.close()


@pytest.mark.parametrize("runs", [2, 4])
def test_the_first_run_decides_and_the_others_restore_what_it_kept(one, runs):
    area = noise(1, 3, SIDE, SIDE)
    first, found = one.run(area), DeblurEnsemble(one, runs).run(area)
    assert (found.keep == first.keep).all()
    assert (found.confidence == first.confidence).all()
    kept = first.keep.repeat(8, 0).repeat(8, 1)
    assert 0 < kept.mean() < 1
    each = [first] + [
        one.run(np.ascontiguousarray(np.flip(area, axes)), mask=np.flip(kept, axes))
        for axes in MIRRORED[1:runs]
    ]
    mirrored = [np.flip(r.pixels, axes) for r, axes in zip(each, MIRRORED, strict=False)]
    np.testing.assert_allclose(found.pixels, np.mean(mirrored, 0), rtol=1e-5, atol=1e-6)
    assert (found.pixels[:, ~kept] == area[0][:, ~kept]).all()
    assert np.abs(found.pixels - first.pixels)[:, kept].max() > 1e-4
    assert found.work == {k: sum(r.work.get(k, 0) for r in each) for k in found.work}


def test_a_mask_decides_for_every_run(one):
    mask = np.zeros((SIDE, SIDE), bool)
    mask[8:24, 40:48] = True
    area = noise(1, 3, SIDE, SIDE, seed=1)
    found = DeblurEnsemble(one, 4).run(area, mask=mask)
    assert (found.keep == mask.reshape(8, 8, 8, 8).any((1, 3))).all()
    assert (found.pixels[:, ~mask] == area[0][:, ~mask]).all()
    assert found.work["decoderlayer_0.blocks.0"] == 4 * found.keep.sum()


def test_where_nothing_is_blurred_the_network_runs_once():
    session = FakeDeblurSession(deblur_card())
    area = np.full((1, 3, AREA_PX, AREA_PX), 0.2, np.float32)
    ensemble = DeblurEnsemble(session, 4)
    assert not ensemble.run(area).keep.any()
    assert (session.runs, session.looks) == (1, 0)
    ensemble.look(area)
    assert session.looks == 1


def test_errors_and_the_end_are_the_sessions_own():
    def fail(_):
        raise ModelError("cannot run", "it is spoiled")

    session = FakeDeblurSession(deblur_card(), fail)
    ensemble = DeblurEnsemble(session, 2)
    with pytest.raises(ModelError, match="spoiled"):
        ensemble.run(np.ones((1, 3, AREA_PX, AREA_PX), np.float32))
    ensemble.give_back()
    ensemble.close()
    assert session.is_closed


def test_a_run_under_way_can_be_ended(one):
    stopped = []
    one.interrupt = lambda: stopped.append(True)
    ensemble = DeblurEnsemble(one, 2)
    assert isinstance(ensemble, Interruptible)
    ensemble.interrupt()
    assert stopped
    UpscaleEnsemble(FakeSession(make_card()), 2).interrupt()  # it cannot: nothing happens
