"""Cards, pictures and Hypothesis strategies that several tests share."""

import hashlib
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
from hypothesis import settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from foveate.models.card import Card, DeblurFacts, WeightsFacts, WindowFacts
from foveate.models.write import write_card

# The same cases each time: a run on another machine can be compared; times are not judged here.
settings.register_profile("ci", deadline=None, derandomize=True)
settings.load_profile("ci")

TINY = Path(__file__).parent / "models" / "tiny_x2.onnx"
TINY_DEBLUR = Path(__file__).parent / "models" / "tiny_deblur.zip"  # areas of 64 x 64
TINY_REACH = 6  # LR pixels an output pixel of the tiny network depends on, to each side
DTYPES = ("uint8", "uint16", "float32")


def make_card(
    core: tuple[int, int] = (16, 12),
    halo: int = TINY_REACH,
    multiple: int = 2,
    *,
    scale: int = 2,
    session_bytes_per_lr_pixel: int = 500,
) -> Card:
    """The tiny network's card, on any grid."""
    return Card(
        id="tiny_x2.test",
        family="tiny",
        task="upscale",
        scale=scale,
        trained_for="tests",
        summary="for tests",
        licence="Apache-2.0",
        limits="not for people",
        parameters=5000,
        macs_per_lr_pixel=1300,
        receptive_radius=TINY_REACH,
        session_bytes_per_lr_pixel=session_bytes_per_lr_pixel,
        window=WindowFacts(core[0], core[1], halo, multiple),
        weights=WeightsFacts(TINY.name, "", TINY.stat().st_size),
    )


def make_deblur_card(entry: float = 1.0) -> Card:
    """The tiny deblurring network's card."""
    data = TINY_DEBLUR.read_bytes()
    return msgspec.structs.replace(
        make_card(scale=1),
        id="tiny_deblur.test",
        task="deblur",
        window=WindowFacts(32, 32, 16, 16, "approximate", minimum=64),
        weights=WeightsFacts(TINY_DEBLUR.name, hashlib.sha256(data).hexdigest(), len(data)),
        deblur=DeblurFacts(1000, 100, entry=entry),
    )


def write_tiny(folder: Path) -> Path:
    """Puts the tiny network into a folder as the model `tiny_x2.test`; the path of its card."""
    card, data = make_card(), TINY.read_bytes()
    facts = WeightsFacts(f"{card.id}.onnx", hashlib.sha256(data).hexdigest(), len(data))
    (folder / facts.file).write_bytes(data)
    write_card(msgspec.structs.replace(card, weights=facts), folder / f"{card.id}.toml")
    return folder / f"{card.id}.toml"


def write_tiny_deblur(folder: Path) -> Path:
    """Puts the tiny deblurring network into a folder as `tiny_deblur.test`; its card's path."""
    card = make_deblur_card()
    folder.mkdir(parents=True, exist_ok=True)
    facts = msgspec.structs.replace(card.weights, file=f"{card.id}.zip")
    (folder / facts.file).write_bytes(TINY_DEBLUR.read_bytes())
    write_card(msgspec.structs.replace(card, weights=facts), folder / f"{card.id}.toml")
    return folder / f"{card.id}.toml"


def noise(height: int, width: int, bands: int = 3, dtype: str = "uint8", seed: int = 0) -> Any:
    """(H, W, bands) of noise over the whole range: what shows a seam best."""
    rng = np.random.default_rng(seed)
    if dtype == "float32":
        return rng.random((height, width, bands), np.float32)
    return rng.integers(0, np.iinfo(dtype).max, (height, width, bands), dtype, endpoint=True)


def cores() -> st.SearchStrategy[tuple[int, int, int, int]]:
    """(core width, core height, halo, multiple) that go together."""
    return st.integers(1, 4).flatmap(
        lambda multiple: st.tuples(
            st.integers(3, 40).map(lambda n: n * multiple),
            st.integers(3, 40).map(lambda n: n * multiple),
            st.integers(0, 12).map(lambda n: n * multiple),
            st.just(multiple),
        )
    )


def sizes(largest: int = 300) -> st.SearchStrategy[int]:
    """Sides of pictures, often tiny or odd."""
    return st.one_of(st.integers(1, 5), st.integers(1, largest))


class RowSource:
    """Hands out a picture's rows as `run_plan` asks for them, and remembers how."""

    def __init__(self, pixels: NDArray[Any]) -> None:
        self.pixels, self.row, self.requests = pixels, 0, []

    def __call__(self, count: int) -> NDArray[Any]:
        rows = self.pixels[self.row : self.row + count].copy()
        self.row += count
        self.requests.append(count)
        return rows
