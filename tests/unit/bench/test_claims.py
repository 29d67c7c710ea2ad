"""What scripts/bench --claims measures: the window loop, the whole command, OpenCV's networks."""

import sys
from pathlib import Path

import pytest

from foveate.bench import command, peers
from foveate.bench.command import make_photo, measure_command
from foveate.bench.peers import open_peer
from foveate.bench.window_loop import ONE_CALL, measure_window_loop
from foveate.errors import FoveateError, InputError, UsageError
from foveate.media.reader import read_pixels
from foveate.models.store import find_model, list_cards
from pictures import photo, write_picture


def test_the_window_loop_is_measured_beside_one_call(model, tmp_path):
    rows = list(
        measure_window_loop(
            Path(model), tmp_path, cores=[(16, 12), (40, 30)], threads=1, width=40, height=30
        )
    )
    assert [row.lane for row in rows] == [ONE_CALL, "windows of 16x12", "windows of 40x30"]
    assert [row.baseline for row in rows] == [ONE_CALL] * 3
    assert rows[0].ratio == 1
    assert all(row.value > 0 and row.size == "40x30" for row in rows)


def test_the_command_is_measured_from_outside(tmp_path, monkeypatch):
    monkeypatch.setattr(command, "PHOTOS", ((90, 70, "1GiB", 2),))
    card = next(entry.card for entry in list_cards() if entry.card.id == "rt4ksr_x2.photo")
    sample = write_picture(tmp_path / "sample.png", photo(20, 30))
    seconds, peak = measure_command(card, sample, tmp_path)
    assert 0.05 < seconds.min <= seconds.value <= seconds.max < 60
    assert (seconds.n, seconds.size, seconds.unit) == (2, "90x70", "s")
    assert 40 < peak.value < 1024
    assert sorted(path.name for path in tmp_path.iterdir()) == ["sample.png"]


def test_a_command_that_fails_is_an_error_with_its_line(tmp_path, monkeypatch):
    monkeypatch.setattr(command, "PHOTOS", ((90, 70, "1MiB", 1),))
    card = find_model("rt4ksr_x2.photo").card
    sample = write_picture(tmp_path / "sample.png", photo(20, 30))
    with pytest.raises(FoveateError, match="--memory allows"):
        list(measure_command(card, sample, tmp_path))


def test_a_photo_of_any_size_is_made_of_copies(tmp_path):
    sample = write_picture(tmp_path / "sample.png", photo(20, 30))
    make_photo(sample, tmp_path / "large.jpg", 75, 130)
    large = read_pixels(tmp_path / "large.jpg").astype(int)
    assert large.shape == (130, 75, 3)
    assert abs(large[80:100, :30] - read_pixels(sample)).mean() < 8


def test_a_peer_that_is_not_there_is_told(tmp_path, monkeypatch):
    with pytest.raises(InputError, match=r"FSRCNN_x2\.pb"):
        open_peer("FSRCNN", 2, tmp_path, 1)
    (tmp_path / "FSRCNN_x2.pb").write_bytes(b"")
    monkeypatch.setitem(sys.modules, "cv2", None)
    with pytest.raises(UsageError, match="opencv-contrib-python-headless"):
        open_peer("FSRCNN", 2, tmp_path, 1)


def test_peers_are_timed_beside_ours(monkeypatch):
    monkeypatch.setattr(peers, "SIZE", (8, 10))
    monkeypatch.setattr(peers, "open_peer", lambda *_: lambda lr: lr)
    rows = list(peers.measure_peers(find_model("rt4ksr_x2.photo").card, Path(), threads=1))
    assert [row.model for row in rows] == ["rt4ksr_x2.photo", *peers.PEERS]
    assert rows[0].ratio == 1 > rows[1].ratio
