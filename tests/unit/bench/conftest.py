"""A model of a user's own."""

import pytest

from strategies import write_tiny


@pytest.fixture
def model(tmp_path):
    """The tiny network as a user's model."""
    return str(write_tiny(tmp_path))
