"""What a deblurring session promises, on a network of 64 x 64 with random weights."""

import io
import os
import subprocess
import sys
import threading
import zipfile
from functools import partial

import msgspec
import numpy as np
import pytest

from foveate.engine.deblur_graphs import Graph, Graphs
from foveate.engine.deblur_onnxruntime import OnnxRuntimeDeblurSession
from foveate.engine.open import open_deblur_sessions
from foveate.engine.session import Interrupted
from foveate.errors import ModelError, ResourceError, UsageError
from strategies import TINY_DEBLUR, make_deblur_card

CARD = make_deblur_card()
SIDE = 64


def area(seed=0):
    """Noise whose contrast rises to the right: the tiny network keeps some of it."""
    noise = np.random.default_rng(seed).random((1, 3, SIDE, SIDE), np.float32)
    return noise * np.linspace(0, 1, SIDE, dtype=np.float32)


@pytest.fixture
def session():
    (opened,) = open_deblur_sessions(CARD, TINY_DEBLUR, 1)
    yield opened
    opened.close()


def same(one, other):
    pairs = zip(one.stages, other.stages, strict=True)
    return (one.pixels == other.pixels).all() and all(
        (a.keep == b.keep).all() and (a.confidence == b.confidence).all() for a, b in pairs
    )


def pixels_of(windows, size):
    return windows.repeat(size, 0).repeat(size, 1)


def test_shapes_types_and_names_are_the_protocols(session):
    result = session.run(area())
    assert (session.name.split()[0], session.card) == ("onnxruntime", CARD)
    assert (result.pixels.shape, result.pixels.dtype) == ((3, SIDE, SIDE), np.float32)
    assert (result.keep.shape, result.keep.dtype) == ((8, 8), bool)
    assert (result.confidence.shape, result.confidence.dtype) == ((8, 8), np.float32)
    assert [(s.block, s.size_px, s.shift_px, s.keep.shape) for s in result.stages] == [
        ("encoderlayer_0.blocks.0", 8, 0, (8, 8)),
        ("conv.blocks.0", 16, 0, (4, 4)),
        ("conv.blocks.1", 16, 8, (4, 4)),
        ("decoderlayer_0.blocks.0", 8, 0, (8, 8)),
    ]
    assert (result.keep == result.stages[-1].keep).all()
    assert all(0 < stage.keep.mean() < 1 for stage in result.stages), "the case decides nothing"


def test_the_look_is_a_probability_per_window(session):
    look = session.look(area())
    assert (look.shape, look.dtype) == ((8, 8), np.float32)
    assert ((look > 0) & (look < 1)).all()


def test_the_look_takes_larger_areas_and_sees_the_same_in_them(session):
    whole = np.random.default_rng(3).random((1, 3, 128, 640), np.float32)
    look, part = session.look(whole), session.look(np.ascontiguousarray(whole[..., :512]))
    assert (look.shape, part.shape) == ((16, 80), (16, 64))
    seen = (512 - 216) // 8  # windows that do not see where the part ends
    np.testing.assert_allclose(look[:, :seen], part[:, :seen], atol=1e-6)
    assert np.abs(look[:, seen:64] - part[:, seen:]).max() > 1e-6


def test_pixels_change_in_kept_windows_only(session):
    given = area()
    result = session.run(given)
    changed = (result.pixels != given[0]).any(0)
    kept = pixels_of(result.keep, 8)
    assert not changed[~kept].any()
    assert changed[kept].mean() > 0.9


@pytest.mark.parametrize("threshold", [0.3, 0.5, 0.52])
def test_a_window_is_kept_when_its_confidence_is_above_the_threshold(session, threshold):
    for stage in session.run(area(), threshold=threshold).stages:
        sure = np.abs(stage.confidence - threshold) > 1e-6
        assert (stage.keep == (stage.confidence > threshold))[sure].all(), stage.block


