import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from foveate.errors import ModelError, ResourceError
from foveate.plan.plan import grid_of, make_plan
from strategies import cores, make_card, sizes

MIB = 1 << 20
CARD = make_card((64, 48), session_bytes_per_lr_pixel=4000)


def plan_of(width=1000, height=700, bands=3, depth="uint8", card=CARD, **options):
    options = {
        "memory_bytes": 1024 * MIB,
        "threads": 2,
        "decoder_bytes": 3 * MIB,
        "encoder_bytes": 5 * MIB,
        **options,
    }
    return make_plan(width, height, bands, depth, card, **options)


def test_the_grid_is_a_fact_of_card_and_size_alone():
    grids = {
        plan_of(memory_bytes=memory * MIB, threads=threads, engine=engine).grid
        for memory in (200, 256, 1024, 9999)
        for threads in (1, 2, 8)
        for engine in ("onnxruntime", "openvino")
    }
    assert grids == {grid_of(CARD, 1000, 700)}


@pytest.mark.parametrize("memory", [150, 200, 256, 512, 4096])
@pytest.mark.parametrize("threads", [1, 2, 8])
def test_the_estimate_stays_under_what_is_allowed(memory, threads):
    plan = plan_of(memory_bytes=memory * MIB, threads=threads)
    assert plan.memory.total <= memory * MIB
    assert 1 <= plan.workers <= threads
    assert 1 <= plan.bands_in_flight <= 4


def test_more_memory_never_means_fewer_at_work():
    plans = [plan_of(memory_bytes=memory * MIB, threads=8) for memory in range(140, 600, 10)]
    workers = [min(plan.workers, plan.bands_in_flight * plan.grid.columns) for plan in plans]
    assert workers == sorted(workers)
    assert workers[0] < workers[-1] == 8


def test_a_narrow_picture_gets_bands_enough_for_its_workers():
    plan = plan_of(width=60, height=700, threads=3)
    assert plan.grid.columns == 1
    assert plan.workers == 3
    assert plan.bands_in_flight == 4


def test_no_more_workers_than_windows():
    assert plan_of(width=60, height=40, threads=8).workers == 1


def test_too_little_memory_says_what_would_do():
    with pytest.raises(ResourceError, match=r"needs (\d+) MiB, --memory allows 64 MiB") as caught:
        plan_of(memory_bytes=64 * MIB)
    needed = int(caught.value.cause.split()[1])
    assert plan_of(memory_bytes=needed * MIB).workers == 1
    assert f"--memory {needed}MiB" in caught.value.remedy
    with pytest.raises(ResourceError):
        plan_of(memory_bytes=(needed - 1) * MIB)


def test_memory_has_a_part_for_everyone():
    memory = plan_of().memory
    assert (memory.decoder, memory.encoder) == (3 * MIB, 5 * MIB)
    assert memory.total == sum(
        (memory.base, memory.sessions, memory.decoder, memory.rows, memory.encoder)
    )


@pytest.mark.parametrize(("bands", "depth", "times"), [(4, "uint8", 4 / 3), (3, "float32", 4)])
def test_rows_weigh_by_bands_and_depth(bands, depth, times):
    weight = plan_of(bands=bands, depth=depth).memory.rows / plan_of().memory.rows
    assert weight == pytest.approx(times)


@given(sizes(), sizes(), cores(), st.integers(1, 4), st.integers(1, 6))
def test_any_picture_and_card_can_be_planned(width, height, facts, scale, threads):
    core_width, core_height, halo, multiple = facts
    card = make_card((core_width, core_height), halo, multiple, scale=scale)
    plan = plan_of(width, height, card=card, threads=threads)
    assert plan.windows == len(list(plan.grid.windows()))
    assert plan.memory.total <= plan.memory_limit


def test_a_plan_is_json():
    plan = plan_of(target=(1500, 1050))
    plain = json.loads(json.dumps(plan.as_dict()))
    assert plain["windows"] == plan.grid.columns * plan.grid.bands
    assert plain["memory"]["total"] == plan.memory.total
    assert plain["target"] == [1500, 1050]
    assert plain["grid"]["halo"] == 6


def test_the_network_computes_all_areas_and_alpha_once_more():
    areas = sum(w.area.width * w.area.height for w in plan_of().grid.windows())
    assert plan_of().network_pixels == areas
    assert plan_of(bands=4).network_pixels == 2 * areas


def test_a_self_ensemble_costs_as_many_runs_and_a_sum():
    one, four = plan_of(), plan_of(self_ensemble=4)
    assert four.network_pixels == 4 * one.network_pixels
    assert four.worker_pixels == 4 * one.worker_pixels
    assert (four.grid, four.windows) == (one.grid, one.windows)
    more = four.memory.sessions - one.memory.sessions
    assert more == 2 * (13 + 12 * 2**2) * one.grid.largest_area()


def test_the_busiest_worker_has_whole_windows():
    one, two, three = (plan_of(100, 48, threads=threads) for threads in (1, 2, 3))
    assert [plan.windows_at_once for plan in (one, two, three)] == [1, 2, 2]
    assert one.worker_pixels == one.network_pixels == 2 * two.worker_pixels
    odd = plan_of(190, 48, threads=2)
    assert (odd.windows, odd.worker_pixels) == (3, odd.network_pixels / 3 * 2)


def test_a_card_whose_window_is_no_grid_is_refused():
    with pytest.raises(ModelError, match=r"card of tiny_x2\.test is not valid.*multiples of 2"):
        plan_of(card=make_card((63, 48)))
