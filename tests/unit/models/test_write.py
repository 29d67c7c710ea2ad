import tomllib

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from foveate.models.card import (
    Card,
    QualityFacts,
    TrainingFacts,
    WeightsFacts,
    WindowFacts,
    read_card,
)
from foveate.models.write import format_card, write_card

# TOML is UTF-8, so lone surrogates cannot be in it.
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)
NUMBER = st.floats(allow_nan=False, width=64)
WHOLE = st.integers(0, 2**62)
QUALITY = st.builds(QualityFacts, TEXT, TEXT, WHOLE, NUMBER, NUMBER, NUMBER, NUMBER)
CARDS = st.builds(
    Card,
    id=TEXT,
    family=TEXT,
    task=st.sampled_from(["upscale", "deblur"]),
    scale=st.integers(1, 8),
    trained_for=TEXT,
    summary=TEXT,
    licence=TEXT,
    limits=TEXT,
    parameters=WHOLE,
    macs_per_lr_pixel=WHOLE,
    receptive_radius=WHOLE,
    session_bytes_per_lr_pixel=WHOLE,
    window=st.builds(
        WindowFacts, WHOLE, WHOLE, WHOLE, WHOLE, st.sampled_from(["exact", "approximate"]), NUMBER
    ),
    weights=st.builds(WeightsFacts, TEXT, TEXT, WHOLE),
    training=st.builds(TrainingFacts, TEXT, TEXT, WHOLE, TEXT, TEXT),
    quality=st.lists(QUALITY, max_size=3).map(tuple),
)


@given(CARDS)
def test_a_written_card_reads_back_equal(card):
    assert msgspec.convert(tomllib.loads(format_card(card)), Card) == card


@pytest.mark.parametrize("character", [chr(code) for code in (*range(32), 127)])
def test_control_characters_survive(character):
    fields = dict.fromkeys(("scale", "parameters", "macs_per_lr_pixel", "receptive_radius"), 1)
    card = Card(
        id="x",
        family="x",
        task="upscale",
        trained_for=f"a{character}b",
        summary="",
        licence="",
        limits="",
        session_bytes_per_lr_pixel=1,
        window=WindowFacts(1, 1, 0, 1),
        weights=WeightsFacts("x.onnx", "", 0),
        **fields,
    )
    assert msgspec.convert(tomllib.loads(format_card(card)), Card) == card


def test_write_card_makes_a_file_that_read_card_takes(tmp_path):
    card = Card(
        id="rt4ksr_x2.photo",
        family="rt4ksr",
        task="upscale",
        scale=2,
        trained_for='JPEG photos "as they are"',
        summary="Doubles photos",
        licence="Apache-2.0",
        limits="not for text",
        parameters=40_000,
        macs_per_lr_pixel=9720,
        receptive_radius=12,
        session_bytes_per_lr_pixel=900,
        window=WindowFacts(256, 256, 16, 2, "approximate", 0.25),
        weights=WeightsFacts("rt4ksr_x2.photo.onnx", "ab" * 32, 160_000),
        training=TrainingFacts("recipes/rt4ksr_x2.photo.toml", "cd" * 32, 100, "photos", "us"),
        quality=(QualityFacts("Set5", "A", 5, 36.8, 0.95, 33.673, 0.9303),),
    )
    path = tmp_path / "rt4ksr_x2.photo.toml"
    write_card(card, path)
    assert read_card(path) == card
    assert "[window]" in path.read_text()
    assert "[[quality]]" in path.read_text()
