"""Options that mean nothing are refused before any file is touched."""

import math

import pytest

from foveate.errors import UsageError
from foveate.pipelines.options import UpscaleOptions
from foveate.plan.machine import available_threads


@pytest.mark.parametrize(
    "wrong",
    [
        {"scale": 1},
        {"scale": 4.01},
        {"scale": math.nan},
        {"scale": math.inf},
        {"width": 0},
        {"height": -3},
        {"strength": -0.1},
        {"strength": 1.1},
        {"strength": math.nan},
        {"fit": True},
        {"fit": True, "width": 10},
        {"threads": 0},
        {"self_ensemble": 3},
        {"memory_bytes": 0},
        {"max_pixels": 0},
        {"wrap": "z"},
        {"wrap": "xy"},
        {"wrap": ","},
        {"wrap": "x", "strength": 0.5},
    ],
)
def test_refused(wrong):
    with pytest.raises(UsageError, match="--"):
        UpscaleOptions(**wrong)


@pytest.mark.parametrize(
    ("wrap", "axes"),
    [("", (False, False)), ("x", (True, False)), ("y", (False, True)), ("y,x", (True, True))],
)
def test_axes_of_wrap(wrap, axes):
    assert UpscaleOptions(wrap=wrap).wraps == axes


def test_workers_are_the_cores_a_container_allows():
    assert UpscaleOptions().workers == available_threads()
    assert UpscaleOptions(threads=3).workers == 3
