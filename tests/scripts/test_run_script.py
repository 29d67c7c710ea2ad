"""scripts/run without installing: a copy of the checkout whose environment is already stamped."""

import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SPY = '#!/bin/sh\nprintf "%s\\n" "$@"\n'


def run(command, **options):
    return subprocess.run(command, capture_output=True, text=True, check=False, **options)


def execute(path, text):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(0o755)


@pytest.fixture
def checkout(tmp_path):
    """Scripts, pins and a sample; pip is a spy that succeeds, foveate one that prints its words."""
    root = tmp_path / "checkout"
    shutil.copytree(ROOT / "scripts", root / "scripts")
    shutil.copytree(ROOT / "requirements", root / "requirements")
    shutil.copy(ROOT / "pyproject.toml", root)
    (root / "examples").mkdir()
    (root / "examples" / "photo.jpg").write_bytes(b"")
    # Stands in for python3: `-m venv FOLDER` makes a folder with the two spies.
    fake = tmp_path / "bin" / "python3"
    execute(
        fake,
        f"""#!/bin/sh
case "$*" in
  "-m venv "*) echo made >>{tmp_path}/made; mkdir -p "$3/bin"
    printf '#!/bin/sh\\n' >"$3/bin/python"; chmod +x "$3/bin/python"
    printf '%s' '{SPY}' >"$3/bin/foveate"; chmod +x "$3/bin/foveate" ;;
  *ensurepip*) exit ${{NO_VENV:-0}} ;;
esac
""",
    )
    return root


def upscale(checkout, *arguments, cwd=None, **environment):
    python = str(checkout.parent / "bin" / "python3")
    script = [str(checkout / "scripts" / "run"), *arguments]
    path = {"PATH": "/usr/bin:/bin", "PYTHON": python}
    return run(script, cwd=cwd or checkout, env=path | environment)


def test_without_a_photo_the_sample_goes_to_out(checkout):
    done = upscale(checkout)
    result = f"{checkout}/out/photo_x2.jpg"
    assert done.stdout.split("\n")[:5] == [
        "upscale",
        f"{checkout}/examples/photo.jpg",
        "--output",
        result,
        "--overwrite",
    ]
    assert done.stderr.endswith(f"result: {result}\n")


def test_options_are_passed_on_and_name_the_result(checkout, tmp_path):
    (tmp_path / "my photo.PNG").write_bytes(b"")
    done = upscale(checkout, "my photo.PNG", "--scale", "4", "--json", cwd=tmp_path)
    assert done.stdout.split("\n")[1:-1] == [
        "my photo.PNG",
        "--output",
        f"{checkout}/out/my photo_x4.PNG",
        "--overwrite",
        "--scale",
        "4",
        "--json",
    ]


@pytest.mark.parametrize("place", [["-o", "b.png"], ["--output=b.png"], ["--name", "{stem}"]])
def test_a_chosen_place_is_left_to_foveate_and_nothing_is_overwritten(checkout, place):
    done = upscale(checkout, "examples/photo.jpg", *place)
    assert done.stdout.split("\n")[:-1] == ["upscale", "examples/photo.jpg", *place]


def test_a_format_that_cannot_be_written_becomes_png(checkout):
    (checkout / "a.heic").write_bytes(b"")
    assert f"{checkout}/out/a_x2.png" in upscale(checkout, "a.heic").stdout.split("\n")


def test_a_missing_photo_is_one_line_and_installs_nothing(checkout):
    done = upscale(checkout, "nowhere.jpg")
    assert done.returncode == 1
    assert done.stderr == "error: no photo at nowhere.jpg; hint: scripts/run PHOTO\n"
    assert not (checkout.parent / "made").exists()


def test_the_environment_is_made_once_until_pyproject_or_the_pins_change(checkout):
    made = checkout.parent / "made"
    upscale(checkout)
    upscale(checkout)
    assert made.read_text().count("made") == 1
    for changed in ("pyproject.toml", "requirements/lock.txt"):
        before = made.read_text().count("made")
        with (checkout / changed).open("a") as file:
            file.write("# changed\n")
        upscale(checkout)
        assert made.read_text().count("made") == before + 1


def test_an_environment_that_was_moved_is_made_again(checkout):
    upscale(checkout)
    moved = checkout.rename(checkout.parent / "moved")
    upscale(moved)
    assert (checkout.parent / "made").read_text().count("made") == 2


def test_a_missing_system_package_is_named(checkout):
    done = upscale(checkout, NO_VENV="1")
    assert done.returncode == 1
    assert "has no venv module; hint: apt-get install python" in done.stderr
    assert len(done.stderr.splitlines()) == 1
