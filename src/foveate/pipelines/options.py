"""What a caller may ask of one picture, and the checks that need no file."""

from __future__ import annotations

import math
from dataclasses import dataclass

from foveate.errors import UsageError
from foveate.models.store import LANES, Lane
from foveate.plan.machine import available_threads

MAX_SCALE = 4
SELF_ENSEMBLES = (1, 2, 4)


@dataclass(frozen=True, kw_only=True)
class FileOptions:
    """What may be asked of any picture file, the same for the command line and Python.

    Attributes:
        model: id or path of a card; None picks the default.
        memory_bytes: bound on the peak resident memory of the process; None: plan.default_memory.
        threads: windows computed at the same time; None: the cores of this process.
        device: "cpu", "cuda" or "auto".
        engine: "auto", "onnxruntime" or "openvino".
        max_pixels: larger inputs are refused before decoding; None: media's limit.
        overwrite: replaces an existing output.
        quality: 1..100 for lossy formats, `--output-quality` of the command line; None: the
            format's default.
        bit_depth: bits per output sample; None: as the input.
        strip_metadata: leaves EXIF, XMP and IPTC out; the colour profile stays.
        strength: 0..1: share of what the network does.
        first_frame: takes the first frame of an animation instead of refusing it.
        self_ensemble: how often the network runs on each window: 1, or 2 or 4 for the mean with its
            mirror images.
        name: template of the output's name; fields stem, model, width, height, ext.
    """

    model: str | None = None
    memory_bytes: int | None = None
    threads: int | None = None
    device: str = "cpu"
    engine: str = "auto"
    max_pixels: int | None = None
    overwrite: bool = False
    quality: int | None = None
    bit_depth: int | None = None
    strip_metadata: bool = False
    strength: float = 1.0
    first_frame: bool = False
    self_ensemble: int = 1
    name: str = "{stem}_done{ext}"

    def __post_init__(self) -> None:
        """Refuses values that mean nothing.

        Raises:
            UsageError: one of them is out of range.
        """
        if not 0 <= self.strength <= 1:
            raise UsageError(f"--strength {self.strength:g} is not possible", "it goes from 0 to 1")
        if self.threads is not None and self.threads < 1:
            raise UsageError(f"--threads {self.threads} is not possible", "at least 1 is needed")
        if self.memory_bytes is not None and self.memory_bytes < 1:
            raise UsageError("--memory must be more than nothing", "", "write 512MiB or 1GiB")
        if self.max_pixels is not None and self.max_pixels < 1:
            raise UsageError(f"--max-pixels {self.max_pixels} is not possible", "", "at least 1")
        check_self_ensemble(self.self_ensemble)

    @property
    def workers(self) -> int:
        """Windows computed at the same time."""
        return self.threads or available_threads()


@dataclass(frozen=True, kw_only=True)
class UpscaleOptions(FileOptions):
    """Options of one upscale, beside those of any file: FileOptions.

    Attributes:
        scale: SR/LR size ratio, above 1 and at most 4; a fraction takes a last resize.
        width: exact SR width in pixels, or None; alone, it keeps the aspect ratio.
        height: exact SR height in pixels, or None.
        fit: with both sides given: the largest size inside them that keeps the aspect ratio.
        lane: "fast", "balanced" or "best": which shipped model of the scale, `--quality` of the
            command line; None: fast. `model` wins over it.
        wrap: axes, of "x" and "y", along which the picture tiles.
        strength: 1 is the network's result, 0 a plain bicubic resize, between them a mix.
        name: as in FileOptions, with the field scale.
    """

    scale: float = 2
    width: int | None = None
    height: int | None = None
    fit: bool = False
    lane: Lane | None = None
    wrap: str = ""
    name: str = "{stem}_x{scale}{ext}"

    def __post_init__(self) -> None:
        """Refuses values that mean nothing.

        Raises:
            UsageError: one of them is out of range.
        """
        super().__post_init__()
        if not (math.isfinite(self.scale) and 1 < self.scale <= MAX_SCALE):
            raise UsageError(f"--scale {self.scale:g} is not possible", "it goes from above 1 to 4")
        for word, side in (("--width", self.width), ("--height", self.height)):
            if side is not None and side < 1:
                raise UsageError(f"{word} {side} is not possible", "a picture has at least 1 pixel")
        if self.fit and not (self.width and self.height):
            raise UsageError("--fit needs both --width and --height")
        if self.lane is not None and self.lane not in LANES:
            raise UsageError(
                f"--quality {self.lane} is not possible", "", f"use {', '.join(LANES)}"
            )
        if self.wrap not in ("", "x", "y", "x,y", "y,x"):
            raise UsageError(f"--wrap {self.wrap} is not possible", "", "use x, y or x,y")
        if self.wrap and self.strength < 1:
            cause = "the plain resize that is mixed in does not tile"
            raise UsageError("--wrap and --strength below 1 do not go together", cause)

    @property
    def wraps(self) -> tuple[bool, bool]:
        """Whether the picture tiles along (x, y)."""
        return "x" in self.wrap, "y" in self.wrap


def check_self_ensemble(runs: int) -> None:
    """Raises UsageError unless it is one of SELF_ENSEMBLES."""
    if runs not in SELF_ENSEMBLES:
        raise UsageError(f"--self-ensemble {runs} is not possible", "", "use 1, 2 or 4")
