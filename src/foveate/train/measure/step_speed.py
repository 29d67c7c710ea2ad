"""What a training step of a recipe takes, whole, on random patches: processor time by step.

`python -m foveate.train.measure.step_speed REQUEST` is the child that bench/ starts for each
variant: a `Request` as JSON in, an `Answer` as JSON out.
"""

from __future__ import annotations

import copy
import sys
import time
from pathlib import Path

import msgspec
import torch

from foveate.nets.build import build_net
from foveate.train.export.footprint import peak_bytes
from foveate.train.losses import restoration_loss
from foveate.train.optimisers import follow, make_optimisers, set_rate
from foveate.train.recipe import read_recipe

WARM_UP = 2  # steps that allocate, and compile


class Request(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What to time.

    Attributes:
        recipe: path of the recipe.
        overrides: `section.key=value` over it, as `foveate train --set`.
        channels_last: of the network's kernels and the pictures, as the loop has them.
        steps: that are timed.
    """

    recipe: str
    overrides: tuple[str, ...] = ()
    channels_last: bool = True
    steps: int = 20


class Answer(msgspec.Struct, frozen=True):
    """What was measured.

    Attributes:
        step_ms: processor milliseconds of each step.
        first_s: seconds on the clock of the first step, compiling included.
        peak_bytes: most memory over that of the built network, while it trained.
        lr_pixels: of a batch, those that the loss counts.
    """

    step_ms: list[float]
    first_s: float
    peak_bytes: int
    lr_pixels: int


def measure(request: Request) -> Answer:
    """Trains in this process, one thread.

    Raises:
        UsageError: the recipe or an override does not hold.
    """
    torch.set_num_threads(1)
    torch.manual_seed(0)
    recipe = read_recipe(Path(request.recipe), request.overrides)
    layout = torch.channels_last if request.channels_last else torch.contiguous_format
    net = build_net(recipe.net.family, recipe.net.options).to(memory_format=layout)  # type: ignore[call-overload]  # torch's stub
    average, optimisers = copy.deepcopy(net), make_optimisers(net, recipe.optimiser)
    scale, side, batch = recipe.net.options["scale"], recipe.data.patch, recipe.data.batch
    counted = side - 2 * recipe.loss.border
    lr = torch.rand(batch, 3, side, side).contiguous(memory_format=layout)
    hr = torch.rand(batch, 3, side * scale, side * scale)
    stepped = torch.compile(net) if recipe.optimiser.compile else net
    steps: list[float] = []
    clock: list[float] = []

    def train() -> None:
        for number in range(WARM_UP + request.steps):
            started, began = time.process_time(), time.perf_counter()
            set_rate(optimisers, number, recipe.optimiser)
            with torch.autocast("cpu", torch.bfloat16, enabled=recipe.optimiser.bf16):
                sr = stepped(lr)
            for optimiser in optimisers:
                optimiser.zero_grad()
            loss = restoration_loss(sr, hr, recipe.loss, scale)
            loss.backward()  # type: ignore[no-untyped-call]  # torch's
            for optimiser in optimisers:
                optimiser.step()
            follow(average, net, number, recipe.optimiser.ema)
            steps.append((time.process_time() - started) * 1e3)
            clock.append(time.perf_counter() - began)

    peak = peak_bytes(train)
    return Answer(steps[WARM_UP:], clock[0], peak, batch * counted**2)


if __name__ == "__main__":
    asked = msgspec.json.decode(sys.argv[1], type=Request)
    sys.stdout.buffer.write(msgspec.json.encode(measure(asked)))
