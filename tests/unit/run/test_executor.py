"""Order, back-pressure, faults: what the executor owes to its reader, sessions and consumer."""

import threading
import time
from dataclasses import replace

import numpy as np
import pytest

from foveate.engine.fake import FakeSession
from foveate.errors import InputError, ResourceError
from foveate.events import Progressed
from foveate.plan.plan import make_plan
from foveate.run.executor import run_plan
from strategies import RowSource, make_card, noise

CARD = make_card((16, 8), halo=2)
PIXELS = noise(83, 50)
DONE = PIXELS.repeat(2, axis=0).repeat(2, axis=1)


def plan_of(workers=2, bands_in_flight=2):
    plan = make_plan(
        50, 83, 3, "uint8", CARD,
        memory_bytes=1 << 30, threads=1, decoder_bytes=0, encoder_bytes=0,
    )  # fmt: skip
    return replace(plan, workers=workers, bands_in_flight=bands_in_flight)


def fakes(count=2, spoil=None):
    return [FakeSession(CARD, spoil) for _ in range(count)]


@pytest.fixture(autouse=True)
def no_thread_is_left():
    before = set(threading.enumerate())
    yield
    assert not set(threading.enumerate()) - before


def test_finished_rows_come_in_order_and_rows_are_read_once():
    source = RowSource(PIXELS)
    bands = list(run_plan(plan_of(), source, fakes()))
    assert (np.concatenate(bands) == DONE).all()
    assert sum(source.requests) == 83
    assert len(bands) == plan_of().grid.bands


def test_slow_and_quick_sessions_mix_without_losing_order():
    slow = FakeSession(CARD, lambda sr: (time.sleep(0.004), sr)[1])
    bands = list(run_plan(plan_of(3, 4), RowSource(PIXELS), [slow, *fakes(2)]))
    assert (np.concatenate(bands) == DONE).all()


@pytest.mark.parametrize("bands_in_flight", [1, 2, 3])
def test_reading_waits_for_the_consumer(bands_in_flight):
    plan, source = plan_of(2, bands_in_flight), RowSource(PIXELS)
    run = run_plan(plan, source, fakes())
    next(run)
    time.sleep(0.1)
    assert len(source.requests) == bands_in_flight
    run.close()


def test_no_more_sessions_than_planned_work():
    sessions = fakes(3)
    list(run_plan(plan_of(workers=1), RowSource(PIXELS), sessions))
    assert [session.calls > 0 for session in sessions] == [True, False, False]


def test_progress_counts_every_window_and_ends_with_nothing_left():
    events = []
    list(run_plan(plan_of(), RowSource(PIXELS), fakes(), events.append, item="a.png"))
    assert all(isinstance(event, Progressed) and event.item == "a.png" for event in events)
    counts = [event.windows_done for event in events]
    assert counts == sorted(set(counts))
    assert counts[-1] == events[-1].windows == plan_of().windows
    assert events[-1].remaining_s == 0
    assert events[0].remaining_s is None or events[0].windows_done >= 4


def test_the_estimate_is_near_the_truth():
    events = []
    slow = fakes(1, lambda sr: (time.sleep(0.005), sr)[1])
    list(run_plan(plan_of(workers=1), RowSource(PIXELS), slow, events.append))
    early = events[len(events) // 4]
    truth = events[-1].seconds - early.seconds
    assert early.remaining_s == pytest.approx(truth, rel=0.4)


@pytest.mark.parametrize("bands_in_flight", [1, 3])
@pytest.mark.parametrize("rows_before", [0, 30])
def test_a_reader_that_fails_ends_the_run_with_its_own_error(rows_before, bands_in_flight):
    source = RowSource(PIXELS)

    def read(count):
        if source.row + count > rows_before:
            raise InputError("cannot read a.png", "file ends at byte 7 of 9")
        return source(count)

    with pytest.raises(InputError, match="byte 7 of 9"):
        list(run_plan(plan_of(2, bands_in_flight), read, fakes()))


def test_a_session_that_fails_ends_the_run_with_its_own_error():
    def spoil(_):
        raise ZeroDivisionError("planted")

    with pytest.raises(ZeroDivisionError, match="planted"):
        list(run_plan(plan_of(), RowSource(PIXELS), [*fakes(1), *fakes(1, spoil)]))


def test_memory_that_runs_out_is_said_as_such():
    def read(_):
        raise MemoryError("planted")

    with pytest.raises(ResourceError, match="memory ran out: planted"):
        list(run_plan(plan_of(), read, fakes()))


def test_rows_that_are_missing_are_a_bug_that_shows():
    with pytest.raises(ValueError, match="asked for"):
        list(run_plan(plan_of(), RowSource(PIXELS[:40]), fakes()))


@pytest.mark.parametrize("bands_before", [0, 1, 3])
def test_a_consumer_that_stops_ends_all_threads_within_a_second(bands_before):
    slow = fakes(2, lambda sr: (time.sleep(0.02), sr)[1])
    run = run_plan(plan_of(), RowSource(PIXELS), slow)
    for _ in range(bands_before):
        next(run)
    started = time.perf_counter()
    run.close()
    assert time.perf_counter() - started < 1


def test_a_listener_that_raises_ends_the_run():
    def on_event(event):
        if event.windows_done > 5:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        list(run_plan(plan_of(), RowSource(PIXELS), fakes(), on_event))


def test_reading_computing_and_consuming_overlap():
    plan = plan_of(1, 3)
    pause = 0.01
    source = RowSource(PIXELS)

    def read(count):
        time.sleep(pause * plan.grid.columns)
        return source(count)

    session = FakeSession(CARD, lambda sr: (time.sleep(pause), sr)[1])
    started = time.perf_counter()
    for _ in run_plan(plan, read, [session]):
        time.sleep(pause * plan.grid.columns)
    taken = time.perf_counter() - started
    one_after_another = 3 * pause * plan.windows
    assert taken < 0.6 * one_after_another, f"{taken:.2f} of {one_after_another:.2f} s"
