import subprocess
from dataclasses import replace

import pytest

from foveate.bench import speed
from foveate.bench.speed import Request, measure_here, measure_speed
from foveate.errors import ModelError, ResourceError, UsageError


def test_the_child_reports_consistent_figures(model):
    found = measure_speed(model, width=40, height=30, threads=1, rounds=3)
    assert (found.model, found.width, found.height, found.scale) == ("tiny_x2.test", 40, 30, 2)
    assert (found.threads, found.rounds) == (1, 3)
    assert found.engine.split()[0] in ("onnxruntime", "openvino")
    assert 0 < found.min_ms <= found.median_ms <= found.max_ms
    seconds = found.median_ms / 1e3
    assert found.megapixels_per_s == pytest.approx(80 * 60 / 1e6 / seconds)
    assert found.gflops == pytest.approx(2 * 1300 * 40 * 30 / 1e9 / seconds)
    assert 20_000_000 < found.peak_memory_bytes < 1_000_000_000


def test_an_unknown_model_is_the_childs_error_word_for_word(monkeypatch, tmp_path):
    monkeypatch.setenv("FOVEATE_MODELS", str(tmp_path))
    with pytest.raises(UsageError, match="no model named nothing: known:"):
        measure_speed("nothing")


def test_damaged_weights_are_the_childs_error(model, tmp_path):
    (tmp_path / "tiny_x2.test.onnx").write_bytes(b"x")
    with pytest.raises(ModelError, match="damaged"):
        measure_speed(model, width=8, height=8)


def test_a_killed_child_is_told_as_a_lack_of_resources(monkeypatch):
    killed = subprocess.CompletedProcess([], -9, "", "")
    monkeypatch.setattr(speed.subprocess, "run", lambda *_, **__: killed)
    with pytest.raises(ResourceError, match="signal 9"):
        measure_speed("any")


@pytest.mark.parametrize("wrong", ["width", "height", "rounds", "threads"])
def test_numbers_below_one_are_refused(wrong):
    numbers = {"width": 8, "height": 8, "rounds": 1, "threads": 1} | {wrong: 0}
    with pytest.raises(UsageError, match="start at 1"):
        measure_speed("any", **numbers)


def test_one_round_without_a_child(model):
    request = Request(model, 16, 16, "auto", 1, 1)
    found = measure_here(replace(request, height=20))
    assert (found.height, found.iqr_ms) == (20, 0)
