"""Windows of a deblurred picture: which are run, what is taken from them, and what is not."""

import threading
import tracemalloc

import numpy as np
import pytest

from deblurring import (
    AREA_PX,
    CORE_PX,
    HALO_PX,
    blur,
    checkerboard,
    composed,
    deblur_card,
    deblur_plan,
    joined,
    sharp,
)
from foveate.engine.fake_deblur import FakeDeblurSession
from foveate.engine.session import Interrupted
from foveate.errors import ModelError
from foveate.look.blurred_parts import all_show_blur, blurred_parts, is_blurred_everywhere
from foveate.pipelines.alpha import bleeding
from foveate.run.composite import FEATHER_PX
from foveate.run.deblur import Deblurring
from foveate.run.executor import run_windows
from foveate.run.looking import Blurred, look_bytes, look_over, look_plan
from foveate.run.rows import Prepare
from strategies import DTYPES, RowSource


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("bands", [1, 2, 3, 4])
def test_a_sharp_picture_is_looked_at_and_copied(dtype, bands):
    pixels = sharp(150, 170, bands, dtype)
    parts, sessions = composed(pixels)
    rows, mask = joined(parts)
    assert (rows == pixels).all()
    assert not mask.any()
    assert sum(session.looks for session in sessions) == 4
    assert sum(session.runs for session in sessions) == 0
    assert all(part.mask is None for part in parts)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("bands", [1, 2, 3, 4])
def test_kept_windows_are_the_networks_and_all_else_is_the_inputs(dtype, bands):
    pixels = blur(sharp(200, 170, bands, dtype), 56, 40, 80, 64)  # over the borders of four cores
    parts, sessions = composed(pixels)
    rows, mask = joined(parts)
    kept = np.zeros(mask.shape, bool)
    kept[56:136, 40:104] = True
    assert (mask == kept).all()
    assert (rows[~mask] == pixels[~mask]).all()
    deep = slice(56 + FEATHER_PX, 136 - FEATHER_PX), slice(40 + FEATHER_PX, 104 - FEATHER_PX)
    colours = 3 if bands >= 3 else 1
    made = rows[..., :colours][deep].astype(float)
    assert np.abs(made - checkerboard(pixels)[deep]).max() <= (1e-6 if dtype == "float32" else 1)
    assert (rows[deep][..., :colours] != pixels[deep][..., :colours]).all()
    assert (rows[..., colours:] == pixels[..., colours:]).all()
    assert sum(session.runs for session in sessions) == 6  # of twelve


def test_what_the_look_lets_in_at_a_share_of_the_threshold_is_run_and_may_come_out_as_it_was():
    pixels = sharp(150, 170)  # the look says 0.25
    for entry, runs in ((0.6, 0), (0.4, 4)):
        parts, sessions = composed(pixels, entry=entry)
        rows, mask = joined(parts)
        assert sum(session.runs for session in sessions) == runs
        assert not mask.any()
        assert (rows == pixels).all()


def test_a_part_without_evidence_enough_is_left_alone():
    """The look says 0.75 where it is blurred; the second part has more of it, and one of 0.9."""
    pixels = blur(sharp(128, 256), 16, 16, 24, 24)
    blur(pixels, 48, 160, 32, 32)
    pixels[56:64, 168:176] = 240
    pixels[56:60, 168:172] = 200
    for evidence, parts in ((0.0, 2), (0.45, 2), (0.65, 1), (0.85, 0)):
        rows, mask = joined(composed(pixels, evidence=evidence)[0])
        expected = np.zeros(mask.shape, bool)
        expected[16:40, 16:40] = parts > 1
        expected[48:80, 160:192] = parts > 0
        assert (mask == expected).all(), evidence
        assert (rows[~mask] == pixels[~mask]).all()


def test_a_picture_that_is_blurred_nearly_everywhere_is_restored_all_over():
    pixels = blur(sharp(150, 170), 0, 0, 150, 130)
    odds = -np.log(3) * 40 / 170  # 0.25 in 40 columns; 0.75 in the others, which say nothing
    for everywhere, is_all in ((None, False), (odds - 0.1, True), (odds + 0.1, False)):
        parts, sessions = composed(pixels, everywhere=everywhere)
        rows, mask = joined(parts)
        assert mask[:, :120].all()
        assert mask.all() == is_all
        assert (rows[~mask] == pixels[~mask]).all()
        assert sum(session.looks for session in sessions) == 4


