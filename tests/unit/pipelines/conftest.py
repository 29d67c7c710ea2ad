"""The tiny network as a model, by the path of its card."""

from pathlib import Path

import pytest

from strategies import write_tiny


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A card with small windows; any picture above 16 x 12 has several."""
    return write_tiny(tmp_path_factory.mktemp("tiny"))
