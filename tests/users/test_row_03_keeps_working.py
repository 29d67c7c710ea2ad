"""Row 3: installs and keeps working. Clean installation itself: scripts/run and scripts/test."""

import subprocess
import sys
import tomllib
from importlib import metadata
from pathlib import Path

PROJECT = Path(__file__).parents[2] / "pyproject.toml"
OPTIONAL = (
    "torch",
    "onnx",
    "safetensors",
    "matplotlib",
    "pillow_heif",
    "PIL",
    "openvino",
    "pytest",
)


def test_few_packages_are_needed_and_torch_is_none_of_them():
    needed = tomllib.loads(PROJECT.read_text())["project"]["dependencies"]
    names = {word.split(">")[0].split("=")[0].strip() for word in needed}
    assert names == {"numpy", "pyvips", "pyvips-binary", "onnxruntime", "click", "msgspec"}


def test_a_picture_needs_no_optional_package(picture):
    code = (
        f"import sys; sys.modules.update(dict.fromkeys({OPTIONAL}));"
        "from foveate.cli.main import run; sys.exit(run(['upscale', sys.argv[1]]))"
    )
    done = subprocess.run([sys.executable, "-c", code, picture], capture_output=True, check=False)
    assert done.returncode == 0, done.stderr.decode()


def test_doctor_tells_what_is_missing(command, monkeypatch):
    real = metadata.version

    def version(name):
        if name in ("pillow-heif", "torch", "foveate"):
            raise metadata.PackageNotFoundError(name)
        return real(name)

    monkeypatch.setattr(metadata, "version", version)
    shown = command("doctor")
    assert shown.code == 0
    assert "heic: not installed (pillow-heif)" in shown.out
    assert "train: not installed (torch)" in shown.out


def test_doctor_goes_on_where_a_model_is_broken(command, tmp_path):
    (tmp_path / "own models").mkdir()
    (tmp_path / "own models" / "old.toml").write_text("id = 3")
    document = command("doctor", "--json").document
    assert any("old.toml" in problem for problem in document["problems"])
    assert document["models"]
