import pytest

from foveate.plan import machine

GIB = 1 << 30


@pytest.fixture
def box(tmp_path, monkeypatch):
    """A pretended machine with 8 GiB free and no container; files are added by the test."""

    def write(path, text):
        path = tmp_path / path
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    write("meminfo", "MemTotal: 16777216 kB\nMemAvailable:    8388608 kB\n")
    write("cgroup", "0::/\n")
    monkeypatch.setattr(machine, "MEMINFO", tmp_path / "meminfo")
    monkeypatch.setattr(machine, "OWN_CGROUPS", tmp_path / "cgroup")
    monkeypatch.setattr(machine, "CGROUPS", tmp_path / "fs")
    monkeypatch.setattr(machine.os, "sched_getaffinity", lambda _: set(range(6)), raising=False)
    return write


@pytest.mark.usefixtures("box")
def test_without_a_container_it_is_what_the_machine_says():
    assert machine.available_memory() == 8 * GIB
    assert machine.default_memory() == 4 * GIB
    assert machine.available_threads() == 6


def test_version_2_groups_bound_it_and_their_parents_too(box):
    box("cgroup", "0::/pod/app\n")
    box("fs/pod/app/memory.max", "max\n")
    box("fs/pod/app/cpu.max", "max 100000\n")
    box("fs/pod/memory.max", f"{3 * GIB}\n")
    box("fs/pod/memory.current", f"{2 * GIB}\n")
    box("fs/pod/memory.stat", f"anon 5\ninactive_file {GIB}\n")
    box("fs/pod/cpu.max", "150000 100000\n")
    assert machine.available_memory() == 2 * GIB
    assert machine.available_threads() == 2


def test_version_1_groups_bound_it_too(box):
    box("cgroup", "4:memory:/app\n3:cpu,cpuacct:/app\n2:pids:/x\n0::/\n")
    box("fs/memory/app/memory.limit_in_bytes", f"{GIB}\n")
    box("fs/memory/app/memory.usage_in_bytes", f"{GIB // 4}\n")
    box("fs/cpu,cpuacct/app/cpu.cfs_quota_us", "50000\n")
    box("fs/cpu,cpuacct/app/cpu.cfs_period_us", "100000\n")
    assert machine.available_memory() == GIB * 3 // 4
    assert machine.available_threads() == 1


def test_no_limit_in_version_1_is_no_limit(box):
    box("cgroup", "4:memory:/\n3:cpu,cpuacct:/\n")
    box("fs/memory/memory.limit_in_bytes", "9223372036854771712\n")
    box("fs/memory/memory.usage_in_bytes", "1000\n")
    box("fs/cpu,cpuacct/cpu.cfs_quota_us", "-1\n")
    box("fs/cpu,cpuacct/cpu.cfs_period_us", "100000\n")
    assert machine.available_memory() == 8 * GIB
    assert machine.available_threads() == 6


def test_a_group_that_cannot_be_read_is_passed_over(box):
    box("cgroup", "0::/gone\nnonsense\n")
    assert machine.available_memory() == 8 * GIB


def test_the_real_machine_answers():
    assert machine.available_memory() > 1 << 20
    assert machine.available_threads() >= 1
