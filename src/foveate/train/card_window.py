"""The window that a network's card names: chosen here, and how exact it is measured here."""

from __future__ import annotations

import numpy as np
import torch

from foveate.geometry import plan_grid
from foveate.models.card import WindowFacts
from foveate.nets.build import Net, family_of
from foveate.nets.rt4ksr import RT4KSR

# A quarter of 960x540: measured among seven, results/windows.csv.
CORE_WIDTH, CORE_HEIGHT = 480, 272
# Core and halo of the one square window that a network with attention is exported for.
FIXED_WINDOWS = {"esrt": (48, 8)}


def fixed_side(net: Net) -> int:
    """Side of the one window this network is exported for, 0 when it takes any."""
    core, halo = FIXED_WINDOWS.get(family_of(net), (0, 0))
    return core + 2 * halo


def window_facts(folded: Net) -> WindowFacts:
    """Core, halo and what else the card says of the grid."""
    multiple, minimum, width, height = folded.multiple, folded.minimum, CORE_WIDTH, CORE_HEIGHT
    if isinstance(folded, RT4KSR):
        halo = -(-folded.halo // multiple) * multiple
    else:
        width, halo = FIXED_WINDOWS[family_of(folded)]
        height, minimum = width, fixed_side(folded)
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
def measure_deviation(folded: Net, core: int, halo: int, minimum: int) -> float:
    """Mean absolute difference, in 0..255 levels, between windows and the whole picture at once.

    The picture of 144 x 144 is a ramp with blocks of noise, so that its parts differ.
    """
    random = np.random.default_rng(0)
    ramp = np.linspace(0, 0.5, 144, dtype=np.float32)
    noise = np.kron(random.random((18, 18)), np.ones((8, 8))).astype(np.float32) * ramp
    lr = torch.from_numpy(np.stack([ramp + noise, ramp * noise + ramp, noise])[None])
    whole = folded(lr)
    sides = {"core_width": min(core, 72), "core_height": min(core, 72)}
    grid = plan_grid(144, 144, **sides, halo=halo, multiple=folded.multiple, minimum=minimum)
    total = 0.0
    for window in grid.windows():
        area = window.area
        part = lr[..., area.top : area.bottom, area.left : area.right]
        core_, kept = (
            rect.scaled(folded.config.scale) for rect in (window.core, window.core.within(area))
        )
        sr = folded(part)[..., kept.top : kept.bottom, kept.left : kept.right]
        at_once = whole[..., core_.top : core_.bottom, core_.left : core_.right]
        total += float((sr - at_once).abs().sum())
    return round(total / whole.numel() * 255, 4)
