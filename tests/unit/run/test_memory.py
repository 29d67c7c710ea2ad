"""Peak resident memory of a process that runs a plan, measured from the kernel's own counter."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

MIB = 1 << 20
PROGRAM = """
import json, sys
sys.path[:0] = {path!r}
import numpy as np
import pyvips  # the product has it loaded too
from foveate.engine.open import open_sessions
from foveate.plan.plan import make_plan
from foveate.run.executor import run_plan
from strategies import TINY, make_card
width, height, bands, dtype, memory, threads, core = json.loads(sys.argv[1])
card = make_card(core, 18, session_bytes_per_lr_pixel=400)
plan = make_plan(width, height, bands, dtype, card, memory_bytes=memory, threads=threads,
                 decoder_bytes=0, encoder_bytes=0)
sessions = open_sessions(card, TINY, plan.workers)
rows = np.random.default_rng(0).integers(0, 255, (64, width, bands), dtype)
def read(count):
    return np.concatenate([rows] * -(-count // 64))[:count]
done = 0
for band in run_plan(plan, read, sessions):
    done += len(band)
status = open("/proc/self/status").read()
peak = int(status.split("VmHWM:")[1].split()[0]) * 1024
print(json.dumps([done, plan.memory.total, peak, plan.workers]))
"""


def measure(width, height, bands, dtype, *, memory, threads=2, core=(640, 256)):
    arguments = json.dumps([width, height, bands, dtype, memory, threads, core])
    program = PROGRAM.format(path=sys.path)
    done = subprocess.run(
        [sys.executable, "-c", program, arguments], capture_output=True, check=False, text=True
    )
    assert not done.returncode, done.stderr
    rows, estimate, peak, workers = json.loads(done.stdout)
    assert rows == 2 * height
    facts = f"peak {peak // MIB} MiB, estimate {estimate // MIB} MiB, {workers} workers"
    assert peak <= estimate <= memory, facts
    return peak, workers


@pytest.fixture(autouse=True)
def linux():
    if not Path("/proc/self/status").exists():
        pytest.skip("/proc is not there: it holds the peak")


@pytest.mark.parametrize(("bands", "dtype"), [(3, "uint8"), (4, "uint16")])
def test_a_small_picture_stays_under_its_estimate(bands, dtype):
    measure(1500, 700, bands, dtype, memory=1024 * MIB)


def test_12_megapixels_run_in_256_mib():
    measure(4000, 3000, 3, "uint8", memory=256 * MIB)


def test_peak_does_not_grow_with_the_height():
    # Both high enough that every place for a band was full at some time.
    low, _ = measure(1000, 2000, 3, "uint8", memory=512 * MIB)
    high, _ = measure(1000, 8000, 3, "uint8", memory=512 * MIB)
    assert high < low + 16 * MIB, f"{low // MIB} MiB and {high // MIB} MiB"


@pytest.mark.skipif(not os.environ.get("FOVEATE_SLOW"), reason="FOVEATE_SLOW is not set: 1 minute")
@pytest.mark.parametrize("memory", [512 * MIB, 1024 * MIB])
def test_100_megapixels_run_under_1_gib(memory):
    measure(12000, 8334, 3, "uint8", memory=memory)
