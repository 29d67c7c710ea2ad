"""The road of one file, from Python."""

import io

import numpy as np
import pytest

import foveate
from foveate.events import Finished, Progressed, Started
from foveate.media.resample import imresize
from pictures import photo, read_picture, write_picture


@pytest.fixture
def source(tmp_path):
    return write_picture(tmp_path / "in.png", photo(40, 60))


def test_file_and_array_give_the_same_pixels(source, tiny):
    report = foveate.upscale_file(source, None, foveate.UpscaleOptions(model=str(tiny)))
    assert report.output == str(source.with_name("in_x2.png"))
    assert np.array_equal(
        read_picture(source.with_name("in_x2.png")), foveate.upscale(photo(40, 60), model=tiny)
    )


def test_names_may_be_text_and_streams_may_be_given(source, tiny):
    options = foveate.UpscaleOptions(model=str(tiny))
    foveate.upscale_file(str(source), str(source.with_name("a.png")), options)
    stream = io.BytesIO()
    report = foveate.upscale_file(source.read_bytes(), stream, options)
    assert (report.input, report.output) == ("standard input", "standard output")
    assert stream.getvalue() == source.with_name("a.png").read_bytes()


def test_events_are_told_in_order(source, tiny):
    events = []
    options = foveate.UpscaleOptions(model=str(tiny), threads=1)
    report = foveate.upscale_file(source, None, options, events.append)
    assert isinstance(events[0], Started)
    assert isinstance(events[-1], Finished)
    told = [event.windows_done for event in events[1:-1] if isinstance(event, Progressed)]
    assert told == sorted(told)
    assert told[-1] == events[0].windows == report.windows == 4 * 4
    assert events[-1].output == report.output


def test_plan_is_what_is_done(source, tiny):
    options = foveate.UpscaleOptions(model=str(tiny))
    plan = foveate.make_plan(source, options)
    assert list(source.parent.iterdir()) == [source]
    report = foveate.upscale_file(source, None, options)
    assert (plan.windows, plan.model) == (report.windows, report.model)


@pytest.mark.parametrize("axes", ["x", "y", "x,y"])
def test_what_wraps_is_the_middle_of_the_picture_tiled(tmp_path, tiny, axes):
    # Sides are multiples of the network's 2: it works on 2 x 2 blocks, and they must meet.
    pixels = photo(30, 44)
    down, across = 1 + 2 * ("y" in axes), 1 + 2 * ("x" in axes)
    options = foveate.UpscaleOptions(model=str(tiny), wrap=axes, overwrite=True)
    source = write_picture(tmp_path / "tile.png", pixels)
    foveate.upscale_file(source, source.with_name("out.png"), options)
    out = read_picture(source.with_name("out.png")).astype(int)
    tiled = foveate.upscale(np.tile(pixels, (down, across, 1)), model=tiny)
    top, left = 60 * (down // 2), 88 * (across // 2)
    assert np.abs(out - tiled[top : top + 60, left : left + 88]).max() <= 1

    rolled = np.roll(pixels, (10 * (down > 1), 16 * (across > 1)), (0, 1))
    write_picture(source, rolled)
    foveate.upscale_file(source, source.with_name("out.png"), options)
    again = read_picture(source.with_name("out.png")).astype(int)
    expected = np.roll(out, (20 * (down > 1), 32 * (across > 1)), (0, 1))
    assert np.abs(again - expected).max() <= 1


def test_a_plain_resize_opens_no_model(source, tiny, monkeypatch):
    monkeypatch.setattr("foveate.pipelines.image.open_sessions", None)
    options = foveate.UpscaleOptions(model=str(tiny), strength=0)
    report = foveate.upscale_file(source, None, options)
    assert (report.model, report.engine, report.windows) == ("", "", 0)
    plain = read_picture(source.with_name("in_x2.png")).astype(int)
    assert np.abs(plain - imresize(photo(40, 60), 80, 120)).max() <= 1


def test_the_plan_of_a_plain_resize_has_no_session(source, tiny):
    plan, network = (
        foveate.make_plan(source, foveate.UpscaleOptions(model=str(tiny), strength=strength))
        for strength in (0, 0.5)
    )
    assert (plan.model, plan.workers, plan.windows, plan.seconds) == ("", 0, 0, None)
    assert (plan.memory.sessions, plan.network_pixels) == (0, 0)
    assert plan.memory.total < network.memory.total


def test_a_plain_resize_tells_its_progress(tmp_path):
    source = write_picture(tmp_path / "tall.png", photo(150, 20))
    events = []
    foveate.upscale_file(source, None, foveate.UpscaleOptions(strength=0), events.append)
    assert [event.type for event in events] == ["start", *["progress"] * 3, "file"]
    told = [(event.windows_done, event.windows) for event in events[1:-1]]
    assert told == [(done, events[0].windows) for done in (1, 2, 3)]
    assert events[-2].remaining_s == 0
