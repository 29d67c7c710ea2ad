"""The tiny network as a model, by the path of its card."""

import hashlib
import shutil
from pathlib import Path

import msgspec
import pytest

from foveate.models.card import WeightsFacts
from foveate.models.write import write_card
from strategies import TINY, make_card


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A card with small windows; any picture above 16 x 12 has several."""
    folder = tmp_path_factory.mktemp("tiny")
    shutil.copy(TINY, folder)
    digest = hashlib.sha256(TINY.read_bytes()).hexdigest()
    weights = WeightsFacts(TINY.name, digest, TINY.stat().st_size)
    card = msgspec.structs.replace(make_card(), weights=weights)
    write_card(card, folder / f"{card.id}.toml")
    return folder / f"{card.id}.toml"
