"""The model card: every fact about a model that another room may rely on, read from TOML."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Literal

import msgspec

from foveate.errors import ModelError

Task = Literal["upscale", "deblur"]


class WindowFacts(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The grid this model runs on; LR pixels.

    Attributes:
        core_width: width of a window's core; a multiple of `multiple`.
        core_height: height of a window's core; a multiple of `multiple`.
        halo: pixels around the core, computed and thrown away; a multiple of `multiple`.
        multiple: the network's input height and width must be multiples of this.
        minimum: and at least this, by the same padding; a multiple of `multiple`, or 1.
        windowing: "exact" equals the whole-image run to 1 level; "approximate" does not.
        deviation: for "approximate": mean absolute difference to the whole image, 0..255.
    """

    core_width: int
    core_height: int
    halo: int
    multiple: int
    windowing: Literal["exact", "approximate"] = "exact"
    deviation: float = 0.0
    minimum: int = 1


class WeightsFacts(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The file beside the card.

    ID.onnx has input "lr" (N, 3, H, W) float32 RGB 0..1 and output "sr" (N, 3, sH, sW).
    A deblurring model is ID.zip of ONNX graphs: engine/deblur_graphs.py.
    """

    file: str
    sha256: str
    size_bytes: int


class TrainingFacts(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How the weights came to be, by the run they were exported from.

    Attributes:
        recipe: name of the recipe that the run was given.
        recipe_sha256: of all settings of that run, those of `--set` and its start included: the
            file of that name alone has another.
        steps: of that run; those of the runs it went on from are not counted.
        data: what it was trained on.
        author: who exported it, or wrote what was imported.
    """

    recipe: str = ""
    recipe_sha256: str = ""
    steps: int = 0
    data: str = ""
    author: str = ""


class QualityFacts(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One measured row: PSNR-Y and SSIM-Y by `foveate evaluate`, bicubic beside it."""

    set: str
    protocol: str
    images: int
    psnr_y: float
    ssim_y: float
    bicubic_psnr_y: float
    bicubic_ssim_y: float


class DeblurFacts(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What only a deblurring model has. The card's MACs are those with every window kept.

    Attributes:
        skeleton_macs_per_pixel: MACs per pixel with no attention window kept.
        look_macs_per_pixel: those of the coarse look; 0: the model has none.
        block_macs: by deciding block, MACs that each attention window it keeps costs, in it and in
            the blocks that reuse its decision.
        entry: windows are computed where the look gives more than this share of the threshold;
            below 1 the gate decides afterwards which of them are restored.
        evidence: of blur that the look must give for a part; see `blurred_parts`.
        everywhere: that it must give for a picture to be restored all over; see
            `is_blurred_everywhere`. None: no picture is.
        strip_macs: by graph, MACs of one run of each that is none of a block.
    """

    skeleton_macs_per_pixel: int
    look_macs_per_pixel: int = 0
    block_macs: dict[str, int] = {}
    entry: float = 1.0
    evidence: float = 0.0
    everywhere: float | None = None
    strip_macs: dict[str, int] = {}


class Card(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The facts of one model.

    Attributes:
        id: "FAMILY_xSCALE.FOR", as `--model` takes it.
        family: of networks: rt4ksr, esrt or lmdvit, or that of an imported file.
        task: what it does.
        scale: SR/LR size ratio; 1 of a deblurring model.
        trained_for: which pictures it is made for.
        summary: one line for `foveate models`.
        licence: of the weights.
        limits: what it is not good for.
        parameters: of the exported network.
        macs_per_lr_pixel: multiply-accumulates per pixel that the network reads, those of halos
            too; with every attention window kept.
        receptive_radius: LR pixels to each side that an SR pixel depends on, at the most.
        session_bytes_per_lr_pixel: what a session takes per pixel of its largest area.
        window: the grid.
        weights: the file beside the card.
        training: where the weights come from.
        quality: measured rows.
        deblur: what only a deblurring model has.
    """

    id: str
    family: str
    task: Task
    scale: int
    trained_for: str
    summary: str
    licence: str
    limits: str
    parameters: int
    macs_per_lr_pixel: int
    receptive_radius: int
    session_bytes_per_lr_pixel: int
    window: WindowFacts
    weights: WeightsFacts
    training: TrainingFacts = TrainingFacts()
    quality: tuple[QualityFacts, ...] = ()
    deblur: DeblurFacts | None = None


def read_card(path: Path) -> Card:
    """Reads and checks one card.

    Raises:
        ModelError: the file is missing, not TOML, or a field is absent, unknown or misfit.
    """
    try:
        return msgspec.convert(tomllib.loads(path.read_text("utf-8")), Card)
    except OSError as error:
        raise ModelError(f"cannot read card {path}", error.strerror or str(error)) from error
    except (tomllib.TOMLDecodeError, msgspec.ValidationError, UnicodeDecodeError) as error:
        raise ModelError(
            f"card {path} is not valid", str(error), "export the model again"
        ) from error
