import hashlib

import msgspec
import numpy as np
import pytest
import pyvips

from foveate.bench import standing
from foveate.bench.evaluate import Report, Row
from foveate.bench.results import read_results
from foveate.bench.speed import Speed
from foveate.bench.standing import quality_facts, quality_rows, set_digest, speed_rows
from foveate.models.card import WeightsFacts, read_card
from foveate.models.write import write_card
from strategies import TINY, make_card

REPORT = Report(
    "Set5",
    2,
    "Y, border 2 px",
    (Row("m_x2.photo", 5, 36.84444, 0.951), Row("bicubic", 5, 33.67333, 0.9303)),
    (),
)


def test_quality_rows_hold_the_model_and_bicubic_as_its_baseline():
    rows = quality_rows(REPORT, "ab" * 32, "cd" * 32)
    assert [(row.what, row.model) for row in rows] == [
        ("psnr_y", "m_x2.photo"),
        ("ssim_y", "m_x2.photo"),
        ("psnr_y", "bicubic"),
        ("ssim_y", "bicubic"),
    ]
    assert rows[0].ratio == pytest.approx(36.84444 / 33.67333)
    assert (rows[0].weights_sha256, rows[2].weights_sha256) == ("cd" * 6, "")
    assert {row.set_sha256 for row in rows} == {"ab" * 6}


def test_a_cards_quality_is_the_report_rounded():
    (facts,) = quality_facts([REPORT])
    assert (facts.set, facts.images, facts.protocol) == ("Set5", 5, "Y, border 2 px")
    assert (facts.psnr_y, facts.bicubic_psnr_y, facts.ssim_y) == (36.8444, 33.6733, 0.951)


def test_speed_rows_carry_the_spread_only_where_it_was_measured():
    speed = Speed("m", "onnxruntime 1", 960, 540, 2, 1, 10, 9.0, 10.0, 12.0, 1.0, 207.4, 50.4, 99)
    rows = {row.what: row for row in speed_rows(speed, make_card())}
    assert (rows["time"].value, rows["time"].min, rows["time"].max) == (10.0, 9.0, 12.0)
    assert (rows["speed"].value, rows["speed"].unit, rows["speed"].min) == (207.4, "SR MP/s", None)
    assert (rows["peak_memory"].value, rows["work"].value) == (99, 50.4)
    assert {row.size for row in rows.values()} == {"960x540"}


def test_the_digest_of_a_set_changes_with_a_pixel_and_with_a_name(tmp_path):
    path = tmp_path / "HR" / "a.png"
    path.parent.mkdir()
    digests = set()
    for value in (1, 2):
        pyvips.Image.new_from_array(np.full((4, 4), value, np.uint8)).pngsave(str(path))
        digests.add(set_digest(tmp_path))
    path.rename(path.with_name("b.png"))
    digests.add(set_digest(tmp_path))
    assert len(digests) == 3


def test_the_whole_measures_a_model_and_writes_results_and_card(tmp_path, monkeypatch):
    models = tmp_path / "models"
    models.mkdir()
    data = TINY.read_bytes()
    (models / "tiny_x2.test.onnx").write_bytes(data)
    weights = WeightsFacts("tiny_x2.test.onnx", hashlib.sha256(data).hexdigest(), len(data))
    write_card(msgspec.structs.replace(make_card(), weights=weights), models / "tiny_x2.test.toml")
    picture = tmp_path / "data" / "Tiny" / "HR" / "a.png"
    picture.parent.mkdir(parents=True)
    noise = np.random.default_rng(5).integers(0, 256, (48, 40, 3), np.uint8)
    pyvips.Image.new_from_array(noise).pngsave(str(picture))
    monkeypatch.setenv("FOVEATE_MODELS", str(models))
    monkeypatch.setattr(standing, "SIZE", (24, 16))
    monkeypatch.setattr(standing, "ENGINES", ("onnxruntime",))
    words = ["tiny_x2.test", "--root", str(tmp_path), "--data", str(tmp_path / "data"), "--cards"]
    monkeypatch.setattr("sys.argv", ["standing", *words])
    standing.main()
    quality = read_results(tmp_path / "results" / "quality.csv")
    speed = read_results(tmp_path / "results" / "speed.csv")
    assert {(row["model"], row["what"]) for row in quality} == {
        (model, what) for model in ("tiny_x2.test", "bicubic") for what in ("psnr_y", "ssim_y")
    }
    assert {row["what"] for row in speed} == {"time", "speed", "work", "peak_memory"}
    (facts,) = read_card(models / "tiny_x2.test.toml").quality
    assert (facts.set, facts.images) == ("Tiny", 1)
