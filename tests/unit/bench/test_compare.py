import gc

import pytest

from foveate.bench import compare as module
from foveate.bench.compare import compare, summarise


def test_ways_take_turns_within_each_round_after_the_warm_up():
    calls = []
    timings = compare(
        {"a": lambda: calls.append("a"), "b": lambda: calls.append("b")}, rounds=3, warm_up=2
    )
    assert "".join(calls) == "ab" * 5
    assert [(timing.name, timing.rounds) for timing in timings] == [("a", 3), ("b", 3)]


def test_the_ratio_is_to_the_first_way_of_the_same_round(monkeypatch):
    clock = iter([0, 1, 1, 3, 10, 20, 20, 50])  # round 1: 1 s and 2 s; round 2: 10 s and 30 s
    monkeypatch.setattr(module.time, "perf_counter", lambda: next(clock))
    first, second = compare({"a": int, "b": int}, rounds=2, warm_up=0)
    assert (first.ratio, second.ratio) == (1, 2.5)
    assert (first.min_ms, first.median_ms, first.max_ms) == (1000, 5500, 10_000)


def test_the_quartiles_of_known_rounds():
    timing = summarise("a", [0.001, 0.002, 0.003, 0.004, 0.005, 0.006, 0.007])
    assert (timing.iqr_ms, timing.median_ms) == pytest.approx((4, 4))


def test_one_round_is_enough():
    (timing,) = compare({"a": int}, rounds=1)
    assert (timing.iqr_ms, timing.ratio) == (0, 1)


def test_garbage_collection_is_off_while_timing_and_back_after_an_error():
    seen = []

    def way():
        seen.append(gc.isenabled())
        raise KeyError

    with pytest.raises(KeyError):
        compare({"a": way}, rounds=1)
    assert (seen, gc.isenabled()) == ([False], True)
