"""Files that the commands are called with."""

from pathlib import Path

import pytest

from foveate.models.card import Card, read_card
from pictures import photo, write_picture
from strategies import write_tiny


@pytest.fixture
def picture(tmp_path: Path) -> str:
    """`photo.png` in the working folder, 24 x 16."""
    return write_picture(tmp_path / "photo.png", photo(16, 24)).name


@pytest.fixture
def own_model(tmp_path: Path) -> Card:
    """The tiny network as the user's own model `tiny_x2.test`."""
    folder = tmp_path / "own models"
    folder.mkdir()
    return read_card(write_tiny(folder))
