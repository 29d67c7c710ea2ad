"""What the tests of users' demands share: a picture, and the shipped model for people."""

from pathlib import Path

import pytest

import foveate
from foveate.models.store import Model, default_model, find_model
from pictures import photo, write_picture


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    """`photo.png`, 90 x 60 RGB."""
    return write_picture(tmp_path / "photo.png", photo(60, 90))


@pytest.fixture(scope="session")
def shipped() -> Model:
    """The shipped model that people get at scale 2."""
    return find_model(default_model(2))


@pytest.fixture(scope="session")
def model(shipped: Model):
    """The same, open."""
    with foveate.open_model(shipped.card.id, threads=1) as opened:
        yield opened
