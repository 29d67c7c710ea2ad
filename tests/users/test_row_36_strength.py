"""Row 36: fidelity control. 0 is the plain resize; the default models invent nothing."""

import numpy as np

from foveate.media.resample import imresize
from foveate.models.store import list_cards
from pictures import photo, read_picture


def test_strength_goes_from_the_plain_resize_to_the_network(command, picture, tmp_path):
    out = {}
    for strength in ("0", "0.25", "0.5", "1"):
        name = f"{strength}.png"
        assert command("upscale", picture, "--strength", strength, "-o", name).code == 0
        out[strength] = read_picture(tmp_path / name).astype(float)
    plain = imresize(photo(60, 90), 120, 180)
    assert np.abs(out["0"] - plain).max() <= 1  # ours rounds once, MATLAB's way twice
    for strength in (0.25, 0.5):
        mixed = strength * out["1"] + (1 - strength) * out["0"]
        assert np.abs(out[f"{strength:g}"] - mixed).max() <= 0.5
    assert np.abs(out["1"] - out["0"]).max() > 3


def test_plain_is_said_in_the_report(command, picture):
    report = command("upscale", picture, "--strength", "0", "--json").document
    assert (report["model"], report["engine"], report["windows"]) == ("", "", 0)
    assert ", plain resize, " in command("upscale", picture, "--strength", "0", "--overwrite").err


def test_every_card_says_what_its_model_is_not_for():
    shipped = [entry.card for entry in list_cards() if entry.where == "shipped"]
    assert all("no invented detail" in card.limits for card in shipped)
