"""LMD-ViT against the golden vectors: names, outputs, decisions, layers, padding, losses."""

import copy
import json
import zlib
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="needs the extra 'train'")
pytestmark = pytest.mark.train

from foveate.nets.attention_windows import centred_padding
from foveate.nets.lmdvit import LMDViT, LMDViTConfig
from foveate.train import deblur_losses

NETS = {"full": LMDViTConfig(), "tiny": LMDViTConfig(width=16, depths=(1, 1, 2, 3, 2, 3, 2, 1, 1))}
LAYER_NORMS = ("norm1.weight", "norm2.weight", "in_conv.2.weight")


@pytest.fixture(scope="module", params=["tiny", "full"])
def case(request):
    """A net in float64 with every tensor set by the golden rule; its facts and vectors."""
    folder = Path(__file__).parents[3] / "shared" / "facts" / "golden"
    if not folder.is_dir():
        pytest.skip("../shared is not there: it holds the golden vectors")
    facts = json.loads((folder / f"lmdvit_{request.param}.json").read_text())
    vectors = np.load(folder / f"lmdvit_{request.param}.npz")
    net = LMDViT(NETS[request.param]).double().eval()
    with torch.no_grad():
        for name, parameter in net.named_parameters():
            parameter.copy_(torch.from_numpy(ruled(name, tuple(parameter.shape))))
        for block, bias in facts["predictor_last_bias"].items():
            last = net.get_submodule(f"{block}.score_predictor.out_conv.4")
            last.bias.copy_(torch.tensor(bias, dtype=torch.float64))
    return net, facts, vectors


def ruled(name, shape):
    """One tensor by the golden rule, float64."""
    z = np.random.default_rng(zlib.crc32(name.encode())).standard_normal(shape)
    if name.endswith(LAYER_NORMS):
        return 1 + 0.1 * z
    for ending, size in ((".bias", 0.1), ("bias_table", 0.5), ("modulator.weight", 0.2)):
        if name.endswith(ending):
            return size * z
    if name.endswith("out_conv.4.weight"):
        return 8 * z / shape[1] ** 0.5
    if name.startswith("upsample"):
        return z / shape[0] ** 0.5
    return z / np.prod(shape[1:]) ** 0.5


def picture(vectors, dtype):
    return torch.from_numpy(vectors["x_u8"]).to(dtype)[None] / 255


def worst(result, expected):
    return float((result.restored[0].double() - torch.from_numpy(expected)).abs().max())


@pytest.mark.parametrize("file", ["full", "tiny"])
def test_tensor_names_shapes_and_order_are_the_authors(shared, file):
    prefix = "lmdvit_" if file == "full" else "lmdvit_tiny_"
    facts = json.loads((shared / "facts" / "golden" / f"{prefix}keys.json").read_text())
    net = LMDViT(NETS[file])
    ours = [
        [name, list(tensor.shape), str(tensor.dtype).removeprefix("torch.")]
        for name, tensor in net.state_dict().items()
    ]
    assert ours == [tensor[:3] for tensor in facts["tensors"]]
    assert sum(p.numel() for p in net.parameters()) == facts["parameters"]


def test_output_decisions_and_every_stage_are_the_golden_ones(case):
    net, facts, vectors = case
    seen = {}
    hooks = [
        module.register_forward_hook(lambda _, __, out, name=name: seen.update({name: out}))
        for name, module in net.named_children()
    ]
    with torch.no_grad():
        result = net(picture(vectors, torch.float64))
    for hook in hooks:
        hook.remove()
    assert worst(result, vectors["out_a"]) < 1e-6
    for decision in result.decisions:
        expected = vectors[f"keep.{decision.block}"]
        assert (decision.keep[0].numpy() == expected).all(), decision.block
        margin = (decision.logits[0, ..., 0] - decision.logits[0, ..., 1]).numpy()
        assert np.allclose(margin, vectors[f"logit_diff.{decision.block}"], rtol=1e-6, atol=1e-6)
    assert len(result.decisions) == len(facts["predictor_last_bias"])
    for name, stats in facts["stage_stats_case_a"].items():
        out = seen[name]
        out = out[0] if isinstance(out, tuple) else out
        if list(out.shape) != stats["shape"]:
            out = out.permute(0, 2, 3, 1)
        assert list(out.shape) == stats["shape"]
        assert abs(float(out.mean()) - stats["mean"]) < 1e-6, name
        assert abs(float(out.std(correction=0)) - stats["std"]) < 1e-6, name
        where = (2 * torch.arange(16) + 1) * out.numel() // 32
        samples = torch.tensor(stats["samples"], dtype=torch.float64)
        assert (out.reshape(-1)[where] - samples).abs().max() < 1e-6, name
    gate = facts["gate_case_a"]
    assert abs(float(result.gate.mean()) - gate["mean"]) < 1e-6
    assert float((result.gate <= 0.1).double().mean()) == gate["clamped_fraction"]


