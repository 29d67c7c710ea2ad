"""Row 4 for the best lane: a 4K result within 768 MiB, and no bit depends on it."""

import json

import numpy as np
import pytest

from command import measured
from foveate.models.store import SHIPPED, list_shipped
from pictures import photo, write_picture

MIB = 1 << 20
WIDTH, HEIGHT = 1920, 96  # a strip of a 4K result: memory follows the width, time the height


@pytest.fixture(scope="module")
def best():
    """The card of the ESRT that ships at scale 2."""
    return SHIPPED / f"{list_shipped(2)['best']}.toml"


@pytest.mark.slow
def test_a_4k_strip_stays_under_768_mib_with_the_same_bits_as_under_4_gib(tmp_path, best):
    block = np.tile(photo(96, 96), (1, WIDTH // 96, 1))
    source = write_picture(tmp_path / "in.png", np.ascontiguousarray(block))
    files = []
    for memory in ("768MiB", "4GiB"):
        output = tmp_path / f"{memory}.png"
        outcome, peak = measured(
            "upscale", source, "-o", output, "--model", best, "--memory", memory, "--json"
        )
        assert outcome.code == 0, outcome.err
        report = json.loads(outcome.out)
        seconds = report["seconds"]["total"]
        print(f"{best.stem}, {memory}: peak {peak / MIB:.0f} MiB, {seconds} s")
        assert report["output_size"] == [2 * WIDTH, 2 * HEIGHT]
        if memory == "768MiB":
            assert peak <= 768 * MIB
        files.append(output.read_bytes())
    assert files[0] == files[1]


@pytest.mark.slow
def test_a_whole_4k_picture_is_planned_within_768_mib(command, tmp_path, best):
    """All of it, without computing: what the strip above stands for."""
    source = write_picture(tmp_path / "in.png", np.zeros((1080, WIDTH, 3), np.uint8))
    plan = command("plan", source, "--model", best, "--memory", "768MiB", "--json").document
    assert plan["output_size"] == [3840, 2160]
    assert plan["memory"]["total"] <= 768 * MIB
