"""What every room's tests may ask for."""

from pathlib import Path

import pytest

SHARED = Path(__file__).parents[2] / "shared"


@pytest.fixture
def shared() -> Path:
    """The folder ../shared beside the checkout: test pictures, golden vectors, facts."""
    if not SHARED.is_dir():
        pytest.skip("../shared is not there: it holds the test pictures and golden vectors")
    return SHARED
