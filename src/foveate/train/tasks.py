"""What the loop trains: a task draws batches, measures the loss and validates."""

from __future__ import annotations

from typing import Protocol

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from foveate.errors import UsageError
from foveate.nets.build import Net
from foveate.nets.lmdvit import LMDViT
from foveate.train.blur.pairs import DeblurPatches
from foveate.train.deblur_losses import deblur_loss, look_loss
from foveate.train.losses import restoration_loss
from foveate.train.patches import PatchSource, Photos
from foveate.train.recipe import Recipe
from foveate.train.validate import validate, validate_deblur

GROWN_PX = (0, 0, 8)  # masks are grown by one of these
SQUARES = 1 / 10  # share of patches in which a square is computed, whatever it shows
DOUBTFUL = 3  # one step in so many computes what the look lets in, for the gate to learn from


class Task(Protocol):
    """Everything of a run but net, optimisers and log.

    Attributes:
        photos: how many photos it draws from.
        batch: patches per step and process.
        is_sparse: whether a step may leave parameters without a gradient.
    """

    photos: int
    batch: int
    is_sparse: bool

    def loss(self, net: nn.Module, step: int) -> Tensor:
        """The loss of the step's batch: a function of (seed, rank, step) and the weights."""

    def validate(self, net: Net) -> dict[str, float]:
        """Held-out scores; `psnr_y` of the net and of what it is to beat, beside others."""


def make_task(recipe: Recipe, rank: int) -> Task:
    """The task of a recipe's family.

    Raises:
        UsageError: settings of another task are given, or those it needs are not.
        InputError: no photos.
    """
    deblurs = recipe.net.family == "lmdvit"
    if deblurs != (recipe.deblur is not None):
        cause = f"{recipe.net.family} {'needs' if deblurs else 'does not take'} a [deblur] table"
        raise UsageError("the recipe does not hold", cause)
    return DeblurTask(recipe, rank) if deblurs else UpscaleTask(recipe, rank)


class UpscaleTask:
    """Patches of photos made smaller, and the difference to the photos."""

    is_sparse = False

    def __init__(self, recipe: Recipe, rank: int) -> None:
        """Reads every photo."""
        self._recipe, self.batch = recipe, recipe.data.batch
        self._photos = Photos(recipe.data, recipe.net.options["scale"])
        self._source = PatchSource(self._photos, recipe.seed, rank)
        self.photos = self._photos.count

    def loss(self, net: nn.Module, step: int) -> Tensor:
        """As in `Task`."""
        lr, hr = self._source.batch(step)
        with torch.autocast("cpu", torch.bfloat16, enabled=self._recipe.optimiser.bf16):
            sr = net(lr)
        return restoration_loss(sr, hr, self._recipe.loss, self._photos.scale)

    def validate(self, net: Net) -> dict[str, float]:
        """As in `Task`."""
        assert not isinstance(net, LMDViT)  # noqa: S101 - make_task saw to it
        psnr, bicubic = validate(net, self._photos)
        return {"psnr_y": psnr, "bicubic_psnr_y": bicubic}


class DeblurTask:
    """Pairs of blurry and sharp patches; the mask decides, or the predictors by chance."""

    def __init__(self, recipe: Recipe, rank: int) -> None:
        """Finds the pictures."""
        assert recipe.deblur is not None  # noqa: S101 - make_task saw to it
        self._settings, self._seed, self._bf16 = recipe.deblur, recipe.seed, recipe.optimiser.bf16
        data = recipe.deblur.data
        self._rank, self._restored, self.batch = rank, data.batch, data.batch or data.looked
        self._patches = DeblurPatches(data, recipe.seed, rank)
        self._held_out = self._patches.held_out(recipe.deblur.held_out)
        self.photos = self._patches.photos
        self.is_sparse = recipe.deblur.decisions == "mask"
        self._is_gated = recipe.net.options.get("entry", 1.0) < 1
        if not data.batch and not (data.looked and recipe.net.options.get("look")):
            cause = "deblur.data.batch is 0, and there is no look, or no patch for it"
            raise UsageError("the recipe trains nothing", cause)

    def loss(self, net: nn.Module, step: int) -> Tensor:
        """As in `Task`."""
        blurry, sharp, mask = self._patches.batch(step)
        few = self._restored
        looked = blurry[few:] if len(blurry) > few else None
        if not few:
            return look_loss(net(blurry[:0], looked=looked).look, mask)
        # Gumbel noise and drop path, the same for a resumed run.
        torch.manual_seed(
            int(np.random.SeedSequence((self._seed, self._rank, step)).generate_state(1)[0])
        )
        with torch.autocast("cpu", torch.bfloat16, enabled=self._bf16):
            if self.is_sparse:
                keep = add_needless(mask[:few], GROWN_PX[step % len(GROWN_PX)], SQUARES)
                doubtful = self._is_gated and step % DOUBTFUL == 0
                result = net(blurry[:few], mask=keep, doubtful=doubtful, dense=False, looked=looked)
            else:
                result = net(blurry[:few], looked=looked)
        weights = self._settings.loss
        loss = deblur_loss(result, sharp[:few], mask[:few], weights).total
        if result.look is None or not weights.look:
            return loss
        return loss + weights.look * look_loss(result.look, mask)

    def validate(self, net: Net) -> dict[str, float]:
        """As in `Task`."""
        assert isinstance(net, LMDViT)  # noqa: S101 - make_task saw to it
        return validate_deblur(net, self._held_out, self._settings.loss.share)


def add_needless(mask: Tensor, reach: int, squares: float) -> Tensor:
    """(B, 1, H, W): the mask, grown by `reach` pixels, and in some patches a square anywhere.

    A look that errs has sharp windows computed: the net must learn to leave them as they are.

    Args:
        mask: (B, 1, H, W) 0 or 1.
        reach: pixels.
        squares: share of patches that get a square.
    """
    size = 2 * reach + 1  # rows, then columns: the same maximum, 8 times as fast
    keep = F.max_pool2d(F.max_pool2d(mask, (size, 1), 1, (reach, 0)), (1, size), 1, (0, reach))
    for one in keep:
        if torch.rand(()) < squares:
            height, width = one.shape[1:]
            top, left = (int(torch.randint(length // 4 * 3, ())) for length in (height, width))
            one[:, top : top + height // 2, left : left + width // 2] = 1
    return keep
