import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from foveate.geometry import Grid, plan_grid
from strategies import cores, sizes


@given(sizes(), sizes(), cores())
def test_cores_cover_every_pixel_exactly_once(width, height, facts):
    grid = _grid(width, height, facts)
    covered = np.zeros((height, width), int)
    for window in grid.windows():
        core = window.core
        covered[core.top : core.bottom, core.left : core.right] += 1
    assert (covered == 1).all(), f"{width}x{height} {grid}"


@given(sizes(), sizes(), cores())
def test_areas_hold_the_halo_or_end_at_the_picture(width, height, facts):
    grid = _grid(width, height, facts)
    for window in grid.windows():
        core, area = window.core, window.area
        assert area.left == max(core.left - grid.halo, 0)
        assert area.top == max(core.top - grid.halo, 0)
        assert area.right == min(core.right + grid.halo, width)
        assert area.bottom == min(core.bottom + grid.halo, height)


@given(sizes(), sizes(), st.integers(1, 40), st.integers(0, 12), st.integers(1, 6))
def test_a_network_of_one_shape_gets_areas_of_that_shape(width, height, core, halo, multiple):
    core, halo = core * multiple, halo * multiple
    side = core + 2 * halo
    sides = {"core_width": core, "core_height": core, "halo": halo, "minimum": side}
    grid = plan_grid(width, height, **sides, multiple=multiple)
    covered = np.zeros((height, width), int)
    for window in grid.windows():
        core_, area = window.core, window.area
        assert not area.left % multiple
        assert not area.top % multiple
        for length, whole in ((area.width, width), (area.height, height)):
            padded = max(-(-length // multiple) * multiple, side)
            assert padded == side, f"{width}x{height} {grid} {window}"
            assert length > min(side, whole) - multiple
        assert area.left <= max(core_.left - halo, 0)
        assert area.top <= max(core_.top - halo, 0)
        assert min(core_.right + halo, width) <= area.right <= width
        assert min(core_.bottom + halo, height) <= area.bottom <= height
        covered[core_.top : core_.bottom, core_.left : core_.right] += 1
    assert (covered == 1).all()
    assert grid.largest_area() == side * side


@pytest.mark.parametrize(
    ("width", "columns", "core"),
    [(1, 1, 8), (128, 1, 128), (129, 2, 72), (192, 2, 96), (193, 4, 56), (900, 15, 64)],
)
def test_a_network_of_one_shape_needs_no_halo_at_the_pictures_edges(width, columns, core):
    """Areas of 128: one core takes all of it, two leave the halo of 32 between them."""
    grid = plan_grid(width, 50, core_width=64, core_height=64, halo=32, multiple=8, minimum=128)
    assert (grid.columns, grid.core_width) == (columns, core)


@given(sizes(), sizes(), cores())
def test_only_windows_at_the_far_edges_are_not_multiples(width, height, facts):
    grid = _grid(width, height, facts)
    for window in grid.windows():
        area = window.area
        assert not area.left % grid.multiple
        assert not area.top % grid.multiple
        assert not area.width % grid.multiple or area.right == width
        assert not area.height % grid.multiple or area.bottom == height


@given(sizes(), sizes(), cores())
def test_cores_are_as_many_as_asked_and_even(width, height, facts):
    grid = _grid(width, height, facts)
    core_width, core_height, _, _ = facts
    assert grid.core_width <= core_width
    assert grid.core_height <= core_height
    assert grid.columns <= -(-width // core_width)
    assert grid.bands <= -(-height // core_height)


@given(sizes(), sizes(), cores())
def test_windows_come_in_raster_order_band_by_band(width, height, facts):
    grid = _grid(width, height, facts)
    corners = [(window.core.top, window.core.left) for window in grid.windows()]
    assert corners == sorted(corners)
    assert len(corners) == grid.bands * grid.columns


@given(sizes(), sizes(), cores())
def test_largest_area_bounds_every_padded_window(width, height, facts):
    grid = _grid(width, height, facts)
    padded = (
        -(-w.area.width // grid.multiple) * -(-w.area.height // grid.multiple) * grid.multiple**2
        for w in grid.windows()
    )
    assert max(padded) <= grid.largest_area()


@pytest.mark.parametrize(
    "sizes_",
    [(0, 1, 2, 2, 0, 2), (1, 1, 3, 2, 0, 2), (1, 1, 2, 2, 1, 2), (1, 1, 2, 2, -2, 2)],
)
def test_a_grid_that_means_nothing_is_refused(sizes_):
    with pytest.raises(ValueError, match="must be"):
        Grid(*sizes_)


def _grid(width, height, facts):
    core_width, core_height, halo, multiple = facts
    return plan_grid(
        width,
        height,
        core_width=core_width,
        core_height=core_height,
        halo=halo,
        multiple=multiple,
    )
