"""Which size a picture gets, and which network leads there."""

import math

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from foveate.errors import UsageError
from foveate.pipelines.options import UpscaleOptions
from foveate.pipelines.target import choose_target
from strategies import sizes


@given(sizes(), sizes(), st.sampled_from([2, 3, 4]))
def test_integer_scales_are_the_network_s_own_output(width, height, scale):
    target = choose_target(width, height, UpscaleOptions(scale=scale), None)
    assert (target.width, target.height) == (width * scale, height * scale)
    assert (target.network_scale, target.is_exact) == (scale, True)


@given(sizes(), sizes(), st.floats(1.01, 4))
def test_fractions_round_each_side_and_take_the_next_larger_network(width, height, scale):
    options = UpscaleOptions(scale=scale)
    size = math.floor(width * scale + 0.5), math.floor(height * scale + 0.5)
    ratio = max(size[0] / width, size[1] / height)
    assume(1 < ratio <= 4)
    target = choose_target(width, height, options, None)
    assert (target.width, target.height) == size
    assert target.network_scale == min(s for s in (2, 3, 4) if s >= ratio)
    assert target.is_exact == (
        size == (width * target.network_scale, height * target.network_scale)
    )


@given(sizes(), sizes(), st.integers(1, 1200))
def test_one_side_keeps_the_aspect(width, height, wanted):
    assume(1 < wanted / width <= 4)
    other = max(1, math.floor(height * wanted / width + 0.5))
    assume(other / height <= 4)
    by_width = choose_target(width, height, UpscaleOptions(width=wanted), None)
    by_height = choose_target(height, width, UpscaleOptions(height=wanted), None)
    assert by_width.width == by_height.height == wanted
    assert abs(by_width.height - height * wanted / width) <= 0.5 or by_width.height == 1
    assert by_width.height == by_height.width


@given(sizes(), sizes(), st.integers(1, 1200), st.integers(1, 1200))
def test_fit_is_the_largest_size_inside(width, height, box_width, box_height):
    ratio = min(box_width / width, box_height / height)
    assume(1.01 < ratio <= 4)
    options = UpscaleOptions(width=box_width, height=box_height, fit=True)
    assume(max(round(width * ratio) / width, round(height * ratio) / height) <= 4)
    target = choose_target(width, height, options, None)
    assert target.width <= box_width
    assert target.height <= box_height
    assert target.width == box_width or target.height == box_height
    assert abs(target.width / ratio - width) * ratio <= 0.5 + 1e-9
    assert abs(target.height / ratio - height) * ratio <= 0.5 + 1e-9


def test_both_sides_are_taken_as_they_are():
    target = choose_target(100, 50, UpscaleOptions(width=150, height=200), None)
    assert (target.width, target.height, target.network_scale) == (150, 200, 4)
    assert not target.is_exact


def test_a_model_asked_for_by_name_decides_the_network():
    target = choose_target(10, 10, UpscaleOptions(scale=1.5), 4)
    assert (target.width, target.network_scale, target.is_exact) == (15, 4, False)


@pytest.mark.parametrize("options", [{"width": 401}, {"width": 100}, {"height": 12}])
def test_sizes_out_of_reach_are_refused(options):
    with pytest.raises(UsageError, match="cannot enlarge 100 x 50"):
        choose_target(100, 50, UpscaleOptions(**options), None)


def test_what_tiles_takes_no_last_resize():
    assert choose_target(10, 10, UpscaleOptions(wrap="x"), None).is_exact
    with pytest.raises(UsageError, match="does not tile"):
        choose_target(10, 10, UpscaleOptions(wrap="x", scale=1.5), None)
    with pytest.raises(UsageError, match="does not tile"):
        choose_target(10, 10, UpscaleOptions(wrap="y"), 4)
