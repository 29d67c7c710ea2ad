import subprocess
import sys
import time

import numpy as np
import pytest

import foveate.engine.open as opening
from foveate.engine import openvino_session
from foveate.engine.check import check_session
from foveate.engine.fake import FakeSession
from foveate.engine.onnxruntime_session import OnnxRuntimeSession
from foveate.engine.open import available_engines, open_session, open_sessions
from foveate.engine.openvino_session import OpenVinoSession
from foveate.errors import ModelError, ResourceError, UsageError
from strategies import TINY, make_card

CARD = make_card()


def spoilt(kind):
    rng = np.random.default_rng(0)
    return {
        "black": np.zeros_like,
        "noise": lambda sr: rng.random(sr.shape, np.float32),
        "grey": lambda sr: np.full_like(sr, sr.mean()),
        "shifted": lambda sr: np.roll(sr, 16, axis=3),
        "channels swapped": lambda sr: sr[:, ::-1].copy(),
        "negative": lambda sr: 1 - sr,
        "half black": lambda sr: np.where(np.arange(sr.shape[3]) > 32, sr, 0).astype(np.float32),
        "nan": lambda sr: np.where(np.arange(sr.shape[3]) == 9, np.nan, sr).astype(np.float32),
        "too small": lambda sr: sr[:, :, :-2],
        "float64": lambda sr: sr.astype(np.float64),
    }[kind]


KINDS = (
    "black", "noise", "grey", "shifted", "channels swapped", "negative", "half black", "nan",
    "too small", "float64",
)  # fmt: skip


@pytest.mark.parametrize("kind", KINDS)
def test_garbage_fails_the_self_check(kind):
    with pytest.raises(ModelError, match="fails its self-check"):
        check_session(FakeSession(CARD, spoilt(kind)))


@pytest.mark.parametrize(("scale", "multiple"), [(1, 1), (2, 2), (3, 2), (4, 5), (2, 64)])
def test_a_right_engine_passes_for_any_card(scale, multiple):
    card = make_card((multiple, multiple), multiple, multiple, scale=scale)
    check_session(FakeSession(card))


@pytest.fixture
def engines(monkeypatch):
    """Two pretended engines: the first gives garbage."""
    opened = []

    def wrong(card, *_, **__):
        opened.append(FakeSession(card, np.zeros_like))
        return opened[-1]

    def right(card, *_, **__):
        opened.append(FakeSession(card))
        return opened[-1]

    monkeypatch.setattr(opening, "ENGINES", {"onnxruntime": wrong, "openvino": right})
    monkeypatch.setattr(opening, "_candidates", lambda _: ["onnxruntime", "openvino"])
    return opened


def test_auto_goes_on_to_the_next_engine_and_closes_the_wrong_one(engines):
    sessions = open_sessions(CARD, TINY, 3)
    assert sessions == engines[1:]
    assert [session.is_closed for session in engines] == [True, False, False, False]


def test_an_engine_asked_for_by_name_is_not_replaced(engines):
    with pytest.raises(ModelError, match="self-check"):
        open_session(CARD, TINY, engine="onnxruntime")
    assert [session.is_closed for session in engines] == [True]


def test_auto_tells_the_last_error_when_none_is_right(engines, monkeypatch):
    monkeypatch.setattr(opening, "_candidates", lambda _: ["onnxruntime"])
    with pytest.raises(ModelError, match="self-check"):
        open_session(CARD, TINY)
    assert engines[0].is_closed


def test_auto_takes_onnxruntime_first():
    session = open_session(CARD, TINY)
    assert isinstance(session, OnnxRuntimeSession)
    session.close()


@pytest.mark.parametrize("options", [{"engine": "tensorrt"}, {"device": "tpu"}])
def test_unknown_words_are_refused_with_the_known_ones(options):
    with pytest.raises(UsageError, match=r"use .*(onnxruntime|cuda)"):
        open_session(CARD, TINY, **options)


def test_absent_cuda_says_what_is_missing():
    if "cuda" in available_engines()[0].devices:
        pytest.skip("this machine has CUDA")
    with pytest.raises(ResourceError, match=r"CUDAExecutionProvider.*onnxruntime-gpu"):
        open_session(CARD, TINY, device="cuda")
    open_session(CARD, TINY, device="auto").close()


def test_absent_openvino_names_the_extra(monkeypatch):
    monkeypatch.setattr("foveate.engine.openvino_session.find_spec", lambda _: None)
    monkeypatch.setattr(
        "foveate.engine.openvino_session._library", openvino_session._library.__wrapped__
    )
    with pytest.raises(UsageError, match=r"pip install 'foveate\[openvino\]'"):
        OpenVinoSession(CARD, TINY, threads=1, device="cpu")
    assert available_engines()[1].devices == ()


def test_engines_are_named_with_versions():
    names = [engine.name for engine in available_engines()]
    assert names == list(opening.ENGINES)
    assert available_engines()[0].version


def test_opening_costs_little_beyond_the_runtime():
    open_session(CARD, TINY).close()
    times = []
    for _ in range(5):
        started = time.perf_counter()
        open_session(CARD, TINY).close()
        times.append(time.perf_counter() - started)
    assert min(times) < 0.03


def test_naming_the_room_loads_no_runtime():
    program = (
        f"import sys; sys.path[:0] = {sys.path!r}; import foveate.engine.open, foveate.run.wrap;"
        "print([m for m in ('onnxruntime', 'openvino', 'pyvips', 'torch') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True)
    assert done.stdout.strip() == b"[]"
