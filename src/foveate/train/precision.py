"""Which numbers a run computes in: bfloat16 only where the processor multiplies it."""

from __future__ import annotations

from collections.abc import Callable

import msgspec
import torch

from foveate.train.recipe import Recipe

BFLOAT16 = ("avx512_bf16", "amx_bf16", "bf16")  # the last is ARM's


def as_computed(recipe: Recipe, tell: Callable[[str], None] = lambda _: None) -> Recipe:
    """The recipe with `optimiser.bf16` off, and told, where bfloat16 would only be emulated.

    Emulated it takes many times as long as float32.
    """
    if not recipe.optimiser.bf16 or has_bfloat16():
        return recipe
    tell("this processor does not compute in bfloat16: float32 in its place")
    optimiser = msgspec.structs.replace(recipe.optimiser, bf16=False)
    return msgspec.structs.replace(recipe, optimiser=optimiser)


def has_bfloat16() -> bool:
    """Whether this processor has instructions for products in bfloat16."""
    facts = torch.cpu.get_capabilities()
    return any(facts.get(name, False) for name in BFLOAT16)
