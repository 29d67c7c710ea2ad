"""Row 28: a Python API without files or global state, that gives memory back.

Types, shapes, threads and names: tests/unit/pipelines/test_pixels.py.
"""

import json
import subprocess
import sys
from importlib.resources import files

import numpy as np

import foveate
from pictures import photo

MEMORY = """
import json, os, numpy, foveate
def rss():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
pixels = numpy.random.default_rng(0).integers(0, 256, (400, 700, 3), numpy.uint8)
with foveate.open_model(MODEL, threads=2) as model:
    model.upscale(pixels[:40, :40])  # libraries are loaded
before, sizes = rss(), []
for _ in range(3):
    with foveate.open_model(MODEL, threads=2) as model:
        model.upscale(pixels)
        sizes.append(rss() - before)
print(json.dumps([sizes, rss() - before]))
"""

NO_FILES = """
import sys, numpy, foveate
with foveate.open_model(MODEL) as model:
    def watch(event, arguments):
        if event == "open" and not str(arguments[0]).startswith(("/proc/", "/sys/fs/cgroup")):
            raise RuntimeError(f"opened {arguments}")  # but for what memory is free
    model.upscale(numpy.zeros((40, 50, 3), numpy.uint8))
    sys.addaudithook(watch)
    model.upscale(numpy.zeros((40, 50, 3), numpy.uint8))
"""


def python(code, shipped):
    code = f"MODEL = {shipped.card.id!r}\n{code}"
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)


def test_an_array_goes_in_and_an_array_comes_out():
    out = foveate.upscale(photo(30, 40))
    assert (out.shape, out.dtype) == ((60, 80, 3), np.uint8)
    assert np.abs(out.mean((0, 1)) - photo(30, 40).mean((0, 1))).max() < 1


def test_no_file_is_opened_for_an_array(shipped):
    python(NO_FILES, shipped)


def test_closing_gives_the_memory_back(shipped):
    open_bytes, left_bytes = json.loads(python(MEMORY, shipped).stdout)
    print(f"open: {[size >> 20 for size in open_bytes]} MiB more; closed: {left_bytes >> 20} MiB")
    assert max(open_bytes) > 20 << 20
    assert left_bytes < max(open_bytes) / 2


def test_the_package_is_typed():
    assert (files(foveate) / "py.typed").is_file()
