"""Deblurring and enlarging in one pass: the same bits as one after the other."""

import threading
import time
from contextlib import closing
from dataclasses import replace

import pytest

import foveate
from deblurring import Fakes, blur, sharp
from foveate.engine.fake_deblur import FakeDeblurSession
from foveate.engine.session import Interrupted
from foveate.errors import ModelError, ResourceError, UsageError
from foveate.events import ignore_event
from foveate.pipelines.deblur_findings import Findings
from foveate.pipelines.restore import _Feed, prepare_both, restore_file
from pictures import read_picture, write_picture


@pytest.fixture(autouse=True)
def fakes(monkeypatch, tmp_path):
    before = set(threading.enumerate())
    yield Fakes(monkeypatch, tmp_path / "models")
    # libvips' own threads, which call back into Python, are dummies to it.
    left = set(threading.enumerate()) - before
    assert not [thread for thread in left if not isinstance(thread, threading._DummyThread)]


def deblurring(**more):
    return foveate.DeblurOptions(model="fake.local", **more)


@pytest.mark.parametrize(
    ("bands", "dtype", "asked"),
    [
        (3, "uint8", {}),
        (4, "uint16", {"scale": 1.5}),
        (1, "uint8", {"strength": 0.0}),
    ],
)
def test_one_pass_gives_what_two_give(tmp_path, tiny, bands, dtype, asked):
    source = write_picture(
        tmp_path / "in.png", blur(sharp(200, 150, bands, dtype), 30, 30, 130, 90)
    )
    options = foveate.UpscaleOptions(model=str(tiny), **asked)
    report = restore_file(source, tmp_path / "one.png", options, deblurring())
    foveate.deblur_file(source, tmp_path / "between.png", deblurring())
    foveate.upscale_file(tmp_path / "between.png", tmp_path / "two.png", options)
    one, two = read_picture(tmp_path / "one.png"), read_picture(tmp_path / "two.png")
    assert (one == two).all()
    foveate.upscale_file(source, tmp_path / "plain.png", options)
    assert (one != read_picture(tmp_path / "plain.png")).any()
    assert report.deblur.windows_computed == 6
    assert 0 < report.deblur.changed_share < 1


def test_without_deblurring_it_is_enlarging_alone(tmp_path, tiny, fakes):
    source = write_picture(tmp_path / "in.png", blur(sharp(40, 50), 0, 0, 40, 50))
    options = foveate.UpscaleOptions(model=str(tiny))
    report = restore_file(source, tmp_path / "one.png", options)
    foveate.upscale_file(source, tmp_path / "two.png", options)
    assert (tmp_path / "one.png").read_bytes() == (tmp_path / "two.png").read_bytes()
    assert (report.deblur, fakes.sessions) == (None, [])


def test_no_bit_depends_on_memory_or_threads(tmp_path, tiny):
    source = write_picture(tmp_path / "in.png", blur(sharp(300, 200), 10, 10, 250, 150))
    files = set()
    for threads, memory in ((1, 200 << 20), (3, 200 << 20), (2, 1 << 30)):
        options = foveate.UpscaleOptions(
            model=str(tiny), threads=threads, memory_bytes=memory, overwrite=True
        )
        restore_file(source, tmp_path / "out.png", options, deblurring())
        files.add((tmp_path / "out.png").read_bytes())
    assert len(files) == 1


def test_a_self_ensemble_is_for_both(tmp_path, tiny, fakes):
    source = write_picture(tmp_path / "in.png", blur(sharp(100, 90), 10, 10, 80, 70))
    options = foveate.UpscaleOptions(model=str(tiny), self_ensemble=4)
    restore_file(source, tmp_path / "both.png", options, deblurring())
    runs, twice = fakes.runs, {"self_ensemble": 4}
    foveate.deblur_file(source, tmp_path / "first.png", deblurring(**twice))
    assert fakes.runs == 2 * runs
    foveate.upscale_file(tmp_path / "first.png", tmp_path / "second.png", options)
    assert (read_picture(tmp_path / "both.png") == read_picture(tmp_path / "second.png")).all()


def test_memory_is_planned_for_both(tmp_path, tiny):
    source = write_picture(tmp_path / "in.png", sharp(100, 100))
    options = foveate.UpscaleOptions(model=str(tiny), memory_bytes=1 << 20)
    with pytest.raises(ResourceError, match=r"needs \d+ MiB, --memory allows 1 MiB") as refused:
        restore_file(source, None, options)
    alone = refused.value.needed_bytes
    with pytest.raises(ResourceError, match=r"needs \d+ MiB") as refused:
        restore_file(source, None, replace(options, memory_bytes=alone), deblurring())
    both = refused.value.needed_bytes
    assert both > alone + 4_000_000
    restore_file(source, None, replace(options, memory_bytes=both), deblurring())


