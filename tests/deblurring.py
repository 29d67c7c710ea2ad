"""What tests of deblurring share: a small card, pictures that are blurred here and there."""

import hashlib
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from foveate.engine.fake_deblur import CONTRAST, FakeDeblurSession
from foveate.engine.self_ensemble import DeblurEnsemble
from foveate.models.card import Card, DeblurFacts, WeightsFacts, WindowFacts
from foveate.models.write import write_card
from foveate.plan.plan import Plan, make_plan
from foveate.run.composite import Composed, compose
from foveate.run.deblur import Deblurring
from foveate.run.executor import run_windows
from foveate.run.looking import look_over
from strategies import RowSource, make_card

Pixels = NDArray[Any]
MODEL = "fake.local"
AREA_PX, CORE_PX, HALO_PX, MULTIPLE = 128, 64, 32, 32
STRIP_MACS = {"enter": 3}
BLOCK_MACS = {"encoder.blocks.0": 100, "decoder.blocks.0": 7, "decoder.blocks.1": 9}


def deblur_card(entry: float = 1.0, evidence: float = 0.0, everywhere: float | None = None) -> Card:
    """The fake session's card: areas of 128 x 128."""
    return msgspec.structs.replace(
        make_card(),
        id=MODEL,
        family="lmdvit",
        task="deblur",
        scale=1,
        window=WindowFacts(
            CORE_PX, CORE_PX, HALO_PX, MULTIPLE, "approximate", 0.1, minimum=AREA_PX
        ),
        deblur=DeblurFacts(10, 1, BLOCK_MACS, entry, evidence, everywhere, strip_macs=STRIP_MACS),
    )


def write_fake_model(folder: Path) -> Path:
    """Puts the fake model into a folder; the path of its card. Its weights are a word."""
    folder.mkdir(exist_ok=True)
    data = b"fake weights"
    facts = WeightsFacts(f"{MODEL}.zip", hashlib.sha256(data).hexdigest(), len(data))
    (folder / facts.file).write_bytes(data)
    path = folder / f"{MODEL}.toml"
    write_card(msgspec.structs.replace(deblur_card(), weights=facts), path)
    return path


class Fakes:
    """Fake sessions in the engine's place, and the model they stand for in the user's folder.

    Args:
        monkeypatch: pytest's.
        folder: for the model.

    Attributes:
        model: the path of its card.
        sessions: all that were opened so far.
        spoil: as `FakeDeblurSession` takes it.
    """

    def __init__(self, monkeypatch: Any, folder: Path) -> None:
        self.model, self.spoil = str(write_fake_model(folder)), None
        self.sessions: list[FakeDeblurSession] = []
        monkeypatch.setenv("FOVEATE_MODELS", str(folder))
        for module in ("deblur_run", "deblur_pixels"):
            monkeypatch.setattr(f"foveate.pipelines.{module}.open_deblur_sessions", self.open)

    def open(
        self, card: Card, weights: Path, count: int, self_ensemble: int = 1, **_: Any
    ) -> list[Any]:
        assert weights.read_bytes() == b"fake weights"
        opened = [FakeDeblurSession(card, self.spoil) for _ in range(count)]
        self.sessions += opened
        if self_ensemble == 1:
            return opened
        return [DeblurEnsemble(session, self_ensemble) for session in opened]

    @property
    def looks(self) -> int:
        return sum(session.looks for session in self.sessions)

    @property
    def runs(self) -> int:
        return sum(session.runs for session in self.sessions)


def sharp(height: int, width: int, bands: int = 3, dtype: str = "uint8", seed: int = 0) -> Pixels:
    """(H, W, bands) too dark for the fake session to call it blurred; alpha is opaque.

    Noise on squares of 4 x 4: there is something to see in every window.
    """
    random = np.random.default_rng(seed).random((height, width, bands), np.float32)
    squares = (np.indices((height, width)) // 4).sum(0) % 2
    white = 1.0 if dtype == "float32" else np.iinfo(dtype).max
    pixels = ((0.15 + 0.17 * random + 0.03 * squares[..., None]) * white).astype(dtype)
    if bands in (2, 4):
        pixels[..., -1] = white
    return pixels


def blur(pixels: Pixels, top: int, left: int, height: int, width: int) -> Pixels:
    """The picture with one rectangle bright enough to be called blurred; changes it in place."""
    white = 1.0 if pixels.dtype == np.float32 else np.iinfo(pixels.dtype).max
    colours = 3 if pixels.shape[2] >= 3 else 1
    place = pixels[top : top + height, left : left + width, :colours]
    place += np.array(0.5 * white, pixels.dtype)
    return pixels


def deblur_plan(pixels: Pixels, *, masked: bool = False, workers: int = 2) -> Plan:
    """A plan for the fake session."""
    height, width, bands = pixels.shape
    plan = make_plan(
        width, height, bands + masked, pixels.dtype.name, deblur_card(),
        memory_bytes=1 << 30, threads=2, decoder_bytes=0, encoder_bytes=0,
    )  # fmt: skip
    return replace(plan, workers=workers)


def composed(
    pixels: Pixels,
    mask: Any = None,
    *,
    spoil: Any = None,
    workers: int = 2,
    strength: float = 1.0,
    entry: float = 1.0,
    evidence: float = 0.0,
    everywhere: float | None = None,
    **rules: Any,
) -> tuple[list[Composed], list[FakeDeblurSession]]:
    """All bands of a picture through fake sessions."""
    rows = pixels
    if mask is not None:
        rows = np.concatenate((pixels, mask[..., None].astype(pixels.dtype)), 2)
        rules["masked"] = True
    plan = deblur_plan(pixels, masked=mask is not None, workers=workers)
    card = deblur_card(entry, evidence, everywhere)
    sessions = [FakeDeblurSession(card, spoil) for _ in range(workers)]
    rules = {"threshold": 0.5, **rules}
    if mask is None:
        look = look_over(plan, RowSource(rows), sessions, rules["threshold"], rules.get("prepare"))
        rules["blurred"] = look
    treatment = Deblurring(plan, **rules)
    bands = list(compose(run_windows(plan, RowSource(rows), sessions, treatment), strength))
    return bands, sessions


def joined(bands: list[Composed]) -> tuple[Pixels, NDArray[np.bool_]]:
    """The picture and where it may differ."""
    rows = np.concatenate([band.rows for band in bands])
    masks = [
        np.zeros(band.rows.shape[:2], bool) if band.mask is None else band.mask for band in bands
    ]
    return rows, np.concatenate(masks)


def checkerboard(pixels: Pixels) -> Pixels:
    """What the fake session makes of a whole picture, as the input's samples."""
    colours = 3 if pixels.shape[2] >= 3 else 1
    white = np.float32(1 if pixels.dtype == np.float32 else np.iinfo(pixels.dtype).max)
    sign = (np.indices(pixels.shape[:2]).sum(0) % 2 * 2 - 1).astype(np.float32)
    unit = pixels[..., :colours].astype(np.float32) / white + sign[..., None] * np.float32(CONTRAST)
    values = np.clip(unit, 0, 1) * white
    return values if pixels.dtype == np.float32 else np.floor(values + 0.5).astype(pixels.dtype)
