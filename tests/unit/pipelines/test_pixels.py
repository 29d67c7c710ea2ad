"""Arrays in, arrays out."""

import gc
import inspect
import threading
import time

import numpy as np
import pytest

import foveate
from foveate.engine.fake import FakeSession
from foveate.errors import UsageError
from strategies import make_card, noise


@pytest.fixture
def model(tiny):
    with foveate.open_model(tiny, threads=2) as opened:
        yield opened


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32"])
@pytest.mark.parametrize("bands", [1, 2, 3, 4])
def test_shape_type_and_input_are_kept(model, dtype, bands):
    pixels = noise(33, 41, bands, dtype)
    before = pixels.copy()
    out = model.upscale(pixels)
    assert (out.shape, out.dtype, out.flags.c_contiguous) == ((66, 82, bands), pixels.dtype, True)
    assert np.array_equal(pixels, before)


def test_a_plane_stays_a_plane(model):
    pixels = noise(21, 30, 1)
    assert np.array_equal(model.upscale(pixels[:, :, 0]), model.upscale(pixels)[:, :, 0])


def test_types_agree_up_to_their_own_rounding(model):
    eight = noise(30, 40)
    out = model.upscale(eight).astype(float)
    sixteen = model.upscale(eight.astype(np.uint16) * 257)
    unit = model.upscale(eight.astype(np.float32) / np.float32(255))
    assert np.abs(sixteen / 257 - out).max() <= 0.5 + 1 / 257
    assert np.abs(unit.astype(float) * 255 - out).max() <= 0.5 + 1e-3
    assert len(np.unique(unit)) > 1000
    assert unit.min() >= 0
    assert unit.max() <= 1


@pytest.mark.parametrize("view", [np.s_[::-1], np.s_[:, ::2], np.s_[3:20, 5:33]])
def test_views_and_read_only_arrays_are_taken(model, view):
    pixels = noise(30, 40)
    pixels.flags.writeable = False
    assert np.array_equal(model.upscale(pixels[view]), model.upscale(pixels[view].copy()))


@pytest.mark.parametrize(
    "wrong",
    [
        np.zeros((4, 4, 5), np.uint8),
        np.zeros((4, 0, 3), np.uint8),
        np.zeros((4,), np.uint8),
        np.zeros((2, 4, 4, 3), np.uint8),
        np.zeros((4, 4, 3), np.float64),
        np.zeros((4, 4, 3), np.int16),
        np.zeros((4, 4, 3), np.bool_),
        np.full((4, 4, 3), np.nan, np.float32),
        np.full((4, 4, 3), np.inf, np.float32),
    ],
    ids=lambda array: f"{array.dtype}{array.shape}",
)
def test_other_arrays_are_refused(model, wrong):
    with pytest.raises(UsageError, match="cannot enlarge an array"):
        model.upscale(wrong)


def test_the_function_is_the_class_for_one_picture(tiny, model):
    pixels = noise(25, 31)
    assert np.array_equal(foveate.upscale(pixels, model=tiny), model.upscale(pixels))
    assert np.array_equal(foveate.upscale(pixels, 2, str(tiny)), model.upscale(pixels))
    with pytest.raises(UsageError, match="does not enlarge 3 times"):
        foveate.upscale(pixels, 3, tiny)


def test_threads_and_memory_do_not_change_a_bit(tiny):
    pixels = noise(70, 90, 4)
    results = []
    for threads, memory in ((1, 256 << 20), (2, 1 << 30), (3, 4 << 30)):
        with foveate.open_model(tiny, threads=threads, memory_bytes=memory) as opened:
            results.append(opened.upscale(pixels))
    assert all(np.array_equal(results[0], other) for other in results[1:])


def test_a_closed_model_says_so_and_may_be_closed_again(tiny):
    opened = foveate.open_model(tiny)
    opened.close()
    opened.close()
    with pytest.raises(UsageError, match="is closed"):
        opened.upscale(noise(4, 4))


def test_a_self_ensemble_does_not_know_left_from_right(tiny):
    pixels = noise(12, 16)  # one window

    def mirrored(**options):
        return foveate.upscale(pixels[::-1, ::-1], model=tiny, **options)[::-1, ::-1]

    def apart(**options):
        one = foveate.upscale(pixels, model=tiny, **options)
        return np.abs(one.astype(int) - mirrored(**options)).max()

    assert apart(self_ensemble=4) <= 1 < apart()


