"""The memory claim's rows, from a child that answers by formula."""

import math

import pytest

from foveate.bench.attention_memory import (
    BOUND_BYTES,
    BY_SQUARE,
    ORIGINAL,
    measure_agreement,
    measure_inference,
    measure_training,
)
from foveate.bench.torch_child import MemoryChildren, ask_child
from foveate.errors import FoveateError, ResourceError

GIB = 1 << 30


class Formula:
    """A block of 100 bytes a token; plain attention holds 96 bytes for each pair of tokens."""

    def __init__(self):
        self.largest = 0

    def __call__(self, request):
        tokens = request["side"] ** 2
        one_run = request.get("options", {}).get("attention") == "original"
        pairs = tokens**2 if one_run else tokens**2 / 4
        each = {"plain": 96, "blocked": 6, "fused": 1, "none": 0}[request["way"]] * pairs
        peak = request.get("batch", 1) * (100 * tokens + each)
        self.largest = max(self.largest, peak)
        return {"peak_bytes": int(peak), "difference": 1e-6}


def value(rows, what, lane, **facts):
    facts |= {"what": what, "lane": lane}
    (row,) = (row for row in rows if all(getattr(row, k) == v for k, v in facts.items()))
    return row.value


def test_attention_is_what_passing_values_through_does_not_need():
    rows = list(measure_training(3 * GIB, Formula()))
    one = {"protocol": "training step, batch 1"}
    pairs = 48**4
    assert value(rows, "attention_memory", ORIGINAL, **one) == round(96 * pairs / 2**20, 1)
    assert value(rows, "attention_share", "EMHA, plain", **one) == 25
    assert value(rows, "attention_share", "EMHA, blocked", **one) == 1.6
    whole = 100 * 48**2 + 96 * pairs
    assert value(rows, "block_memory", ORIGINAL, **one) == round(whole / 2**20, 1)


def test_batches_double_within_the_limit_and_the_slope_gives_the_bound():
    formula = Formula()
    rows = list(measure_training(3 * GIB, formula))
    assert {row.protocol for row in rows if row.lane == ORIGINAL} == {
        "training step, batch 1",
        "training step, batch 2",
        "training step, batch 4",
        "by the bytes per picture between batches 2 and 4",
    }
    assert formula.largest <= 3 * GIB
    per_picture = 100 * 48**2 + 96 * 48**4
    assert value(rows, "batch in 20 GiB", ORIGINAL) == BOUND_BYTES // per_picture


def test_windows_beyond_the_limit_are_not_run_and_follow_from_the_last():
    formula = Formula()
    rows = list(measure_inference(4 * GIB, formula))
    assert formula.largest <= 8 * GIB
    lanes = {row.size: row.lane for row in rows if row.lane in (ORIGINAL, BY_SQUARE)}
    assert [size for size, lane in lanes.items() if lane == ORIGINAL] == ["48x48", "64x64"]
    found = value(rows, "attention_memory", BY_SQUARE, size="128x128")
    assert math.isclose(found, 96 * 128**4 / 2**20, rel_tol=1e-3)
    share = value(rows, "attention_share", "EMHA, plain", size="128x128")
    assert share == 25


def test_agreement_is_of_each_way_of_ours():
    rows = list(measure_agreement(Formula()))
    assert {(row.lane, row.size) for row in rows} == {
        (f"EMHA, {way}", size) for way in ("blocked", "fused") for size in ("48x48", "96x96")
    }
    assert {row.value for row in rows} == {1e-6}


def test_children_that_measure_memory_give_back_what_is_free(tmp_path, monkeypatch):
    code = "import json, os; input(); print(json.dumps(os.environ['MALLOC_MMAP_THRESHOLD_']))"
    (tmp_path / "tells.py").write_text(code)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    with MemoryChildren("tells") as ask:
        assert int(ask({})) < 1 << 20


@pytest.mark.parametrize(
    ("module", "error", "words"),
    [
        ("foveate.none", FoveateError, "No module named"),
        ("foveate.bench.dying", ResourceError, "ended by signal 9"),
    ],
)
def test_a_child_that_fails_or_is_killed_is_told(tmp_path, monkeypatch, module, error, words):
    code = "import os; os.kill(os.getpid(), 9)"
    (tmp_path / "sitecustomize.py").write_text(code if "dying" in module else "")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    with pytest.raises(error, match=words):
        ask_child(module, {"side": 48})
    with MemoryChildren(module) as ask, pytest.raises(error, match=words):
        ask({"side": 48})
