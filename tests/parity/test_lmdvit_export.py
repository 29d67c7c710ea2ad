"""LMD-ViT as a file of graphs equals LMD-ViT in torch, decisions included."""

import io
from dataclasses import replace

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="needs the extra 'train'")
pytestmark = pytest.mark.train

from foveate.engine.deblur_decisions import WantedRows
from foveate.engine.deblur_onnxruntime import OnnxRuntimeDeblurSession
from foveate.engine.open import open_deblur_sessions
from foveate.errors import ModelError
from foveate.models.card import WindowFacts, read_card
from foveate.models.store import find_model
from foveate.nets.lmdvit import SHIPPED, LMDViT
from foveate.train.export.deblur import (
    check_deblur_parity,
    count_block_macs,
    count_deblur_macs,
    detailed_area,
    export_deblur,
)
from foveate.train.export.deblur_file import write_graphs
from foveate.train.export.model import export_official
from foveate.train.start_deblur import deblur_tensors
from strategies import make_deblur_card

LOOK = replace(SHIPPED, width=8, depths=(2, 1, 2, 1, 2), heads=(1, 1, 2, 2, 1), look=4)
COARSE = replace(LOOK, depths=(0, 2, 2, 1, 0))
LIGHT = replace(LOOK, predictor="light", entry=1.0)
PAPER = replace(LIGHT, depths=(1, 2, 1, 1, 1), predictor="paper", down=4, look=0)
SMALL_WINDOW = replace(
    LIGHT, depths=(3, 1, 1), heads=(1, 2, 1), window=4, mlp_ratio=2, modulators=False, look=0
)
SIDE = 64
WINDOW = WindowFacts(32, 32, 16, 16, "approximate", minimum=SIDE)
FACTS = {
    "id": "tiny.local",
    "trained_for": "tests",
    "summary": "",
    "licence": "",
    "limits": "",
}


@pytest.fixture(autouse=True)
def one_thread():
    torch.set_num_threads(1)


def random_net(config, seed=0):
    """Every tensor random; the predictors' last biases such that about half is kept."""
    torch.manual_seed(seed)
    net = LMDViT(config).eval()
    for name, parameter in net.named_parameters():
        torch.nn.init.normal_(parameter, float("norm" in name and "weight" in name), 0.1)
    area = torch.from_numpy(detailed_area(SIDE))
    if config.predictor == "look":
        with torch.no_grad():
            net.look.both[-1].weight.mul_(1e3)
            net.look.both[-1].bias.sub_(net.look(area).quantile(0.9))
            net.output_proj.proj[0].weight[3].mul_(10)
            seen = net(area).last[net.look(area) > 0]
            net.output_proj.proj[0].bias[3].sub_(seen.median())
        return net
    for _ in range(9):  # as many as there are decisions, each depending on those before
        with torch.no_grad():
            for decision in net(area).decisions:
                predictor = net.get_submodule(f"{decision.block}.score_predictor")
                last = [m for m in predictor.modules() if isinstance(m, torch.nn.Linear)][-1]
                last.bias[0] -= (decision.logits[..., 0] - decision.logits[..., 1]).median()
    return net


def written(net, folder):
    file = io.BytesIO()
    write_graphs(net, SIDE, file)
    path = folder / "w.zip"
    path.write_bytes(file.getvalue())
    return path


@pytest.fixture(scope="module")
def light_file(tmp_path_factory):
    return written(random_net(LIGHT), tmp_path_factory.mktemp("light"))


@pytest.mark.parametrize(
    "config",
    [LOOK, COARSE, replace(COARSE, doubt=0.5), LIGHT, PAPER, SMALL_WINDOW],
    ids=["look", "coarse", "doubting", "light", "paper", "window 4"],
)
def test_session_and_torch_agree_decisions_included(config, tmp_path):
    net = random_net(config)
    with torch.no_grad():
        decisions = net(torch.from_numpy(detailed_area(SIDE))).decisions
        kept = net(torch.from_numpy(detailed_area(SIDE))).kept
    assert kept is None or kept.any()
    assert sum(0 < d.keep.mean() < 1 for d in decisions) > len(decisions) / 2
    worst = check_deblur_parity(net, make_deblur_card(config.entry), written(net, tmp_path))
    print(f"{worst:.1e}")
    assert worst < 1e-5


@pytest.mark.parametrize("config", [LOOK, COARSE, LIGHT], ids=["look", "coarse", "light"])
def test_the_weights_are_read_back_out_of_the_graphs(config, tmp_path):
    trained = random_net(config)
    found = deblur_tensors(LMDViT(config), written(trained, tmp_path))
    for name, tensor in trained.state_dict().items():
        if name.endswith("relative_position_index") or "score_predictor" in name:
            continue
        assert torch.allclose(found.pop(name), tensor, rtol=1e-6, atol=0), name
    assert found == {}


