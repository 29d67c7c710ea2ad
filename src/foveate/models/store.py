"""Finds models: the cards that ship, the user's own, and their verified weights.

A model is a card NAME.toml with its weights beside it. It is asked for by id, or by the path of its
card. Nothing is ever fetched: what is not on the disk does not exist.
"""

from __future__ import annotations

import contextlib
import difflib
import functools
import hashlib
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from foveate.errors import ModelError, UsageError
from foveate.models.card import Card, Task, read_card

SHIPPED = Path(__file__).parent / "shipped"
FOLDER_VARIABLE = "FOVEATE_MODELS"
CARD_AND_WEIGHTS = (".toml", ".onnx", ".zip")

Lane = Literal["fast", "balanced", "best"]
# Cheapest first; ids go on with the scale and what the model was trained for.
LANES: dict[Lane, str] = {"fast": "rt4ksr", "balanced": "rt4ksr_l", "best": "esrt"}


@dataclass(frozen=True)
class Entry:
    """A card and where it lies.

    Attributes:
        card: the facts.
        path: the card's file.
        where: "shipped" inside the package, "own" in the user's folder.
    """

    card: Card
    path: Path
    where: Literal["shipped", "own"]


@dataclass(frozen=True)
class Model:
    """A card and the weights that were verified to be the ones it names."""

    card: Card
    weights_path: Path


def own_folder() -> Path:
    """Where `export` and `import-weights` put models: $FOVEATE_MODELS, else the XDG data folder.

    Raises:
        UsageError: neither is set, and this user has no home.
    """
    if folder := os.environ.get(FOLDER_VARIABLE):
        return Path(folder)
    if data := os.environ.get("XDG_DATA_HOME"):
        return Path(data) / "foveate" / "models"
    try:
        return Path.home() / ".local" / "share" / "foveate" / "models"
    except RuntimeError as error:
        raise UsageError(
            "there is no folder for models", "this user has no home", f"set {FOLDER_VARIABLE}"
        ) from error


def list_cards(on_broken: Callable[[ModelError], None] | None = None) -> list[Entry]:
    """Every card there is: the shipped ones, then the user's own, each by id.

    Args:
        on_broken: told of each card that cannot be read, which is then left out.

    Raises:
        ModelError: a card cannot be read, and nobody asked to be told.
    """
    entries = []
    for path, where in _card_files():
        try:
            entries.append(Entry(read_card(path), path, where))
        except ModelError as error:
            if on_broken is None:
                raise
            on_broken(error)
    return entries


def find_model(id_or_path: str | Path, task: Task | None = None) -> Model:
    """The model with this id, or at this path of a card or of the weights beside it.

    Args:
        id_or_path: which one.
        task: what it must be made for; None: anything.

    Raises:
        UsageError: no such id (the nearest ones are named), two models have it, or it is made for
            another task.
        ModelError: the card is not valid, or its weights are missing or damaged.
    """
    text = os.fspath(id_or_path)
    if text.endswith(CARD_AND_WEIGHTS) or os.sep in text:
        path = Path(text)
        if not path.is_file():
            raise UsageError(f"no model at {path}", "there is no such file", "give a card (.toml)")
        if path.suffix not in CARD_AND_WEIGHTS:
            raise UsageError(f"{path} is no model", "", "give a card (.toml)")
        card = read_card(card_path := path.with_suffix(".toml"))
    else:
        card = read_card(card_path := _find_card(text))
        if card.id != text:
            raise ModelError(f"card {card_path} is misnamed", f"it is of {card.id}", "rename it")
    if task not in {None, card.task}:
        raise UsageError(
            f"{card.id} does not {task}", f"it is made to {card.task}", f"use foveate {card.task}"
        )
    weights_path = card_path.parent / card.weights.file
    _verify(card, weights_path)
    return Model(card, weights_path)


def default_model(scale: int, task: Task = "upscale") -> str:
    """The id of the shipped model for people: the cheapest one made for photos, else the cheapest.

    Raises:
        UsageError: no shipped model does this task at this scale.
    """
    # The user's own cards are not opened: a broken one must not stand in the way.
    cards = [read_card(path) for path, where in _card_files() if where == "shipped"]
    cards = [card for card in cards if card.task == task]
    fitting = [card for card in cards if card.scale == scale]
    if not fitting:
        scales = ", ".join(str(scale) for scale in sorted({card.scale for card in cards}))
        raise UsageError(
            f"no shipped model for {task} at scale {scale}", f"scales there are: {scales or 'none'}"
        )
    best = min(fitting, key=lambda c: (not c.id.endswith(".photo"), c.macs_per_lr_pixel, c.id))
    return best.id


