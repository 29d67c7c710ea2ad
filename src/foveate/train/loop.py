"""The training loop, on one page: data, net, optimisers; then draw, step, log, validate, save.

One process, or several under `torchrun` (gradients averaged by DDP over gloo). A resumed run
continues the identical loss curve: every batch is a function of (seed, rank, step), and nothing
else is random after the start.
"""

from __future__ import annotations

import copy
import os
import time
from collections.abc import Callable
from pathlib import Path

import msgspec
import numpy as np
import torch
from torch import distributed, nn
from torch.nn.parallel import DistributedDataParallel

from foveate.errors import UsageError
from foveate.nets.build import build_net
from foveate.train.checkpoint import Checkpoint, read_checkpoint, save_checkpoint
from foveate.train.curve import CurveLog, draw_curve
from foveate.train.optimisers import follow, make_optimisers, set_rate
from foveate.train.precision import as_computed
from foveate.train.recipe import Recipe
from foveate.train.start import start_from
from foveate.train.tasks import make_task


def train(  # noqa: PLR0912, PLR0915 - one page that reads top to bottom is the point
    recipe: Recipe,
    out: Path,
    *,
    minutes: float | None = None,
    resume: bool = False,
    tell: Callable[[str], None] = lambda _: None,
) -> Path:
    """Trains to the recipe's last step or for `minutes`; returns the checkpoint's path.

    Writes OUT/checkpoint.pt (atomically), OUT/log.jsonl and OUT/curve.png.

    Raises:
        UsageError: OUT holds a run and `resume` is not set, or its recipe was another one.
    """
    started = time.monotonic()
    rank, world = _join_processes()
    path = out / "checkpoint.pt"
    if path.exists() and not resume:
        raise UsageError(f"{out} already holds a run", "", "--resume goes on with it")
    out.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(recipe.seed)
    net = build_net(recipe.net.family, recipe.net.options).to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # torch's stub
    if recipe.net.start:
        taken = start_from(net, recipe.net.start)
        tell(f"{taken} of {len(net.state_dict())} tensors from {recipe.net.start}")
    average = copy.deepcopy(net)
    computed = as_computed(recipe, tell)  # the checkpoint keeps the recipe as it was given
    optimisers = make_optimisers(net, computed.optimiser)
    step, losses = 0, list[float]()
    if path.exists():
        saved = read_checkpoint(path)
        if saved.recipe_digest != recipe.digest():
            raise UsageError(
                f"cannot resume {out}", "its recipe was another one", "use a new --out"
            )
        net.load_state_dict(saved.net)
        average.load_state_dict(saved.average)
        for optimiser, state in zip(optimisers, saved.optimisers, strict=True):
            optimiser.load_state_dict(state)
        step, losses = saved.step, saved.losses
    task = make_task(computed, rank)
    stepped: nn.Module = net
    if world > 1:
        stepped = DistributedDataParallel(net, find_unused_parameters=task.is_sparse)
    if recipe.optimiser.compile:
        stepped = torch.compile(stepped)  # type: ignore[assignment]  # it is still the module
    log = CurveLog(out, step) if rank == 0 else None
    tell(f"{task.photos} photos, {sum(p.numel() for p in net.parameters()):,} parameters")

    seconds, over = 0.0, False
    while step < recipe.optimiser.steps and not over:
        began = time.monotonic()
        set_rate(optimisers, step, recipe.optimiser)
        loss = task.loss(stepped, step)
        for optimiser in optimisers:
            optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]  # torch's
        for optimiser in optimisers:
            optimiser.step()
        follow(average, net, step, recipe.optimiser.ema)
        losses.append(loss.item())
        step += 1
        seconds += time.monotonic() - began

        # Ranks must leave together: the first one decides and the others hear of it.
        over = _agree(minutes is not None and time.monotonic() - started > minutes * 60, world)
        last = over or step == recipe.optimiser.steps
        if log is None:
            continue
        if step % 100 == 0:
            images = len(losses) * task.batch * world
            log.add(step=step, loss=float(np.mean(losses)), images_per_s=round(images / seconds, 1))
            losses, seconds = [], 0.0
        told = step % recipe.log.validate_every == 0 or last
        if told and (scores := task.validate(average.eval())):
            log.add(step=step, **scores)
            draw_curve(out)
            tell(f"step {step}: {', '.join(f'{k} {v:.3f}' for k, v in scores.items())} (held out)")
        if step % recipe.log.save_every == 0 or last:
            settings = msgspec.to_builtins(recipe)
            states = [optimiser.state_dict() for optimiser in optimisers]
            weights = (net.state_dict(), average.state_dict())
            save_checkpoint(
                Checkpoint(settings, recipe.digest(), step, *weights, states, losses, task.photos),
                path,
            )
    if world > 1:
        distributed.destroy_process_group()
    return path


def _join_processes() -> tuple[int, int]:
    world = int(os.environ.get("WORLD_SIZE", "1"))
    if world > 1:
        distributed.init_process_group("gloo")
        return distributed.get_rank(), world
    return 0, 1


def _agree(over: bool, world: int) -> bool:
    if world == 1:
        return over
    flag = torch.tensor([int(over)])
    distributed.broadcast(flag, 0)
    return bool(flag.item())