@pytest.mark.parametrize("asked", [{"strength": 0.5}, {"wrap": "x"}])
def test_options_that_do_not_go_together(tmp_path, tiny, asked):
    source = write_picture(tmp_path / "in.png", sharp(40, 50))
    with pytest.raises(UsageError, match="do not go together"):
        restore_file(source, None, foveate.UpscaleOptions(model=str(tiny), **asked), deblurring())


def test_a_deblurring_of_another_brightness_is_refused(tmp_path, tiny, fakes):
    def spoil(restored):
        restored.pixels[...] *= 0.5
        return restored

    fakes.spoil = spoil
    source = write_picture(tmp_path / "in.png", blur(sharp(100, 100), 0, 0, 100, 100))
    with pytest.raises(ModelError, match=r"fake\.local changed the mean brightness"):
        restore_file(source, None, foveate.UpscaleOptions(model=str(tiny)), deblurring())
    assert not (tmp_path / "in_x2.png").exists()


def test_a_cancel_waits_for_a_window_and_not_for_a_band(tmp_path, tiny, fakes):
    def slow(restored):
        time.sleep(0.1)
        return restored

    fakes.spoil = slow
    source = write_picture(tmp_path / "in.png", blur(sharp(300, 900), 0, 0, 300, 900))
    options = foveate.UpscaleOptions(model=str(tiny), threads=1)
    stopped_at = []

    def stop(event):
        # All is looked at, and all that one band of 15 windows allows is enlarged.
        if event.type == "progress" and event.windows_done >= 24 + 15 + 4 * 57 - 3:
            stopped_at.append(time.perf_counter())
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        restore_file(source, None, options, deblurring(), stop)
    assert time.perf_counter() - stopped_at[0] < 0.6  # a band takes 1.5 s
    assert all(session.is_closed for session in fakes.sessions)


def test_whoever_leaves_ends_the_window_under_way(tmp_path, tiny, monkeypatch):
    begun, interrupted = threading.Event(), threading.Event()

    class Slow(FakeDeblurSession):
        def run(self, *_, **__):
            begun.set()
            assert interrupted.wait(5), "nobody interrupted"
            raise Interrupted

        def interrupt(self):
            interrupted.set()

    def opened(card, *_, **__):
        return [Slow(card)]

    monkeypatch.setattr("foveate.pipelines.deblur_run.open_deblur_sessions", opened)
    source = write_picture(tmp_path / "in.png", blur(sharp(60, 60), 0, 0, 60, 60))
    options = foveate.UpscaleOptions(model=str(tiny), threads=1)
    _, job = prepare_both(source, None, options, deblurring())
    feed, ended = _Feed(ignore_event), []

    def read():
        try:
            rows.read(60)
        except Interrupted:
            ended.append(True)

    with closing(Findings(job)) as findings, feed.opened(job, findings) as rows:
        interrupted.clear()  # the end of the look interrupts, too
        reader = threading.Thread(target=read)
        reader.start()
        assert begun.wait(5)
        feed.leave()
        reader.join(5)
    assert ended


def test_the_windows_of_both_steps_are_told(tmp_path, tiny):
    source = write_picture(tmp_path / "in.png", blur(sharp(200, 200), 0, 0, 90, 90))
    events = []
    options = foveate.UpscaleOptions(model=str(tiny), threads=1)
    report = restore_file(source, tmp_path / "o.png", options, deblurring(), events.append)
    told = [event for event in events if event.type == "progress"]
    done = [event.windows_done for event in told]
    assert done == sorted(done)
    windows = 4 + report.deblur.windows + report.windows
    assert done[-1] == events[0].windows == told[0].windows == windows
    assert done[0] <= 4  # the first look is told
    assert [event.type for event in events if event.type != "progress"] == ["start", "file"]
    seconds = [event.seconds for event in told]
    assert seconds == sorted(seconds)


def test_a_sharp_picture_is_told_before_the_end(tmp_path, tiny):
    source, events = write_picture(tmp_path / "in.png", sharp(40, 40)), []
    options = foveate.UpscaleOptions(model=str(tiny))
    restore_file(source, None, options, deblurring(), events.append)
    assert [event.type for event in events][-2:] == ["warning", "file"]
    assert events[-2].message == "nothing to deblur was found"


def test_maps_are_drawn_on_the_way(tmp_path, tiny):
    source = write_picture(tmp_path / "in.png", blur(sharp(100, 100), 0, 0, 50, 50))
    maps = {"save_map": tmp_path / "map.png", "save_windows": tmp_path / "stages"}
    restore_file(source, None, foveate.UpscaleOptions(model=str(tiny)), deblurring(**maps))
    assert read_picture(tmp_path / "map.png").shape == (100, 100, 3)
    assert len(list((tmp_path / "stages").iterdir())) == 3
