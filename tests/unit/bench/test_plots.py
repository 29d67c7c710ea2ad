"""Plots are drawn from results, and a stale one is told without drawing."""

import sys
from types import SimpleNamespace

import pytest

from foveate.bench.attention_memory import BY_SQUARE
from foveate.bench.documents import main
from foveate.bench.plots import (
    PLOTS,
    digest_of,
    draw_plot,
    find_stale_plots,
    memory_points,
    quality_time_points,
    read_digest,
)
from foveate.bench.results import Measurement, record
from foveate.errors import InputError, UsageError

CARDS = [SimpleNamespace(id="rt4ksr_x2.bicubic")]


def time_rows(*names, seconds=2.0, sha=""):
    for name in names:
        facts = {"model": name, "scale": 2, "weights_sha256": "ab" if "_x2" in name else sha}
        yield Measurement(what="time", value=seconds * 1e3, unit="ms", **facts)
        yield Measurement(what="psnr_y", value=31.5, unit="dB", set="BSD100", **facts)


@pytest.fixture
def root(tmp_path):
    """A checkout whose README shows one plot."""
    (tmp_path / "docs").mkdir()
    (tmp_path / "README.md").write_text("![quality against time](docs/quality_time.png)\n")
    rows = time_rows("bicubic", "FSRCNN", "rt4ksr_x2.bicubic", "esrt_x2.bicubic")
    record(tmp_path / "results" / "quality_time.csv", rows)
    return tmp_path


def test_models_that_do_not_ship_are_left_out(root):
    points = quality_time_points(root / "results", CARDS)
    assert points == {name: [2, 31.5] for name in ("bicubic", "FSRCNN", "rt4ksr_x2.bicubic")}
    both = [*CARDS, SimpleNamespace(id="esrt_x2.bicubic")]
    assert "esrt_x2.bicubic" in quality_time_points(root / "results", both)


def test_memory_is_by_lane_and_by_size(tmp_path):
    rows = [
        Measurement(
            what=what, model="b", lane=lane, size=f"{side}x{side}", protocol=protocol, value=side
        )
        for what in ("attention_memory", "block_memory")
        for protocol in ("inference", "training step, batch 1")
        for lane in ("EMHA", "original")
        for side in (128, 48, 112)
    ]
    record(tmp_path / "attention_memory.csv", rows)
    line = [[48, 48], [112, 112], [128, 128]]
    assert memory_points(tmp_path, ()) == {"EMHA": line, "original": line}


def test_a_plot_is_stale_until_it_is_drawn_and_again_when_its_points_change(root):
    pytest.importorskip("matplotlib", reason="the extra 'train' has matplotlib, which draws")
    ((path, points),) = find_stale_plots(root, CARDS)
    assert path == root / "docs" / "quality_time.png"
    draw_plot(path, points)
    assert list(find_stale_plots(root, CARDS)) == []
    record(root / "results" / "quality_time.csv", time_rows("bicubic", seconds=3.0))
    assert [stale for stale, _ in find_stale_plots(root, CARDS)] == [path]


def test_the_same_points_are_the_same_file(root, tmp_path):
    pytest.importorskip("matplotlib", reason="the extra 'train' has matplotlib, which draws")
    points = quality_time_points(root / "results", CARDS)
    files = []
    for _ in range(2):
        draw_plot(tmp_path / "quality_time.png", points)
        files.append((tmp_path / "quality_time.png").read_bytes())
    assert files[0] == files[1]
    assert read_digest(tmp_path / "quality_time.png") == digest_of(points)


def test_every_plot_can_be_drawn(tmp_path):
    pytest.importorskip("matplotlib", reason="the extra 'train' has matplotlib, which draws")
    points = {
        "esrt_memory": {
            "original, plain": [[48, 9.0]],
            BY_SQUARE: [[64, 20.0]],
            "EMHA": [[48, 2.0]],
        },
        "quality_time": {"bicubic": [0.2, 29.5], "esrt_x2.bicubic": [40.0, 31.9]},
    }
    assert set(points) == set(PLOTS)
    for name, own in points.items():
        draw_plot(tmp_path / f"{name}.png", own)
        assert (tmp_path / f"{name}.png").read_bytes().startswith(b"\x89PNG")


def test_scripts_tables_names_a_stale_plot(root, monkeypatch, capsys):
    monkeypatch.setattr("sys.argv", ["documents", "--root", str(root), "--check"])
    assert main() == 1
    line = f"{root}/docs/quality_time.png: the plot is stale; hint: run scripts/tables\n"
    assert capsys.readouterr().err == line
    assert not (root / "docs" / "quality_time.png").exists()


def test_without_matplotlib_it_is_said(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(UsageError, match=r"matplotlib is absent.*foveate\[train\]"):
        draw_plot(tmp_path / "quality_time.png", {})


@pytest.mark.parametrize(
    ("data", "words"), [(b"another kind", "not a PNG"), (b"\x89PNG\r\n\x1a\n123", "damaged")]
)
def test_a_plot_that_is_no_png_is_refused(tmp_path, data, words):
    (tmp_path / "quality_time.png").write_bytes(data)
    with pytest.raises(InputError, match=words):
        read_digest(tmp_path / "quality_time.png")
