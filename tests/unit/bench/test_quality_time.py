"""Quality against time: every way on one photo in one run, and on the test pictures."""

import sys

import numpy as np
import pytest

from foveate.bench import quality_time
from foveate.bench.evaluate import evaluate
from foveate.bench.peers import count_peer_macs
from foveate.bench.quality_time import find_lanes, measure_quality_time, resize
from foveate.media.resample import imresize
from foveate.models.store import list_cards
from pictures import photo, write_picture


@pytest.fixture
def data(tmp_path):
    folder = tmp_path / "data" / "BSD100" / "HR"
    folder.mkdir(parents=True)
    write_picture(folder / "a.png", photo(40, 48))
    return tmp_path / "data"


def measured(monkeypatch, model, data, peers):
    monkeypatch.setattr(quality_time, "open_peer", lambda *_: resize)
    monkeypatch.setattr(quality_time, "count_peer_macs", lambda *_: 777)
    rows = measure_quality_time([model], photo(24, 30), data, peers, threads=1)
    return {(row.what, row.model): row for row in rows}


def test_every_way_is_timed_beside_bicubic_and_measured(monkeypatch, model, data, tmp_path):
    rows = measured(monkeypatch, model, data, tmp_path)
    names = ["bicubic", "tiny_x2.test", "FSRCNN", "ESPCN"]
    assert [name for what, name in rows if what == "time"] == names
    assert all(rows["time", name].baseline == "bicubic" for name in names)
    assert rows["time", "bicubic"].ratio == 1
    assert {rows["time", name].size for name in names} == {"30x24"}
    psnr = evaluate("bicubic", resize, 2, data / "BSD100").rows[0].psnr_y
    for name in ("bicubic", "FSRCNN", "ESPCN"):
        assert rows["psnr_y", name].value == psnr
    macs = {name: rows[what, name].value for what, name in rows if what == "MACs per LR pixel"}
    assert macs == {"tiny_x2.test": 1300, "FSRCNN": 777, "ESPCN": 777}
    weights = {name: rows["time", name].weights_sha256 for name in names}
    assert [name for name, sha in weights.items() if sha] == ["tiny_x2.test"]


def test_without_peers_ours_stand_alone(monkeypatch, model, data):
    rows = measured(monkeypatch, model, data, None)
    assert {name for _, name in rows} == {"bicubic", "tiny_x2.test"}


def test_the_plain_resize_is_bicubic():
    lr = photo(20, 31)
    off = np.abs(resize(lr).astype(int) - imresize(lr, 40, 62))
    assert off.max() <= 1  # the rows' way rounds once, MATLAB's after each axis


def test_the_lanes_for_clean_pictures_are_those_that_ship():
    shipped = {entry.card.id for entry in list_cards() if entry.where == "shipped"}
    assert set(find_lanes()) <= shipped
    assert find_lanes()[:2] == ["rt4ksr_x2.bicubic", "rt4ksr_l_x2.bicubic"]


def test_macs_of_peers_are_their_kernels(shared):
    pytest.importorskip("cv2", reason="OpenCV is absent: it runs the peers")
    fsrcnn = 56 * 25 + 12 * 56 + 4 * 12 * 12 * 9 + 56 * 12 + 4 * 56
    assert count_peer_macs("FSRCNN", 2, shared / "data" / "peers") == fsrcnn


def test_the_command_writes_results(monkeypatch, tmp_path, model, data):
    (tmp_path / "examples").mkdir()
    write_picture(tmp_path / "examples" / "photo.jpg", photo(30, 50))
    monkeypatch.setattr(quality_time, "SIZE", (20, 24))
    words = [model, "--root", str(tmp_path), "--data", str(data)]
    monkeypatch.setattr(sys, "argv", ["quality_time", *words])
    quality_time.main()
    text = (tmp_path / "results" / "quality_time.csv").read_text()
    assert text.count("tiny_x2.test") == 3
