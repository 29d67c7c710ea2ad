"""What a self-ensemble gains and costs: rows by number of runs."""

import pytest

from foveate.bench.evaluate import evaluate
from foveate.bench.self_ensemble import measure_self_ensemble
from foveate.pipelines.pixels import OpenModel
from pictures import photo, write_picture


@pytest.fixture
def data(tmp_path):
    for name in ("Set5",):
        folder = tmp_path / "data" / name / "HR"
        folder.mkdir(parents=True)
        write_picture(folder / "a.png", photo(40, 48))
    return tmp_path / "data"


def test_time_and_quality_stand_beside_one_run(model, data):
    rows = list(measure_self_ensemble(model, photo(24, 30), data, threads=1))
    lanes = ["self-ensemble of 1", "self-ensemble of 2", "self-ensemble of 4"]
    times = [row for row in rows if row.what == "time"]
    assert [row.lane for row in times] == lanes
    assert {row.baseline for row in times} == {lanes[0]}
    assert times[0].ratio == 1
    quality = {(row.set, row.lane): row.value for row in rows if row.what == "psnr_y"}
    assert len(quality) == 3
    with OpenModel(model, self_ensemble=4) as opened:
        four = evaluate("m", opened.upscale, 2, data / "Set5").rows[0].psnr_y
    assert quality["Set5", lanes[2]] == four != quality["Set5", lanes[0]]
