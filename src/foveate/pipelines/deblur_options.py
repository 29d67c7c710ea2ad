"""What a caller may ask of one deblurring, and the checks that need no file."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from foveate.errors import UsageError
from foveate.pipelines.options import FileOptions


@dataclass(frozen=True, kw_only=True)
class DeblurOptions(FileOptions):
    """Options of one deblurring, beside those of any file: FileOptions.

    Attributes:
        threshold: probability of blur, exclusive, from which on a window is restored; between 0
            and 1.
        mask: a picture of the input's size, as shown: what is above 0 in it is restored, and
            nothing else.
        save_map: a PNG to draw the probability of blur into, over the dimmed picture.
        save_windows: a folder for one PNG per stage of the network: the windows that it computed.
        strength: share of the change that is made; 0 only looks.
        name: as in FileOptions.
    """

    threshold: float = 0.5
    mask: Path | None = None
    save_map: Path | None = None
    save_windows: Path | None = None
    name: str = "{stem}_deblurred{ext}"

    def __post_init__(self) -> None:
        """Refuses values that mean nothing; makes paths of strings.

        Raises:
            UsageError: one of them is out of range, or two do not go together.
        """
        super().__post_init__()
        check_threshold(self.threshold)
        for name in ("mask", "save_map", "save_windows"):
            if isinstance(value := getattr(self, name), str):
                if not value:  # a folder, to pathlib: the current one
                    raise UsageError(f"--{name.replace('_', '-')} is empty", "", "name a place")
                object.__setattr__(self, name, Path(value))
        if self.mask is not None and not self.strength:
            raise UsageError(
                "--mask and --strength 0 do not go together",
                "where a mask decides, nothing is looked at",
                "drop one of them",
            )
        if self.save_map is not None and self.save_map.suffix.lower() != ".png":
            raise UsageError(f"--save-map {self.save_map} is not possible", "", "end it in .png")


def check_threshold(threshold: float) -> None:
    """Raises UsageError unless 0 < threshold < 1."""
    if not 0 < threshold < 1:
        raise UsageError(
            f"--threshold {threshold:g} is not possible", "it lies between 0 and 1", "0.5 is usual"
        )