def test_evidence_is_what_exceeds_the_threshold():
    """The look says 0.75: log-odds of 1.1, of which a threshold of 0.6 leaves 0.7."""
    pixels = blur(sharp(64, 256), 0, 0, 64, 256)
    for threshold, is_found in ((0.5, True), (0.6, False)):
        _, mask = joined(composed(pixels, threshold=threshold, evidence=0.8)[0])
        assert mask.all() == mask.any() == is_found


def test_a_picture_in_which_nothing_is_found_is_not_blurred_all_over():
    """All its windows are as good as undecided; with one part that has evidence it is."""
    pixels = sharp(128, 256)  # the look says 0.25
    for _ in range(2):
        mask = joined(composed(pixels, entry=0.4, evidence=0.8, everywhere=-1.2)[0])[1]
        assert mask.all() == mask.any() == (pixels.max() > 90)
        pixels = blur(pixels, 32, 32, 64, 64)


@pytest.mark.parametrize(("evidence", "is_all"), [(2.0, True), (2.4, False)])
def test_all_of_a_picture_needs_half_the_evidence_of_a_part(evidence, is_all):
    """The look says 0.75 everywhere, log-odds of 1.1: no part for either."""
    pixels = blur(sharp(128, 256), 0, 0, 128, 256)
    mask = joined(composed(pixels, evidence=evidence, everywhere=-0.1)[0])[1]
    assert mask.all() == mask.any() == is_all


def test_finding_parts_takes_no_more_than_is_planned_for():
    probability = np.random.default_rng(0).random((200, 300), np.float32)
    tracemalloc.start()
    try:
        flat = probability > 0.9
        is_blurred_everywhere(probability, 9.0)
        all_show_blur(probability, 1.0, 0.5, flat)
        blurred_parts(probability, 0.3, 1.0, flat=flat)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert 2 * (probability.nbytes + flat.nbytes) + peak <= look_bytes(300 * 8, 200 * 8)


@pytest.mark.parametrize("is_told", [False, True])
def test_what_is_restored_at_the_border_has_neighbours_beyond_it(is_told):
    seen = []

    class Noted(FakeDeblurSession):
        def run(self, area, **given):
            seen.append(given["mask"])
            return super().run(area, **given)

    pixels = sharp(64, 100)
    mask = np.ones((64, 100), bool)
    mask[:, :40] = not is_told
    plan, card = deblur_plan(pixels, workers=1), deblur_card()
    blurred = Blurred(np.zeros((8, 13), np.float32), everywhere=True)
    treatment = Deblurring(plan, threshold=0.5, masked=is_told, blurred=blurred)
    rows = np.dstack([pixels, mask.astype(np.uint8)]) if is_told else pixels
    list(run_windows(plan, RowSource(rows), [Noted(card)], treatment))
    left = 40 if is_told else 0
    (told,) = seen  # (128, 128): all of the picture's width, and its height
    assert told[: 64 + HALO_PX, left:].all()
    assert not told[:, :left].any()
    assert not told[64 + HALO_PX :].any()