def test_a_self_ensemble_has_one_run_or_two_or_four(tiny):
    with pytest.raises(UsageError, match="--self-ensemble 3 is not possible; hint: use 1, 2 or 4"):
        foveate.open_model(tiny, self_ensemble=3)


@pytest.mark.parametrize("number", [{"threads": 0}, {"threads": -1}, {"memory_bytes": 0}])
def test_numbers_below_one_are_refused(tiny, number):
    with pytest.raises(UsageError, match="start at 1"):
        foveate.open_model(tiny, **number)


def test_two_models_in_two_threads_and_two_callers_of_one(tiny, model):
    pixels = [noise(60, 80, seed=seed) for seed in range(4)]
    expected = [model.upscale(p) for p in pixels]
    results: dict[int, np.ndarray] = {}
    with foveate.open_model(tiny, threads=1) as other:

        def work(index):
            results[index] = (model if index % 2 else other).upscale(pixels[index])

        threads = [threading.Thread(target=work, args=(index,)) for index in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert all(np.array_equal(results[index], expected[index]) for index in range(4))


def test_callers_of_one_model_take_turns(monkeypatch, tiny):
    def slow(sr):
        time.sleep(0.002)
        return sr

    def open_sessions(_card, _path, count, **_):  # these refuse two callers at a time
        return [FakeSession(make_card(), slow) for _ in range(count)]

    monkeypatch.setattr("foveate.pipelines.pixels.open_sessions", open_sessions)
    pixels, results = noise(40, 50), []
    with foveate.open_model(tiny, threads=2) as opened:
        threads = [
            threading.Thread(target=lambda: results.append(opened.upscale(pixels)))
            for _ in range(3)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert len(results) == 3


def test_closing_lets_go_of_every_session(monkeypatch, tiny):
    made = []

    def open_sessions(_card, _path, count, **_):
        made.extend(FakeSession(make_card()) for _ in range(count))
        return made[-count:]

    monkeypatch.setattr("foveate.pipelines.pixels.open_sessions", open_sessions)
    with foveate.open_model(tiny, threads=3) as opened:
        assert [session.is_closed for session in made] == [False] * 3
    assert [session.is_closed for session in made] == [True] * 3
    assert not any(made[0] in gc.get_referents(value) for value in vars(opened).values())


def test_what_is_no_array_is_refused():
    for picture in ([[1, 2], [3, 4]], None, "photo.png"):
        with pytest.raises(UsageError, match="use a NumPy array"):
            foveate.upscale(picture)
        with pytest.raises(UsageError, match="use a NumPy array"):
            foveate.deblur(picture)


def test_floats_in_another_range_are_refused():
    pixels = np.linspace(-0.1, 1.1, 8 * 8, dtype=np.float32).reshape(8, 8)  # a little over
    assert foveate.upscale(pixels).max() <= 1
    for scaled in (pixels * 255, pixels * 20 - 19):
        with pytest.raises(UsageError, match="float32 goes from 0 to 1; hint: divide by"):
            foveate.upscale(scaled)


def test_exported_names_are_pinned():
    assert foveate.__all__ == [
        "DeblurOptions",
        "DeblurReport",
        "Deblurred",
        "FoveateError",
        "InputError",
        "ModelError",
        "OpenModel",
        "OutputError",
        "PartialFailure",
        "Plan",
        "Report",
        "ResourceError",
        "RestoreReport",
        "UpscaleOptions",
        "UsageError",
        "deblur",
        "deblur_file",
        "make_plan",
        "open_model",
        "restore_file",
        "upscale",
        "upscale_file",
    ]
    assert all(getattr(foveate, name).__name__ == name for name in foveate.__all__)
    assert dir(foveate) == foveate.__all__
    with pytest.raises(AttributeError, match="no attribute 'restore'"):
        foveate.restore  # noqa: B018 - asking for it is what is tested


def test_signatures_are_what_the_documents_say():
    def names(function):
        return list(inspect.signature(function).parameters)

    assert names(foveate.upscale)[:3] == ["pixels", "scale", "model"]
    assert names(foveate.upscale_file) == ["source", "destination", "options", "on_event"]
    assert names(foveate.make_plan)[:2] == ["source", "options"]
