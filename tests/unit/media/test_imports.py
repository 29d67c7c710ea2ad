import ast
import graphlib
import subprocess
import sys
from pathlib import Path

import pytest

from foveate import media

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


def test_no_file_of_the_room_imports_one_that_imports_it():
    folder = Path(media.__file__).parent
    names, imports = {path.stem for path in folder.glob("*.py")}, {}
    for path in folder.glob("*.py"):
        found = [node for node in ast.walk(ast.parse(path.read_text())) if is_ours(node)]
        used = {alias.name for node in found for alias in node.names}  # from foveate.media import x
        used |= {node.module.rpartition(".")[2] for node in found}
        imports[path.stem] = used & names
    assert imports["picture"] >= {"heic", "sniff"}, "imports inside functions count, too"
    graphlib.TopologicalSorter(imports).prepare()  # CycleError names the circle


def is_ours(node: ast.AST) -> bool:
    return isinstance(node, ast.ImportFrom) and (node.module or "").startswith("foveate.media")