def model_of_lane(scale: int, lane: Lane) -> tuple[str, str]:
    """The id of the shipped model of a lane: its photo model, else its bicubic one.

    Where the lane has none at this scale the next lower one that has stands in.

    Returns:
        The id, and in words what is not as the lane promises; "" where all is.

    Raises:
        UsageError: no shipped model has this scale.
    """
    shipped, lanes = list_shipped(scale), list(LANES)
    lower = [found for found in lanes[: lanes.index(lane) + 1] if found in shipped]
    model_id = shipped[lower[-1]] if lower else default_model(scale)
    if shipped.get(lane) != model_id:
        note = f"no model of --quality {lane} ships at scale {scale}: {model_id} is taken instead"
    else:
        note = unlike_photos(model_id, f"in --quality {lane}")
    return model_id, note


def unlike_photos(model_id: str, where: str) -> str:
    """What to tell when a model stands in where none for photos ships; "" for one that is."""
    if model_id.endswith(".photo"):
        return ""
    return f"no model for photos ships {where}: {model_id} is for clean pictures"


def list_shipped(scale: int) -> dict[Lane, str]:
    """The model of each lane that has one at this scale, cheapest lane first."""
    known = {path.stem for path, where in _card_files() if where == "shipped"}
    found: dict[Lane, str] = {}
    for lane, name in LANES.items():
        ids = (f"{name}_x{scale}.photo", f"{name}_x{scale}.bicubic")
        if model_id := next(filter(known.__contains__, ids), None):
            found[lane] = model_id
    return found


def _card_files() -> Iterator[tuple[Path, Literal["shipped", "own"]]]:
    """The card files of both folders, each folder by name; a user without a home has none."""
    for path in sorted(SHIPPED.glob("*.toml")):
        yield path, "shipped"
    own: list[Path] = []
    with contextlib.suppress(UsageError):
        own = sorted(own_folder().glob("*.toml"))
    for path in own:
        yield path, "own"


def _find_card(model_id: str) -> Path:
    """The one card file named after this id; other cards are not even opened."""
    files = {path: path.stem for path, _ in _card_files()}
    found = [path for path, stem in files.items() if stem == model_id]
    known = sorted(set(files.values()))
    if not found:
        nearest = difflib.get_close_matches(model_id, known, n=3)
        raise UsageError(
            f"no model named {model_id}",
            f"known: {', '.join(known) or 'none'}",
            f"did you mean {' or '.join(nearest)}?" if nearest else "see foveate models",
        )
    if len(found) > 1:
        raise UsageError(
            f"two models are named {model_id}",
            " and ".join(str(path) for path in found),
            "give the path of the card, or rename your own",
        )
    return found[0]


def _verify(card: Card, weights_path: Path) -> None:
    """Holds the weights against the card.

    Raises:
        ModelError: missing, unreadable, of another size or with another SHA-256.
    """
    facts = card.weights
    remedy = "install foveate again, or export or import the model again"
    if Path(facts.file).name != facts.file:
        raise ModelError(
            f"weights of {card.id} refused", f"{facts.file!r} is not a file beside the card", remedy
        )
    try:
        status = weights_path.stat()
        if status.st_size != facts.size_bytes:
            raise ModelError(
                f"weights {weights_path} are damaged",
                f"{status.st_size} bytes, the card says {facts.size_bytes}",
                remedy,
            )
        digest = _sha256(weights_path, status.st_mtime_ns, status.st_size)
    except OSError as error:
        raise ModelError(
            f"cannot read weights {weights_path}", error.strerror or str(error), remedy
        ) from error
    if digest != facts.sha256:
        raise ModelError(
            f"weights {weights_path} are damaged",
            f"SHA-256 is {digest[:12]}..., the card says {facts.sha256[:12]}...",
            remedy,
        )


@functools.cache
def _sha256(path: Path, _mtime_ns: int, _size: int) -> str:
    """Hexadecimal SHA-256 of a file, once per path, time and size: the cache's key."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