@pytest.mark.parametrize("seed", range(4))
def test_a_mask_decides_in_the_predictors_place(session, seed):
    random = np.random.default_rng(seed)
    mask = random.random((SIDE, SIDE)) > [0.999, 0.99, 0.9, 0.5][seed]
    for stage in session.run(area(), mask=mask).stages:
        size, shift = stage.size_px, stage.shift_px
        for row, column in np.ndindex(stage.keep.shape):
            y = (np.arange(size) + row * size + shift) % SIDE
            x = (np.arange(size) + column * size + shift) % SIDE
            assert stage.keep[row, column] == mask[np.ix_(y, x)].any(), (stage.block, row, column)
        assert ((stage.confidence > 0) & (stage.confidence < 1)).all()


def test_with_nothing_kept_no_block_runs_and_the_area_comes_back(session, monkeypatch):
    ran = []

    def spy(graph, **inputs):
        ran.append(graph)
        return real(graph, **inputs)

    session.run(area())  # its self-check is over
    real = Graph.__call__
    monkeypatch.setattr(Graph, "__call__", spy)
    given = area()
    result = session.run(given, mask=np.zeros((SIDE, SIDE), bool))
    assert all("logit" in graph.outputs for graph in ran), "something ran beside the predictors"
    assert len(ran) == len(result.stages)
    assert (result.pixels == given[0]).all()
    assert not result.keep.any()


def graph_names():
    with zipfile.ZipFile(TINY_DEBLUR) as file:
        names = [name.removesuffix(".onnx") for name in file.namelist()]
    return [name for name in names if ".blocks." in name and not name.endswith("predict")]


@pytest.mark.parametrize("name", graph_names())
def test_a_window_has_the_same_bits_alone_and_among_others(name):
    block = Graphs(TINY_DEBLUR, CARD.id, "cpu")[name]
    random = np.random.default_rng(0)
    maps = {k: s for k, s in block.inputs.items() if k != "edges"}
    batch = next(iter(maps.values()))[0]
    inputs = {key: random.standard_normal(shape).astype(np.float32) for key, shape in maps.items()}
    edges = np.arange(batch) % 4
    together = block(**inputs, **({"edges": edges} if "edges" in block.inputs else {}))
    for i in range(batch):
        for place in range(batch):
            alone = {key: np.zeros_like(value) for key, value in inputs.items()}
            for key, value in inputs.items():
                alone[key][place] = value[i]
            where = {"edges": np.full(batch, edges[i])} if "edges" in block.inputs else {}
            for key, value in block(**alone, **where).items():
                assert (value[place] == together[key][i]).all(), (key, i, place)


def test_what_is_kept_elsewhere_does_not_change_a_window_of_the_first_block(session):
    """Only the first stage: later ones see through the convolutions what was restored before."""
    one, many = np.zeros((2, SIDE, SIDE), bool)
    one[8:16, 8:16] = True
    many[8:16, 8:16] = many[40:] = many[:, 50:] = True
    session.run(area())  # its self-check is over
    seen = []
    real = session._make

    def spy(name, sources, wanted):
        if name == "down_0":
            seen.append(sources["fine"].copy())
        return real(name, sources, wanted)

    session._make = spy
    for mask in (one, many):
        session.run(area(), mask=mask)
    alone, among = seen
    assert (alone[8:16, 8:16] == among[8:16, 8:16]).all()
    assert (alone[40:] != among[40:]).any()


def test_runs_leave_nothing_behind(session):
    first = session.run(area())
    kept = first.pixels.copy()
    session.run(area(1), mask=np.ones((SIDE, SIDE), bool))
    session.look(area(2))
    assert (first.pixels == kept).all()
    assert same(session.run(area()), first)


def test_the_input_is_not_changed(session):
    given = area()
    session.run(given, mask=np.ones((SIDE, SIDE), bool))
    assert (given == area()).all()


