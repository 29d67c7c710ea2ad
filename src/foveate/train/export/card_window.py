"""The window that a network's card names: chosen here, and how exact it is measured here."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from foveate.errors import UsageError
from foveate.geometry import Grid, plan_grid
from foveate.models.card import WindowFacts
from foveate.nets.build import Net, Upscaler, family_of
from foveate.nets.rt4ksr import RT4KSR

# A quarter of 960x540: measured among seven, results/windows.csv.
CORE_WIDTH, CORE_HEIGHT = 480, 272
# Core and halo of the one square window that a network with attention is exported for.
FIXED_WINDOWS = {"esrt": (48, 8)}


def fixed_side(net: Net) -> int:
    """Side of the one window this network is exported for, 0 when it takes any."""
    core, halo = FIXED_WINDOWS.get(family_of(net), (0, 0))
    return core + 2 * halo


def window_facts(folded: Upscaler, own_halo: int | None = None) -> WindowFacts:
    """Core, halo and what else the card says of the grid.

    Args:
        folded: the network as exported.
        own_halo: in place of its family's, within the same fixed window; None: the family's.

    Raises:
        UsageError: `own_halo` for a network without a fixed window, or one that leaves no core.
    """
    if own_halo is not None and not 0 <= 2 * own_halo < fixed_side(folded):
        side = fixed_side(folded)
        cause = f"its window has {side} pixels a side" if side else "it has no window of one size"
        raise UsageError(f"cannot export {family_of(folded)} with a halo of {own_halo}", cause)
    multiple, minimum, width, height = folded.multiple, folded.minimum, CORE_WIDTH, CORE_HEIGHT
    if isinstance(folded, RT4KSR):
        halo = -(-folded.halo // multiple) * multiple
    else:
        width, halo = FIXED_WINDOWS[family_of(folded)]
        minimum = fixed_side(folded)
        if own_halo is not None:
            width, halo = minimum - 2 * own_halo, own_halo
        height = width
    return WindowFacts(
        core_width=width,
        core_height=height,
        halo=halo,
        multiple=multiple,
        minimum=minimum,
        windowing="exact" if folded.is_local else "approximate",
        deviation=0.0 if folded.is_local else measure_deviation(folded, width, halo, minimum),
    )


@torch.no_grad()
def measure_deviation(folded: Upscaler, core: int, halo: int, minimum: int) -> float:
    """Mean absolute difference, in 0..255 levels, between windows and the whole picture at once.

    The picture of 144 x 144 is a ramp with blocks of noise, so that its parts differ.
    """
    random = np.random.default_rng(0)
    ramp = np.linspace(0, 0.5, 144, dtype=np.float32)
    noise = np.kron(random.random((18, 18)), np.ones((8, 8))).astype(np.float32) * ramp
    lr = torch.from_numpy(np.stack([ramp + noise, ramp * noise + ramp, noise])[None])
    windowed = restore_in_windows(folded, lr, min(core, 72), halo, minimum)
    return round(float((windowed - folded(lr)).abs().mean()) * 255, 4)


@torch.no_grad()
def restore(net: Upscaler, lr: Tensor) -> Tensor:
    """LR (1, 3, H, W) to SR as the model will run: in its windows, where it has a fixed one."""
    side = fixed_side(net)
    return restore_in_windows(net, lr, *FIXED_WINDOWS[family_of(net)], side) if side else net(lr)


def restore_in_windows(net: Upscaler, lr: Tensor, core: int, halo: int, minimum: int) -> Tensor:
    """SR of LR (1, 3, H, W), each core from its own area; sides at least `minimum`."""
    height, width = lr.shape[2:]
    sides = {"core_width": core, "core_height": core, "halo": halo}
    grid = plan_grid(width, height, **sides, multiple=net.multiple, minimum=minimum)
    return restore_on_grid(net, lr, grid)


@torch.no_grad()
def restore_on_grid(net: Upscaler, lr: Tensor, grid: Grid) -> Tensor:
    """SR of LR (1, 3, H, W) in the windows of a grid of that size."""
    scale = net.config.scale
    sr = lr.new_empty(1, 3, grid.height * scale, grid.width * scale)
    for window in grid.windows():
        area, to = window.area, window.core.scaled(scale)
        part = net(lr[..., area.top : area.bottom, area.left : area.right])
        at = window.core.within(area).scaled(scale)
        sr[..., to.top : to.bottom, to.left : to.right] = part[
            ..., at.top : at.bottom, at.left : at.right
        ]
    return sr
