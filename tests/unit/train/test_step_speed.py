"""What makes a step cheap: every variant trains, and its rows are by LR pixel."""

from pathlib import Path

import pytest

torch = pytest.importorskip("torch", reason="needs the extra 'train'")
pytestmark = pytest.mark.train

import msgspec

from foveate.bench import esrt_training
from foveate.bench.esrt_training import AS_SET, VARIANTS, measure_training
from foveate.train.measure import step_speed
from foveate.train.measure.step_speed import Request, measure

RECIPE = Path(__file__).parents[3] / "recipes" / "esrt_x2.bicubic.toml"
SMALL = ("net.options.features=16", "data.patch=8")


def test_a_step_is_timed_and_the_first_apart():
    answer = measure(Request(str(RECIPE), (*SMALL, "data.batch=2"), steps=3))
    assert len(answer.step_ms) == 3
    assert answer.lr_pixels == 2 * 8 * 8
    assert min(answer.step_ms) > 0 < answer.first_s


def test_weights_move(monkeypatch):
    seen = []
    real = step_speed.build_net
    monkeypatch.setattr(step_speed, "build_net", lambda *a: seen.append(real(*a)) or seen[-1])
    measure(Request(str(RECIPE), (*SMALL, "data.batch=1"), steps=1))
    torch.manual_seed(0)
    fresh = real("esrt", {"scale": 2, "anchor": "bicubic", "features": 16})
    assert not torch.equal(seen[0].head[0].weight, fresh.head[0].weight)


def test_every_variant_is_a_row_by_lr_pixel(monkeypatch):
    asked = []

    def here(_, request):
        request |= {"overrides": (*request["overrides"], *SMALL, "optimiser.compile=false")}
        asked.append(msgspec.convert(request, Request))
        answer = msgspec.to_builtins(measure(asked[-1]))
        return answer | {"step_ms": [2.0, 4.0], "lr_pixels": 1000}

    monkeypatch.setattr(esrt_training, "ask_child", here)
    rows = list(measure_training(RECIPE, list(VARIANTS), steps=1))
    times = [row for row in rows if "us per LR pixel" in row.what]
    assert [row.lane for row in times] == list(VARIANTS)
    assert {(row.value, row.min, row.max, row.ratio) for row in times} == {(3, 2, 4, 1)}
    assert {row.baseline for row in times} == {AS_SET}
    variants = dict(zip(VARIANTS, asked, strict=True))
    assert not variants["not channels-last"].channels_last
    assert "optimiser.bf16=false" in variants["compiled, float32"].overrides
    assert "optimiser.compile=true" in variants["compiled, float32"].overrides