def test_graphs_of_another_net_are_refused(light_file):
    with pytest.raises(ModelError, match="does not hold this net"):
        deblur_tensors(LMDViT(replace(LIGHT, depths=(3, 1, 2, 1, 2))), light_file)


@pytest.mark.parametrize(
    "spoilt",
    [
        "conv.blocks.1.attn.proj.weight",
        "output_proj.proj.0.bias",
        "upsample_0.deconv.0.weight",
        "decoderlayer_1.blocks.1.score_predictor.logits.bias",
        "look.both.2.bias",
    ],
)
def test_a_graph_that_differs_from_torch_is_refused(spoilt, light_file):
    net = random_net(LIGHT)
    with torch.no_grad():
        net.get_parameter(spoilt).view(-1)[0] += 0.1
    with pytest.raises(ModelError, match=r"differs from torch|decides otherwise"):
        check_deblur_parity(net, make_deblur_card(), light_file)


def test_the_same_weights_give_the_same_bytes(tmp_path, light_file):
    assert written(random_net(LIGHT), tmp_path).read_bytes() == light_file.read_bytes()


def test_an_exported_model_is_found_opened_and_checked(tmp_path):
    net = random_net(LIGHT)
    path = export_deblur(net, FACTS, tmp_path, WINDOW)
    card, model = read_card(path), find_model(tmp_path / "tiny.local.zip")
    assert model.card == card
    assert (card.family, card.task, card.scale) == ("lmdvit", "deblur", 1)
    assert card.parameters == sum(p.numel() for p in net.parameters())
    assert card.session_bytes_per_lr_pixel > 0
    assert card.window.deviation > 0
    for session in open_deblur_sessions(card, model.weights_path, 1):
        session.close()


def test_costs_on_the_card_are_those_of_the_parts():
    with torch.no_grad():
        net = LMDViT(SHIPPED).eval()
    kept, skeleton, look = count_deblur_macs(net)
    assert (kept, skeleton) == (7_216 + 93_112, 7_216)
    assert look == pytest.approx(3_047, abs=8)
    side = SHIPPED.multiple
    macs = count_block_macs(net)
    decisions = net(torch.zeros(1, 3, side, side)).decisions
    by_block = sum(macs[d.block] * (side // d.size_px) ** 2 for d in decisions)
    assert by_block == pytest.approx((kept - skeleton) * side**2, rel=1e-5)


def test_something_must_decide_at_full_resolution():
    with pytest.raises(ValueError, match="only a look can decide"):
        write_graphs(LMDViT(replace(COARSE, predictor="light", entry=1.0)), SIDE, io.BytesIO())


def test_attention_windows_of_odd_side_are_refused():
    with pytest.raises(ValueError, match="only even"):
        write_graphs(LMDViT(replace(SMALL_WINDOW, window=3)), 48, io.BytesIO())


def test_the_authors_file_becomes_a_model(tmp_path, monkeypatch):
    monkeypatch.setattr("foveate.train.export.model.DEBLUR_WINDOW", WINDOW)
    net = random_net(replace(PAPER, drop_path=0.1))
    tensors = {f"module.{name}": value for name, value in net.state_dict().items()}
    torch.save({"state_dict": tensors, "global_steps": 1}, tmp_path / "model.pth")
    path = export_official(tmp_path / "model.pth", "lmdvit", "official.local", tmp_path)
    card = read_card(path)
    assert (card.id, card.task, card.training.author) == (
        "official.local",
        "deblur",
        "H. Li et al.",
    )


@pytest.mark.parametrize("share", [0.0, 0.001, 0.01, 0.2])
def test_rows_that_nothing_reads_are_not_made_and_no_bit_depends_on_it(tmp_path, share):
    path = written(random_net(COARSE), tmp_path)
    thrifty, lavish = (
        OnnxRuntimeDeblurSession(make_deblur_card(COARSE.entry), path) for _ in range(2)
    )
    every = np.ones(SIDE, bool)
    lavish._wanted = lambda *_: WantedRows([every] * 3, [every] * 2)
    area = detailed_area(SIDE)
    for seed in range(6):
        mask = np.random.default_rng(seed).random((SIDE, SIDE)) < share
        mask[: seed * 8] = False
        ours, theirs = (session.run(area, mask=mask) for session in (thrifty, lavish))
        assert (ours.pixels == theirs.pixels).all()
        assert (ours.confidence == theirs.confidence).all()
        assert sum(ours.work.values()) <= sum(theirs.work.values())
    if share < 0.1:
        assert sum(ours.work.values()) < sum(theirs.work.values())
