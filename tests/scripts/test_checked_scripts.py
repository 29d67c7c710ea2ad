"""scripts/check and scripts/fix look at every script that is Python."""

import shutil
import subprocess
from pathlib import Path

SCRIPTS = Path(__file__).parents[2] / "scripts"
LIST = '. scripts/environment.sh; list_python_scripts; printf "%s\\n" "${python_scripts[@]}"'


def test_python_scripts_are_told_by_their_first_line(tmp_path):
    scripts = tmp_path / "scripts"
    scripts.mkdir()
    shutil.copy(SCRIPTS / "environment.sh", scripts)
    (scripts / "grow").write_text("#!/usr/bin/env python3\n")
    (scripts / "shrink").write_text("#!/usr/bin/env bash\n#!/usr/bin/env python3\n")
    (scripts / "empty").write_text("")
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", LIST],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.split() == ["scripts/grow"]


def test_both_scripts_use_the_list():
    for name in ("check", "fix"):
        text = (SCRIPTS / name).read_text()
        assert "list_python_scripts\n" in text
        assert text.count('src tests "${python_scripts[@]}"') == 2
