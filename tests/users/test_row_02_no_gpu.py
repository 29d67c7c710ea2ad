"""Row 2: works with no GPU, driver, Vulkan, CUDA or torch, and no option selects that."""

import subprocess
import sys

CODE = """
import sys
sys.modules["torch"] = None  # importing it would fail
from foveate.cli.main import run
code = run(["upscale", sys.argv[1]])
libraries = open("/proc/self/maps").read().lower() if sys.platform == "linux" else ""
print([word for word in ("libcuda", "libvulkan", "libopencl", "libtorch") if word in libraries])
sys.exit(code)
"""


def test_the_default_is_the_cpu_and_loads_nothing_of_a_gpu(picture):
    done = subprocess.run(
        [sys.executable, "-c", CODE, picture], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (0, "[]\n")


def test_automatic_device_falls_back_to_the_cpu(command, picture):
    assert command("upscale", picture, "--device", "auto", "--engine", "auto").code == 0


def test_a_gpu_that_is_asked_for_and_absent_is_told(command, picture):
    shown = command("upscale", picture, "--device", "cuda")
    assert shown.code == 5
    assert "hint: " in shown.err
