"""The optimisers of a run and their shared learning-rate curve."""

from __future__ import annotations

import math
from collections.abc import Iterable

import torch
from torch import Tensor, distributed, nn
from torch.optim import Adam, Optimizer

from foveate.train.recipe import OptimiserSettings


class Muon(Optimizer):
    """Momentum with orthogonal updates, for kernels seen as (out, in * k * k) matrices.

    torch.optim.Muon takes matrices only, hence this one. Coefficients of the Newton-Schulz step and
    the scale factor: Keller Jordan, "Muon: an optimizer for hidden layers", 2024.
    """

    def __init__(
        self,
        parameters: Iterable[Tensor],
        lr: float,
        *,
        momentum: float = 0.95,
        decay: float = 0.0,
        bf16: bool = False,
    ) -> None:
        """`lr` is the spectral size of one update; lr * decay of each kernel is taken off first.

        With `bf16` updates are made orthogonal in bfloat16, as in the source: 1 % off, half the
        time.
        """
        super().__init__(parameters, {"lr": lr, "momentum": momentum, "decay": decay})
        self._dtype = torch.bfloat16 if bf16 else torch.float32

    @torch.no_grad()
    def step(self) -> None:  # type: ignore[override]  # takes no closure
        """One update of every kernel that has a gradient."""
        for group in self.param_groups:
            moved = [p for p in group["params"] if p.grad is not None]
            averages = [self._averaged(p, p.grad, group["momentum"]) for p in moved]
            for p, update in zip(moved, all_orthogonal(averages, self._dtype), strict=True):
                tall = max(1.0, update.shape[0] / update.shape[1]) ** 0.5
                p.mul_(1 - group["lr"] * group["decay"])
                p.add_(update.reshape(p.shape), alpha=-group["lr"] * tall)

    def _averaged(self, p: Tensor, grad: Tensor, momentum: float) -> Tensor:
        state = self.state[p]
        if not state:
            state["momentum"] = torch.zeros_like(p)
        state["momentum"].lerp_(grad, 1 - momentum)
        return grad.lerp(state["momentum"], momentum).flatten(1)


def all_orthogonal(updates: list[Tensor], dtype: torch.dtype) -> list[Tensor]:
    """`_orthogonal` of each; the processes of a run share the work, and the result is the same."""
    if not distributed.is_initialized():
        return [_orthogonal(update, dtype) for update in updates]
    taken = [0] * distributed.get_world_size()
    own = list[Tensor]()
    for update in updates:  # in order to the process that has least to do so far
        rank = taken.index(min(taken))
        taken[rank] += update.numel() * min(update.shape)
        is_own = rank == distributed.get_rank()
        own.append(_orthogonal(update, dtype) if is_own else torch.zeros_like(update))
    every = torch.cat([update.flatten() for update in own])
    distributed.all_reduce(every)  # one process's numbers and zeros: exact
    parts = torch.split(every, [update.numel() for update in own])
    return [part.reshape(update.shape) for part, update in zip(parts, own, strict=True)]


def _orthogonal(update: Tensor, dtype: torch.dtype) -> Tensor:
    """Five Newton-Schulz steps towards the nearest matrix with orthonormal rows."""
    wide = update.shape[0] <= update.shape[1]
    x = update if wide else update.t()
    x = (x / (x.norm() + 1e-7)).to(dtype)
    for _ in range(5):
        gram = x @ x.t()
        x = torch.addmm(x, torch.addmm(gram, gram, gram, beta=-4.775, alpha=2.0315), x, beta=3.4445)
    return (x if wide else x.t()).to(update.dtype)


def make_optimisers(net: nn.Module, settings: OptimiserSettings) -> list[Optimizer]:
    """Kernels and matrices to Muon or Adam by the recipe, all other tensors to Adam.

    Tables (position biases, modulators) and depth-wise kernels mix no features: Adam has them.
    """
    trained = [(name, p) for name, p in net.named_parameters() if p.requires_grad]
    kernels = [p for name, p in trained if _mixes(name, p)]
    others = [p for name, p in trained if not _mixes(name, p)]
    first: Optimizer = (
        Muon(kernels, settings.kernel_rate, decay=settings.kernel_decay, bf16=settings.bf16)
        if settings.kernels == "muon"
        else Adam(kernels, settings.kernel_rate, betas=(0.9, 0.99))
    )
    optimisers = [first, Adam(others, settings.rate, betas=(0.9, 0.99))]
    for optimiser in optimisers:
        for group in optimiser.param_groups:
            group["peak"] = group["lr"]
    return optimisers


def _mixes(name: str, p: Tensor) -> bool:
    return p.ndim >= 2 and p.shape[1] > 1 and not name.endswith(("bias_table", "modulator.weight"))


def set_rate(optimisers: list[Optimizer], step: int, settings: OptimiserSettings) -> None:
    """Linear warm-up, then half a cosine to zero at the last step."""
    share = min(1.0, (step + 1) / max(1, settings.warmup))
    share *= 0.5 * (1 + math.cos(math.pi * step / settings.steps))
    for optimiser in optimisers:
        for group in optimiser.param_groups:
            group["lr"] = group["peak"] * share


@torch.no_grad()
def follow(average: nn.Module, net: nn.Module, step: int, decay: float) -> None:
    """Moves the EMA `average` towards `net`; quicker at first, so that it means something."""
    decay = min(decay, (step + 1) / (step + 10))
    for mean, p in zip(average.parameters(), net.parameters(), strict=True):
        mean.lerp_(p.detach(), 1 - decay)
