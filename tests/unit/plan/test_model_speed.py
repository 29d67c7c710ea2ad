"""The time of a plan: measured once, remembered, and never a reason to fail."""

import json
import time
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest

import foveate
from foveate.engine.fake import FakeSession
from foveate.models.store import Model
from foveate.plan.plan import make_plan
from foveate.plan.speed import cache_folder, measure_lr_pixels_per_s, with_seconds
from pictures import photo, write_picture
from strategies import TINY, make_card

MODEL = Model(make_card((64, 48)), TINY)
PLAN = make_plan(
    300, 200, 3, "uint8", MODEL.card,
    memory_bytes=1 << 30, threads=2, decoder_bytes=0, encoder_bytes=0,
)  # fmt: skip


@pytest.fixture
def folder(tmp_path, monkeypatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache" / "foveate" / "speed"


def remembered(folder: Path) -> Path:
    (path,) = folder.iterdir()
    return path


def test_the_first_plan_measures_and_the_next_remembers(folder):
    plan, notes = with_seconds(PLAN, MODEL)
    known = json.loads(remembered(folder).read_text())
    assert notes == ()
    assert plan == replace(PLAN, seconds=PLAN.worker_pixels / known["lr_pixels_per_s"])
    remembered(folder).write_text(json.dumps({**known, "lr_pixels_per_s": 1000}))
    again, notes = with_seconds(PLAN, MODEL)
    assert (again.seconds, notes) == (PLAN.worker_pixels / 1000, ())


def test_a_speed_is_of_one_model_and_one_number_of_workers(folder):
    with_seconds(PLAN, MODEL)
    with_seconds(replace(PLAN, workers=1), MODEL)
    weights = msgspec.structs.replace(MODEL.card.weights, sha256="another")
    other = msgspec.structs.replace(MODEL.card, weights=weights)
    with_seconds(PLAN, Model(other, TINY))
    assert len(list(folder.iterdir())) == 3


def work(seconds):
    end = time.thread_time() + seconds
    while time.thread_time() < end:
        pass


@pytest.mark.parametrize(
    ("device", "spend", "least"),
    [("cpu", work, 0.6e6), ("cuda", time.sleep, 0.1e6)],  # sleep may last longer
)
def test_what_is_measured_is_one_worker_of_those_at_work(monkeypatch, device, spend, least):
    """On an engine that takes a microsecond for a pixel."""

    def slow(sr):
        spend(1e-6 * sr.size / 12)
        return sr

    def open_sessions(card, _, count, **_options):
        return [FakeSession(card, slow) for _ in range(count)]

    monkeypatch.setattr("foveate.plan.speed.open_sessions", open_sessions)
    assert least < measure_lr_pixels_per_s(MODEL, "onnxruntime", device, 3) < 1e6


def test_no_call_is_larger_than_a_window_or_than_need_be(monkeypatch):
    """A network of one fixed shape takes no other."""
    for card, most_px in ((make_card((64, 48)), 48 + 2 * 6), (make_card((640, 480)), 256)):
        sides: list[int] = []

        def note(sr, sides=sides):
            sides.append(sr.shape[2] // 2)
            return sr

        sessions = [FakeSession(card, note)]
        monkeypatch.setattr("foveate.plan.speed.open_sessions", lambda *_, s=sessions, **__: s)
        measure_lr_pixels_per_s(Model(card, TINY), "onnxruntime", "cuda", 1)
        assert sides[0] == 32 <= max(sides) <= most_px


@pytest.mark.parametrize(
    "damage",
    [
        b"",
        b"\xff\xfe",
        b"[]",
        b"{}",
        b'{"lr_pixels_per_s": 5}',
        lambda known: {**known, "lr_pixels_per_s": 0},
        lambda known: {**known, "lr_pixels_per_s": "fast"},
        lambda known: {**known, "lr_pixels_per_s": float("nan")},
        lambda known: {**known, "processor": "another"},
    ],
)
def test_a_damaged_cache_is_told_and_mended(folder, damage):
    with_seconds(PLAN, MODEL)
    path = remembered(folder)
    if not isinstance(damage, bytes):
        damage = json.dumps(damage(json.loads(path.read_text()))).encode()
    path.write_bytes(damage)
    plan, (note,) = with_seconds(PLAN, MODEL)
    assert note.startswith("the speed measured before cannot be used: ")
    assert plan.seconds > 0
    assert with_seconds(PLAN, MODEL) == (plan, ())


def test_a_cache_that_cannot_be_written_is_told(folder):
    folder.parent.parent.write_text("a file where the folder should be")
    plan, notes = with_seconds(PLAN, MODEL)
    assert plan.seconds > 0
    assert notes[-1].startswith("the measured speed was not kept: ")


def test_a_user_without_a_home_is_told(monkeypatch):
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setattr(Path, "home", lambda: (_ for _ in ()).throw(RuntimeError("no home")))
    plan, notes = with_seconds(PLAN, MODEL)
    assert plan.seconds > 0
    assert notes == ("the measured speed was not kept: no home",)


def test_a_model_that_cannot_run_is_told(folder):
    plan, (note,) = with_seconds(PLAN, MODEL, device="cuda")
    assert plan.seconds is None
    assert note.startswith("the time is not known: cannot use --device cuda: ")
    assert not folder.exists()


@pytest.mark.parametrize(("variable", "base"), [("/x", "/x"), ("x", "~/.cache"), ("", "~/.cache")])
def test_the_cache_is_where_the_standard_says(monkeypatch, variable, base):
    monkeypatch.setenv("XDG_CACHE_HOME", variable)
    assert cache_folder() == Path(base).expanduser() / "foveate" / "speed"


def test_a_run_neither_asks_nor_tells(folder, tmp_path):
    source = write_picture(tmp_path / "in.png", photo(16, 24))
    foveate.upscale_file(source)
    assert not folder.exists()
    assert foveate.make_plan(source).seconds > 0
    assert remembered(folder)
