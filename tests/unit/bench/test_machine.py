import shutil
import subprocess
import sys

import numpy as np
import pytest

from foveate.bench import machine


def test_the_facts_name_processor_system_and_packages():
    facts = machine.machine_facts()
    assert set(facts) == {"cpu", "isa", "cores", "ram_gib", "os", "python", "packages"}
    assert f"numpy={np.__version__}" in facts["packages"].split()
    assert all(facts[name] for name in ("cpu", "cores", "ram_gib", "os", "python"))


def test_the_key_changes_with_any_fact_and_not_with_their_order():
    facts = {"cpu": "x", "cores": "2"}
    assert machine.machine_key(facts) == machine.machine_key({"cores": "2", "cpu": "x"})
    assert machine.machine_key(facts) != machine.machine_key(facts | {"cores": "4"})


def test_outside_a_checkout_the_commit_is_empty(monkeypatch, tmp_path):
    monkeypatch.setattr(machine, "CHECKOUT", tmp_path)
    assert machine.commit() == ""


def test_peak_memory_counts_what_was_used_and_given_back():
    code = (
        "from foveate.plan.machine import peak_memory_bytes as peak\n"
        "before = peak(); data = bytearray(b'x' * 50_000_000); del data; print(peak() - before)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert 49_000_000 < int(done.stdout) < 110_000_000


def test_peak_memory_does_not_count_the_process_that_started_this_one():
    held = np.ones(300_000_000, np.uint8)
    code = "from foveate.plan.machine import peak_memory_bytes as peak; print(peak())"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert int(done.stdout) < held.nbytes


@pytest.mark.skipif(not shutil.which("git"), reason="git is not installed")
def test_the_commit_tells_whether_files_differ(monkeypatch, tmp_path):
    def git(*words):
        who = ["-c", "user.name=t", "-c", "user.email=t@example.org"]
        subprocess.run(["git", "-C", tmp_path, *who, *words], check=True, capture_output=True)

    monkeypatch.setattr(machine, "CHECKOUT", tmp_path)
    (tmp_path / "file").write_text("a")
    git("init")
    git("add", "file")
    git("commit", "-m", "first")
    clean = machine.commit()
    (tmp_path / "file").write_text("b")
    assert len(clean) == 12
    assert machine.commit() == clean + "+"