def test_two_sessions_in_two_threads_give_the_bits_of_one(session):
    two = open_deblur_sessions(CARD, TINY_DEBLUR, 2)
    expected = [session.run(area(seed)) for seed in (0, 1)]
    wrong = []

    def work(own, seed):
        wrong.extend(i for i in range(10) if not same(own.run(area(seed)), expected[seed]))

    threads = [threading.Thread(target=work, args=pair) for pair in zip(two, (0, 1), strict=True)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for opened in two:
        opened.close()
    assert not wrong


def test_an_interrupted_run_ends_at_its_next_graph_and_the_next_one_is_whole(session, monkeypatch):
    whole, calls, call = session.run(area()), [], Graph.__call__

    def counted(graph, **inputs):
        calls.append(graph)
        if len(calls) == 2:
            session.interrupt()
        return call(graph, **inputs)

    monkeypatch.setattr(Graph, "__call__", counted)
    with pytest.raises(Interrupted):
        session.run(area())
    assert len(calls) == 2
    assert same(session.run(area()), whole)


def test_a_session_that_failed_is_closed_all_the_same(session, monkeypatch):
    class Broken:
        def run(self, *_):
            raise RuntimeError("bad_alloc: no memory")

    session.look(area())
    monkeypatch.setattr(session._graphs["look"], "_inner", Broken())
    with pytest.raises(ResourceError, match="ran out of memory"):
        session.look(area())
    session.close()


def test_a_closed_session_can_be_closed_but_not_used(session):
    session.close()
    session.close()
    for use in (session.run, session.look):
        with pytest.raises(RuntimeError, match="closed"):
            use(area())


def test_a_device_that_takes_no_bound_arrays_gives_the_same(session):
    """Where arrays cannot be bound (CUDA copies them at once) they are copied."""
    plain = OnnxRuntimeDeblurSession(CARD, TINY_DEBLUR)
    for graph in plain._graphs.values():
        graph._binding = None
    assert same(plain.run(area()), session.run(area()))


def rewritten(folder, change=dict, compression=zipfile.ZIP_STORED):
    """The tiny model with entries changed: `change` maps {name: bytes} to the new one."""
    with zipfile.ZipFile(TINY_DEBLUR) as file:
        entries = {name: file.read(name) for name in file.namelist()}
    path = folder / "w.zip"
    with zipfile.ZipFile(path, "w", compression) as file:
        for name, data in change(entries).items():
            file.writestr(name, data)
    return path


def wrong(name, entries):
    values = np.load(io.BytesIO(entries[name]))
    values.flat[5] += 0.01
    buffer = io.BytesIO()
    np.save(buffer, values)
    return entries | {name: buffer.getvalue()}


DAMAGES = {
    "without a predictor": (
        lambda e: {k: v for k, v in e.items() if k != "conv.blocks.1.predict.onnx"},
        "lacks conv.blocks.1.predict",
    ),
    "without what decides": (
        lambda e: {k: v for k, v in e.items() if not k.endswith(("predict.onnx", "look.onnx"))},
        "lacks look",
    ),
    "without exit": (lambda e: {k: v for k, v in e.items() if k != "exit.onnx"}, "lacks exit"),
    "without its check": (
        lambda e: {k: v for k, v in e.items() if k != "network.npy"},
        "lacks network",
    ),
    "a foreign entry": (lambda e: e | {"../x.py": b""}, r"holds '\.\./x\.py'"),
    "a pickle": (
        lambda e: e | {"network.npy": b"\x93NUMPY\x01\x00v\x00{'descr': '|O', }"},
        "w.zip",
    ),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_model_is_refused_by_name(tmp_path, damage):
    change, words = DAMAGES[damage]
    with pytest.raises(ModelError, match=words) as caught:
        open_deblur_sessions(CARD, rewritten(tmp_path, change), 1)
    assert "\n" not in str(caught.value)


LATER = {  # what shows when it is first used, and what use that is
    "a graph that is none": (lambda e: e | {"enter.onnx": b"no"}, "run", "cannot load weights"),
    "a look that is none": (lambda e: e | {"look.onnx": b"no"}, "look", "cannot load weights"),
    "another result": (partial(wrong, "network.npy"), "run", "fails its self-check"),
    "another look": (partial(wrong, "look.npy"), "look", "fails its self-check"),
}


@pytest.mark.parametrize("damage", LATER)
def test_a_part_that_is_damaged_is_refused_before_it_gives_anything(tmp_path, damage):
    change, use, words = LATER[damage]
    (session,) = open_deblur_sessions(CARD, rewritten(tmp_path, change), 1)
    for _ in range(2):  # and not let through the second time
        with pytest.raises(ModelError, match=words):
            getattr(session, use)(area())


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="no /proc to measure by")
def test_what_a_look_took_is_given_back():
    """Measured in a process that does no more; what stays are the weights."""
    script = """
import numpy as np
from foveate.engine.open import open_deblur_sessions
from strategies import TINY_DEBLUR, make_deblur_card
def resident(): return int(open("/proc/self/statm").read().split()[1]) * 4096
(session,) = open_deblur_sessions(make_deblur_card(), TINY_DEBLUR, 1)
session.look(np.zeros((1, 3, 64, 64), np.float32))
before = resident()
session.look(np.zeros((1, 3, 2048, 2048), np.float32))
print(resident() - before)
session.give_back()
print(resident() - before)
"""
    done = subprocess.run(
        [sys.executable, "-c", script], check=True, capture_output=True, text=True,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
    )  # fmt: skip
    taken, kept = (int(line) / 2**20 for line in done.stdout.split())
    print(f"{taken:.0f} MiB taken, {kept:.0f} kept")
    assert taken > 50
    assert kept < taken / 10


def test_what_is_not_used_is_not_loaded(session):
    session.look(area())
    session.give_back()
    assert list(session._graphs._loaded) == ["look"]


def test_a_compressed_model_is_refused(tmp_path):
    """A few bytes could unpack to more than the memory holds."""
    path = rewritten(tmp_path, compression=zipfile.ZIP_DEFLATED)
    with pytest.raises(ModelError, match=r"look\.onnx is compressed"):
        open_deblur_sessions(CARD, path, 1)


@pytest.mark.parametrize("damage", ["missing", "empty", "cut", "folder"])
def test_a_damaged_file_is_refused_by_name(tmp_path, damage):
    path = tmp_path / "w.zip"
    if damage == "folder":
        path.mkdir()
    elif damage != "missing":
        path.write_bytes(TINY_DEBLUR.read_bytes()[: 9000 if damage == "cut" else 0])
    with pytest.raises(ModelError, match=r"weights .*w\.zip"):
        open_deblur_sessions(CARD, path, 1)


def test_an_area_of_another_size_is_an_error_of_ours(session):
    with pytest.raises(ModelError, match=r"cannot run tiny_deblur\.test"):
        session.run(np.zeros((1, 3, 32, 32), np.float32))


def test_a_model_without_a_look_looks_everywhere(tmp_path):
    path = rewritten(tmp_path, lambda e: {k: v for k, v in e.items() if k != "look.onnx"})
    (session,) = open_deblur_sessions(CARD, path, 1)
    assert (session.look(area()) == np.ones((8, 8))).all()


@pytest.mark.parametrize(
    ("words", "kind", "match"),
    [
        ({"engine": "openvino"}, UsageError, "ONNX Runtime only"),
        ({"engine": "no"}, UsageError, "unknown engine"),
        ({"device": "no"}, UsageError, "unknown device"),
        ({"device": "cuda"}, ResourceError, "cannot use --device cuda"),
    ],
)
def test_engines_and_devices_that_are_not_there_are_told(words, kind, match):
    with pytest.raises(kind, match=match):
        open_deblur_sessions(CARD, TINY_DEBLUR, 1, **words)


def test_the_check_looks_at_confidences_too(session):
    session._graphs.checks["network"][-1] += 0.01
    with pytest.raises(ModelError, match="differs by"):
        session.run(area())


def test_sessions_say_the_card_they_were_opened_with():
    card = msgspec.structs.replace(CARD, id="other.test")
    assert [s.card.id for s in open_deblur_sessions(card, TINY_DEBLUR, 2)] == ["other.test"] * 2
