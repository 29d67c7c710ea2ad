"""The deblurring loss: the pruning term by the naive formula, weights, shifts, gradients."""

import math

import pytest

torch = pytest.importorskip("torch", reason="needs the extra 'train'")
pytestmark = pytest.mark.train

from foveate.nets.lmdvit import Decision, Restored
from foveate.train.deblur_losses import (
    DeblurLossSettings,
    deblur_loss,
    l1_term,
    log_mse_term,
    pruning_loss,
    psnr,
    ssim_term,
)


def decision(rows, columns, size_px, shift_px, batch=2):
    logits = torch.randn(batch, rows, columns, 2, requires_grad=True)
    return Decision("conv.blocks.0", logits, torch.ones(batch, rows, columns), size_px, shift_px)


def test_pruning_loss_is_the_mean_surprise_at_the_windows_labels():
    torch.manual_seed(0)
    mask = torch.zeros(2, 1, 32, 32)
    mask[0, 0, 17, 3] = 1  # in the window of row 1 (of 2), and of row 1, column 3 when shifted by 4
    plain, shifted = decision(2, 2, 16, 0), decision(4, 4, 8, 4)
    expected = []
    for d, kept in ((plain, {(0, 1, 0)}), (shifted, {(0, 1, 3)})):
        p = d.logits.detach().softmax(-1)
        cells = [(b, y, x) for b in range(2) for y in range(len(p[0])) for x in range(len(p[0]))]
        surprise = [-math.log(p[c][0 if c in kept else 1]) for c in cells]
        expected.append(sum(surprise) / len(surprise))
    loss = pruning_loss([plain, shifted], mask)
    assert loss.item() == pytest.approx(sum(expected) / 2, rel=1e-5)
    loss.backward()
    assert plain.logits.grad[0, 1, 0, 0] < 0  # more confidence in keeping the blurred window
    assert plain.logits.grad[1, 1, 0, 0] > 0  # and less in keeping a sharp one


def batch():
    torch.manual_seed(1)
    sharp = torch.rand(2, 3, 24, 32)
    restored = (sharp + 0.1 * torch.randn_like(sharp)).requires_grad_()
    mask = torch.zeros(2, 1, 24, 32)
    mask[0, :, 4:12, 6:20] = 0.4  # anything above 0 is blurred
    return Restored(restored, torch.ones(2, 1, 24, 32), [decision(3, 4, 8, 0)]), sharp, mask


def test_the_total_is_the_weighted_sum_of_its_terms():
    result, sharp, mask = batch()
    settings = DeblurLossSettings(l1=2, log_mse=0.2, ssim=0.5, fft=0.1, pruning=0.3)
    loss = deblur_loss(result, sharp, mask, settings)
    picture = 2 * loss.l1 + 0.2 * loss.log_mse + 0.5 * loss.ssim + 0.1 * loss.fft
    expected = picture + 0.3 * loss.pruning
    assert loss.total.item() == pytest.approx(expected.item())
    loss.total.backward()
    assert torch.isfinite(result.restored.grad).all()


def test_a_term_without_weight_is_not_computed(monkeypatch):
    result, sharp, mask = batch()
    monkeypatch.setattr("foveate.train.deblur_losses.ssim_term", None)
    loss = deblur_loss(result, sharp, mask, DeblurLossSettings(ssim=0))
    assert loss.ssim.item() == 0 < loss.l1.item()
    result = result._replace(last=torch.zeros(2, 3, 4))
    assert deblur_loss(result, sharp, mask, DeblurLossSettings(ssim=0, gate=0)).gate.item() == 0


def test_blurred_pixels_weigh_more_by_the_setting():
    result, sharp, mask = batch()
    loss = deblur_loss(result, sharp, mask, DeblurLossSettings(blurred=4))
    error, weight = (result.restored - sharp).abs(), 1 + 4 * (mask > 0)
    naive = [(e * w).sum() / (3 * w.sum()) for e, w in zip(error, weight, strict=True)]
    assert loss.l1.item() == pytest.approx((sum(naive) / 2).item(), rel=1e-5)
    plain = deblur_loss(result, sharp, mask, DeblurLossSettings())
    assert loss.ssim.item() != plain.ssim.item()


def test_in_log_mse_a_decibel_counts_the_same_wherever_it_is():
    sharp = torch.zeros(2, 3, 8, 8)
    errors = torch.tensor([0.1, 0.2])[:, None, None, None].expand_as(sharp)
    found = log_mse_term(errors, sharp) - log_mse_term(errors / 2, sharp)
    assert found.tolist() == pytest.approx([math.log(4)] * 2, abs=0.04)  # LEAST_MSE is in them
    same = log_mse_term(sharp, sharp)
    assert torch.isfinite(same).all()
    weight = torch.ones(2, 1, 8, 8)
    weight[..., :4] = 0
    half = torch.where(weight > 0, errors, 0)
    assert log_mse_term(half, sharp, weight).tolist() == log_mse_term(errors, sharp).tolist()


def test_an_empty_mask_weighs_nothing_and_breaks_nothing():
    result, sharp, _ = batch()
    empty = torch.zeros(2, 1, 24, 32)
    for term in (l1_term, ssim_term):
        assert term(result.restored, sharp, empty).abs().max() == 0
    assert psnr(result.restored, sharp, empty).isnan().all()


def test_the_shift_minimum_forgives_one_pixel_and_not_two():
    _, sharp, mask = batch()
    for pixels, forgiven in ((1, True), (2, False)):
        moved = Restored(sharp.roll((pixels, -1), (2, 3)), mask, [decision(3, 4, 8, 0)])
        loss = deblur_loss(moved, sharp, mask, DeblurLossSettings(shift=True))
        strict = deblur_loss(moved, sharp, mask, DeblurLossSettings())
        assert (loss.l1 < 0.3 * strict.l1).item() == forgiven