@pytest.mark.parametrize(("forced", "key"), [(1, "out_b"), (0, "out_c")])
def test_forced_decisions_give_the_golden_output(case, forced, key):
    net, _, vectors = case
    x = picture(vectors, torch.float64)
    with torch.no_grad():
        result = net(x, mask=torch.full_like(x[:, :1], forced))
    assert all((d.keep == forced).all() for d in result.decisions)
    assert worst(result, vectors[key]) < 1e-6


def test_float32_takes_the_same_decisions_within_the_golden_tolerance(case):
    net, _, vectors = case
    with torch.no_grad():
        result = copy.deepcopy(net).float()(picture(vectors, torch.float32))
    assert worst(result, vectors["out_a"]) < 2e-4
    for decision in result.decisions:
        assert (decision.keep[0].numpy() == vectors[f"keep.{decision.block}"]).all()


def test_padding_is_the_authors(shared):
    for row in json.loads((shared / "facts" / "golden" / "lmdvit_padding.json").read_text()):
        expected = (*row["padded"], row["top"], row["left"])
        assert centred_padding(row["h"], row["w"], LMDViTConfig().multiple) == expected


@pytest.fixture
def losses(shared):
    """The golden figures and the pair they were taken on: restored, sharp, mask, float64."""
    facts = json.loads((shared / "facts" / "golden" / "lmdvit_losses.json").read_text())
    random = np.random.default_rng(zlib.crc32(b"lmdvit.losses"))
    g = random.random((2, 3, 48, 64))
    p = np.clip(g + 0.1 * random.standard_normal((2, 3, 48, 64)), -0.05, 1.05)
    m = (random.random((2, 1, 48, 64)) > 0.7).astype(float)
    m[:, :, 10:30, 20:50] = 1
    assert facts["sums"] == pytest.approx({"g": g.sum(), "p": p.sum(), "m": m.sum()})
    return facts, *(torch.from_numpy(a) for a in (p, g, m))


def test_each_loss_and_metric_is_the_golden_one(losses):
    facts, p, g, m = losses
    clamped = facts["test_py_order_clamped"]
    c = p.clamp(0, 1)
    for ours, expected in (
        (deblur_losses.l1_term(p, g), facts["l1"]),
        (deblur_losses.l1_term(p, g, m), facts["l1_masked"]),
        (deblur_losses.fft_term(p, g), facts["fft"]),
        (deblur_losses.ssim_term(p, g), facts["neg_ssim"]),
        (deblur_losses.ssim_term(p, g, m), facts["neg_ssim_masked"]),
        (deblur_losses.psnr(p, g), facts["psnr"]),
        (deblur_losses.psnr(p, g, m), facts["psnr_w_mask3"]),
        (-deblur_losses.ssim_term(p, g, m), facts["ssim_w_mask3"]),
        (-deblur_losses.ssim_term(c, g), clamped["ssim"]),
        (-deblur_losses.ssim_term(c, g, m), clamped["ssim_w"]),
        (deblur_losses.psnr(c, g), clamped["psnr"]),
        (deblur_losses.psnr(c, g, m), clamped["psnr_w"]),
    ):
        assert ours.tolist() == pytest.approx(expected, abs=1e-8)


@pytest.mark.parametrize("shift", [False, True])
def test_least_over_shifts_is_the_golden_one(losses, shift):
    facts, p, g, _ = losses
    moved = torch.nn.functional.pad(g, (1, 1, 1, 1), mode="reflect")[:, :, 2:, :-2]
    noise = 0.02 * np.random.default_rng(7).standard_normal((2, 3, 48, 64))
    p2 = moved + torch.from_numpy(noise)
    pair = facts["calc_losses_shifted_pair"]
    assert [p2[0, 0, 5, 5].item(), g[0, 0, 6, 4].item()] == pytest.approx(pair["check"])
    plain = facts["calc_losses_shift_nomask" if shift else "calc_losses_noshift_nomask"]
    for restored, expected in ((p, plain), (p2, pair["with_shift" if shift else "without_shift"])):
        l1, ssim, fft = (
            deblur_losses.least_over_shifts(term, restored, g, shift=shift).mean().item()
            for term in (deblur_losses.l1_term, deblur_losses.ssim_term, deblur_losses.fft_term)
        )
        ours = {"l1": l1, "ssim": ssim, "fft": fft, "total": l1 + ssim + 0.1 * fft}
        assert ours == pytest.approx(expected, abs=1e-7)