@pytest.mark.parametrize("width", [1, 64, 65, 150, 900])
@pytest.mark.parametrize("height", [1, 64, 65, 150, 900])
def test_the_looks_windows_are_larger_and_their_rows_planned(height, width):
    plan = deblur_plan(np.zeros((height, width, 3), np.uint8))
    look = look_plan(plan, deblur_card()).grid
    assert look.columns == -(-width // (2 * CORE_PX))
    assert look.bands == -(-height // (2 * CORE_PX))
    assert sum(w.core.width * w.core.height for w in look.windows()) == height * width
    highest = max(window.area.height for window in look.windows())
    # Of the bands in flight, and of one that is being read.
    assert plan.memory.rows >= (plan.bands_in_flight + 1) * highest * width * 3


def test_a_mask_is_not_looked_up_but_obeyed():
    pixels, mask = sharp(150, 170), np.zeros((150, 170), bool)
    mask[20:40, 20:60] = True
    parts, sessions = composed(pixels, mask)
    assert (joined(parts)[1] == mask).all()
    assert sum(session.looks for session in sessions) == 0
    assert sum(session.runs for session in sessions) == 1


def test_a_part_counts_in_every_area_it_reaches():
    """No core holds evidence enough by itself: the part has 90 windows of log-odds 1.1."""
    pixels = blur(sharp(64, 256), 16, 8, 24, 240)
    parts, sessions = composed(pixels, evidence=0.9)
    _, mask = joined(parts)
    assert mask[16:40, 8:248].all()
    assert mask.sum() == 24 * 240
    assert sum(session.looks for session in sessions) == 2
    assert all(session.given_back == session.looks for session in sessions)


def test_the_network_is_told_of_its_neighbours_and_beyond_the_picture():
    seen = []

    class Noted(FakeDeblurSession):
        def run(self, area, **given):
            seen.append(given["look"] > 0.5)
            return super().run(area, **given)

    pixels = blur(sharp(64, 256), 40, 48, 24, 208)  # to the picture's corner
    plan, card = deblur_plan(pixels, workers=1), deblur_card()
    blurred = look_over(plan, RowSource(pixels), [FakeDeblurSession(card)], 0.5)
    treatment = Deblurring(plan, threshold=0.5, blurred=blurred)
    list(run_windows(plan, RowSource(pixels), [Noted(card)], treatment))
    assert [look.shape for look in seen] == [(16, 16)] * 4
    assert seen[0][5:, 6:].all()  # down beyond the picture, and the halo on the right
    assert seen[3][5:].all()
    assert not any(look[:5].any() for look in seen)


def test_leaving_interrupts_what_is_under_way():
    second, interrupted = threading.Event(), threading.Event()

    class Slow(FakeDeblurSession):
        def run(self, area, **given):
            if not self.runs:
                return super().run(area, **given)
            second.set()
            assert interrupted.wait(5), "nobody interrupted"
            raise Interrupted

        def interrupt(self):
            interrupted.set()

    def leave(_event):
        assert second.wait(5)
        raise KeyboardInterrupt

    pixels = blur(sharp(64, 256), 0, 0, 64, 256)
    plan, everywhere = deblur_plan(pixels, workers=1), Blurred(np.ones((8, 32), np.float32))
    treatment = Deblurring(plan, threshold=0.5, blurred=everywhere)
    with pytest.raises(KeyboardInterrupt):
        list(run_windows(plan, RowSource(pixels), [Slow(deblur_card())], treatment, leave))
    assert interrupted.is_set()


def test_a_window_whose_halo_alone_is_blurred_is_copied():
    pixels = sharp(128, 256)
    blur(pixels, 32, 64, 32, 32)  # its left edge is the core's border; a cell of the look is 32
    parts, sessions = composed(pixels)
    assert sum(session.runs for session in sessions) == 1
    assert parts[0].decided.ran.tolist() == [False, True, False, False]


@pytest.mark.parametrize("size", [(1, 1), (7, 200), (AREA_PX + 1, 3), (65, 129), (300, 40)])
def test_any_size_is_restored_to_its_last_pixel(size):
    pixels = blur(sharp(*size), 0, 0, *size)
    rows, mask = joined(composed(pixels)[0])
    assert mask.all()
    assert (rows == checkerboard(pixels)).all()


@pytest.mark.parametrize("workers", [1, 2, 3])
def test_no_bit_depends_on_who_computes(workers):
    pixels = blur(sharp(200, 300), 20, 30, 150, 150)
    rows, _ = joined(composed(pixels, workers=workers)[0])
    assert (rows == joined(composed(pixels, workers=1)[0])[0]).all()


def test_two_areas_that_disagree_leave_no_edge_at_their_border():
    # The window right of the border keeps nothing: what the left one keeps fades out before it.
    def spoil(restored):
        left = restored.pixels[0, 40, 40] > 0.9
        return restored if left else restored._replace(keep=restored.keep & False)

    pixels = blur(sharp(64, 256), 0, 0, 64, 256)
    pixels[40, 40, 0] = 255  # in the left area's frame only: the right one begins elsewhere
    plain, _ = joined(composed(pixels)[0])
    rows, mask = joined(composed(pixels, spoil=spoil)[0])
    assert mask[:, :CORE_PX].all()
    assert not mask[:, CORE_PX:].any()
    steps = np.abs(rows.astype(int) - pixels)[:, CORE_PX - FEATHER_PX - 2 : CORE_PX].max((0, 2))
    assert (np.diff(steps) <= 0).all()
    assert steps[-1] <= steps[0] / FEATHER_PX + 1
    assert (plain[:, CORE_PX:] != pixels[:, CORE_PX:]).any()


def test_a_mask_decides_alone_and_narrow_ones_work():
    pixels = blur(sharp(200, 170), 100, 100, 40, 40)  # blurred, but not asked for
    mask = np.zeros((200, 170), bool)
    mask[10:12, 5:60] = True
    rows, may = joined(composed(pixels, mask)[0])
    assert (may == mask).all()
    assert (rows[~mask] == pixels[~mask]).all()
    assert (rows[mask] != pixels[mask]).any()


def test_a_mask_runs_only_the_windows_it_touches():
    pixels = sharp(256, 256)
    mask = np.zeros((256, 256), bool)
    mask[70, 70] = True
    parts, sessions = composed(pixels, mask)
    assert sum(session.runs for session in sessions) == 1
    assert [part.decided.ran.any() for part in parts] == [False, True, False, False]


def test_hidden_colours_are_not_touched_and_not_seen():
    pixels = blur(sharp(64, 64, 4), 0, 0, 64, 64)
    pixels[20:40, 20:40] = (255, 0, 0, 0)
    rows, mask = joined(composed(pixels, prepare=bleeding(4))[0])
    assert (rows[20:40, 20:40] == (255, 0, 0, 0)).all()
    assert not mask[20:40, 20:40].any()
    assert mask.sum() == 64 * 64 - 400


def test_grey_stays_grey_in_a_colour_picture():
    def tint(restored):
        restored.pixels[0] += 0.05
        return restored

    grey = blur(sharp(200, 200, 1), 0, 0, 200, 200).repeat(3, 2)
    rows, mask = joined(composed(grey, spoil=tint)[0])
    assert mask.all()
    assert (rows == rows[..., :1]).all()
    assert (rows != grey).any()


def test_strength_makes_that_share_of_the_change():
    pixels = blur(sharp(64, 64), 0, 0, 64, 64)
    whole = joined(composed(pixels)[0])[0].astype(float) - pixels
    half = joined(composed(pixels, strength=0.5)[0])[0].astype(float) - pixels
    assert np.abs(half - whole / 2).max() <= 0.51


def test_look_only_runs_nothing():
    pixels = blur(sharp(64, 64), 0, 0, 64, 64)
    parts, sessions = composed(pixels, look_only=True)
    assert (joined(parts)[0] == pixels).all()
    assert sum(session.runs for session in sessions) == 0
    assert parts[0].decided.confidence.min() > 0.5


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_a_result_that_is_no_picture_is_refused(value):
    def spoil(restored):
        restored.pixels[1, 3, 4] = value
        return restored

    with pytest.raises(ModelError, match="NaN"):
        composed(blur(sharp(64, 64), 0, 0, 64, 64), spoil=spoil)


def test_a_result_of_another_shape_is_refused():
    def spoil(restored):
        return restored._replace(keep=restored.keep[1:])

    with pytest.raises(ModelError, match="not what its card says"):
        composed(blur(sharp(64, 64), 0, 0, 64, 64), spoil=spoil)


def test_what_the_network_is_shown_instead_is_not_what_is_copied():
    def darken(rows):
        rows //= 2
        return rows

    pixels = sharp(64, 64)
    rows, _ = joined(composed(pixels.copy(), prepare=Prepare(darken, 0))[0])
    assert (rows == pixels).all()
