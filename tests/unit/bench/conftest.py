"""A model of a user's own."""

import hashlib

import msgspec
import pytest

from foveate.models.card import WeightsFacts
from foveate.models.write import write_card
from strategies import TINY, make_card


@pytest.fixture
def model(tmp_path):
    """The tiny network as a user's model."""
    data = TINY.read_bytes()
    (tmp_path / "tiny_x2.test.onnx").write_bytes(data)
    weights = WeightsFacts("tiny_x2.test.onnx", hashlib.sha256(data).hexdigest(), len(data))
    path = tmp_path / "tiny_x2.test.toml"
    write_card(msgspec.structs.replace(make_card(), weights=weights), path)
    return str(path)
