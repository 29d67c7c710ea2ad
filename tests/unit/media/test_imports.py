import subprocess
import sys

import pytest

LISTING = "import sys; import {module}; print(*{{name.partition('.')[0] for name in sys.modules}})"


def loaded_by(module: str) -> set[str]:
    code = f"import sys; sys.path[:0] = {sys.path!r}\n{LISTING.format(module=module)}"
    run = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    return set(run.stdout.split())


@pytest.mark.parametrize("module", ["foveate.media", "foveate.atomic"])
def test_the_room_itself_loads_nothing_heavy(module):
    assert not loaded_by(module) & {"numpy", "pyvips", "_libvips", "PIL"}


def test_reading_and_writing_load_no_optional_library():
    loaded = loaded_by("foveate.media.writer")
    assert "pyvips" in loaded
    assert not loaded & {"PIL", "pillow_heif", "torch", "onnxruntime", "scipy"}
