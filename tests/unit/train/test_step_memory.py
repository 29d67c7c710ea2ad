"""What a step takes: EMHA a quarter of the original's attention, ours next to nothing."""

import pytest

torch = pytest.importorskip("torch", reason="needs the extra 'train'")
pytestmark = pytest.mark.train

import msgspec

from foveate.bench import esrt_ablations
from foveate.bench.attention_memory import ORIGINAL, WAYS, attention_bytes
from foveate.bench.esrt_ablations import ABLATIONS, measure_ablations
from foveate.bench.torch_child import MemoryChildren
from foveate.errors import FoveateError
from foveate.train.measure.step_memory import Request, measure


def test_emha_needs_a_quarter_of_the_originals_attention_and_ours_a_tenth():
    facts = {"side": 48, "training": True}
    with MemoryChildren() as ask:
        found = attention_bytes(WAYS, facts, ask)
    shares = {lane: sizes[0] / found[ORIGINAL][0] for lane, sizes in found.items()}
    print(shares)
    # The paper says 4,191 of 16,057 MB: 26 %.
    assert 0.2 < shares["EMHA, plain"] <= 0.26
    assert shares["EMHA, blocked"] <= 0.10
    assert shares["EMHA, fused"] <= 0.10


@pytest.mark.parametrize("way", ["blocked", "fused"])
def test_ours_is_the_same_result(way):
    answer = measure(Request(part="block", side=20, way=way, compare=True))
    assert answer.difference <= 1e-5
    through = measure(Request(part="block", side=20, way="none", compare=True))
    assert through.difference > 1e-2  # the comparison can fail


def test_every_ablation_builds_trains_a_step_and_is_a_row(monkeypatch):
    def here(request):
        return msgspec.to_builtins(measure(msgspec.convert(request, Request)))

    monkeypatch.setattr(esrt_ablations, "MEMORY_WAYS", ("fused",))
    rows = {(row.model, row.what): row for row in measure_ablations(here, side=10)}
    assert {model for model, _ in rows} == set(ABLATIONS)
    parameters = {name: rows[name, "parameters"].value for name in ABLATIONS}
    whole = parameters["as published (EMHA, s = 4)"]
    assert whole == 751_767
    assert parameters["EMHA, s = 1"] == parameters["EMHA, s = 8"] == whole
    assert min(parameters, key=parameters.get) in {"no transformer", "no ARFB"}
    macs = {name: rows[name, "MACs per LR pixel"].value for name in ABLATIONS}
    assert macs["no transformer"] < macs["EMHA, s = 8"] < macs["EMHA, s = 2"] < macs["EMHA, s = 1"]
    assert {what for _, what in rows if "training step" in what} == {
        "MiB of a training step, fused attention"
    }


def test_a_request_that_means_nothing_is_told():
    with MemoryChildren() as ask, pytest.raises(FoveateError, match="heads"):
        ask({"part": "net", "side": 8, "options": {"heads": 3}})
