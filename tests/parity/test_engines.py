"""One suite for every engine: what a session promises, however it computes."""

import contextlib
import subprocess
import sys
import threading
from importlib.util import find_spec

import numpy as np
import pytest

from foveate.engine.check import check_session, check_window
from foveate.engine.fake import FakeSession
from foveate.engine.onnxruntime_session import OnnxRuntimeSession
from foveate.engine.open import open_session
from foveate.engine.openvino_session import OpenVinoSession
from foveate.errors import ModelError, ResourceError
from strategies import TINY, make_card, noise

CARD = make_card()
REAL = {"onnxruntime": OnnxRuntimeSession, "openvino": OpenVinoSession}
SIZES = [(2, 2), (2, 40), (40, 2), (16, 16), (34, 62)]


def batch(height, width, count=1, seed=0):
    pictures = [noise(height, width, 3, "float32", seed + i) for i in range(count)]
    return np.ascontiguousarray(np.stack(pictures).transpose(0, 3, 1, 2))


def opened(engine, threads=1):
    return contextlib.closing(open_session(CARD, TINY, engine=engine, threads=threads))


@pytest.fixture(params=["fake", *REAL])
def name(request):
    if request.param == "openvino" and find_spec("openvino") is None:
        pytest.skip("openvino is not installed")
    return request.param


@pytest.fixture
def session(name):
    opened = FakeSession(CARD) if name == "fake" else open_session(CARD, TINY, engine=name)
    with contextlib.closing(opened):
        yield opened


@pytest.fixture(params=REAL)
def real(request):
    if request.param == "openvino" and find_spec("openvino") is None:
        pytest.skip("openvino is not installed")
    return request.param


def test_it_says_its_name_and_card(session, name):
    assert session.name.split()[0] == name
    assert session.card == CARD


@pytest.mark.parametrize("size", SIZES)
def test_any_multiple_comes_out_scaled_finite_and_float32(session, size):
    sr = session.run(batch(*size))
    assert sr.shape == (1, 3, 2 * size[0], 2 * size[1])
    assert sr.dtype == np.float32
    assert np.isfinite(sr).all()


def test_the_result_looks_like_the_input(session):
    check_session(session)
    lr = check_window(32)
    assert np.abs(session.run(lr).mean() - lr.mean()) < 0.05


def test_the_same_window_gives_the_same_bits_between_others(session):
    first = session.run(batch(16, 16))
    for size in SIZES:
        session.run(batch(*size, seed=5))
    assert (session.run(batch(16, 16)) == first).all()


def test_the_result_is_the_callers_to_keep_and_change(session):
    first = session.run(batch(16, 16))
    kept = first.copy()
    session.run(batch(16, 16, seed=3))
    assert (first == kept).all()
    first[...] = -1
    assert (session.run(batch(16, 16)) == kept).all()


def test_the_input_is_not_changed(session):
    lr = batch(16, 16)
    kept = lr.copy()
    session.run(lr)
    assert (lr == kept).all()


def test_windows_of_a_batch_do_not_mix(session):
    together = session.run(batch(16, 12, count=3))
    for i in range(3):
        alone = session.run(batch(16, 12, seed=i))[0]
        assert np.abs(together[i] - alone).max() < 1e-5


def test_two_sessions_in_two_threads_do_not_mix(session, name):
    other = FakeSession(CARD) if name == "fake" else open_session(CARD, TINY, engine=name)
    expected = [session.run(batch(24, 24, seed=i)) for i in (0, 1)]
    wrong = []

    def work(own, index):
        wrong.extend(
            i for i in range(30) if (own.run(batch(24, 24, seed=index)) != expected[index]).any()
        )

    threads = [threading.Thread(target=work, args=pair) for pair in ((session, 0), (other, 1))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    other.close()
    assert not wrong


def test_a_closed_session_can_be_closed_but_not_used(session):
    session.close()
    session.close()
    with pytest.raises(RuntimeError, match="closed"):
        session.run(batch(4, 4))


def test_threads_change_nothing_visible(real):
    with opened(real, threads=2) as two, opened(real) as one:
        difference = np.abs(two.run(batch(64, 64)) - one.run(batch(64, 64)))
    assert difference.max() < 1e-5


def test_engines_agree(real):
    with opened(real) as session, opened("onnxruntime") as reference:
        for size in SIZES:
            difference = np.abs(session.run(batch(*size)) - reference.run(batch(*size)))
            assert difference.max() < 1e-5, f"{difference.max()} at {size}"


@pytest.mark.parametrize("damage", ["missing", "empty", "cut", "text", "folder"])
def test_damaged_weights_are_refused_by_name(real, tmp_path, damage):
    path = tmp_path / "w.onnx"
    data = {"empty": b"", "cut": TINY.read_bytes()[:9000], "text": b"not a model"}.get(damage)
    if damage == "folder":
        path.mkdir()
    elif data is not None:
        path.write_bytes(data)
    with pytest.raises(ModelError, match=r"weights .*w\.onnx") as caught:
        open_session(CARD, path, engine=real)
    assert "\n" not in str(caught.value)


def test_a_model_of_another_kind_is_refused(real, tmp_path):
    # Same length, so that the file stays a valid one: the output gets another name.
    path = tmp_path / "w.onnx"
    path.write_bytes(TINY.read_bytes().replace(b"\x02sr", b"\x02xy"))
    with pytest.raises(ModelError, match="must map lr to sr"):
        open_session(CARD, path, engine=real)


def test_an_engine_error_while_running_is_ours(real):
    refusal = pytest.raises(ModelError, match=rf"{real} .* cannot run tiny_x2\.test")
    with opened(real) as session, refusal:
        session.run(np.zeros((1, 5, 8, 8), np.float32))


def test_openvino_refuses_cuda():
    with pytest.raises(ResourceError, match="CPU only"):
        OpenVinoSession(CARD, TINY, threads=1, device="cuda")


def test_nothing_is_written_anywhere_and_nothing_connects(real, tmp_path):
    # Any connection attempt raises; a damaged file makes runtimes talkative.
    program = f"""
import os, socket, sys
def refuse(*_, **__): raise SystemExit("a connection or a process was tried")
socket.socket.connect = socket.create_connection = socket.getaddrinfo = refuse
import subprocess, multiprocessing.process
subprocess.Popen.__init__ = multiprocessing.process.BaseProcess.start = os.fork = refuse
sys.path[:0] = {sys.path!r}
from pathlib import Path
import numpy as np
from foveate.engine.open import open_session
from foveate.errors import ModelError
from strategies import TINY, make_card
session = open_session(make_card(), TINY, engine={real!r})
session.run(np.zeros((1, 3, 8, 8), np.float32))
session.close()
try:
    open_session(make_card(), Path(sys.executable), engine={real!r})
except ModelError:
    pass
assert not [name for name in sys.modules if name.startswith("openvino_telemetry")], "telemetry"
"""
    done = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        check=False,
        env={"HOME": str(tmp_path), "PATH": "/usr/bin:/bin"},
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")
    assert not list(tmp_path.iterdir())
