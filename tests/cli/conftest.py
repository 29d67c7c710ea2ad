"""Files that the commands are called with."""

import hashlib
import shutil
from pathlib import Path

import msgspec
import pytest

from foveate.models.card import Card, WeightsFacts
from foveate.models.write import write_card
from pictures import photo, write_picture
from strategies import TINY, make_card


@pytest.fixture
def picture(tmp_path: Path) -> str:
    """`photo.png` in the working folder, 24 x 16."""
    return write_picture(tmp_path / "photo.png", photo(16, 24)).name


@pytest.fixture
def own_model(tmp_path: Path) -> Card:
    """The tiny network as the user's own model `tiny_x2.test`."""
    folder = tmp_path / "own models"
    folder.mkdir()
    shutil.copy(TINY, folder)
    digest = hashlib.sha256(TINY.read_bytes()).hexdigest()
    weights = WeightsFacts(TINY.name, digest, TINY.stat().st_size)
    card = msgspec.structs.replace(make_card(), weights=weights)
    write_card(card, folder / f"{card.id}.toml")
    return card
