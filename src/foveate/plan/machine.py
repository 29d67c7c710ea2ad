"""What this process may use of the machine, container limits included, and what it has used."""

from __future__ import annotations

import os
import platform
import resource
import sys
from collections.abc import Iterator
from pathlib import Path

CPUINFO = Path("/proc/cpuinfo")
MEMINFO = Path("/proc/meminfo")
CGROUPS = Path("/sys/fs/cgroup")
OWN_CGROUPS = Path("/proc/self/cgroup")


def available_threads() -> int:
    """Cores this process may run on; a container's CPU quota is rounded up to whole cores."""
    if hasattr(os, "sched_getaffinity"):
        cores = len(os.sched_getaffinity(0))
    else:
        cores = os.cpu_count() or 1
    return max(1, min([cores, *_quotas()]))


def describe_processor() -> str:
    """What decides how fast this process computes: the processor's name and kind, and its cores."""
    lines = (line.partition(":") for line in _text(CPUINFO).splitlines())
    names = (value.strip() for name, _, value in lines if name.strip() == "model name")
    name = next(names, platform.processor())
    return f"{name or 'unnamed'}, {platform.machine()}, {available_threads()} cores"


def available_memory() -> int:
    """Bytes that can still be used without swapping, by the machine and by each container limit."""
    return min([_machine_available(), *_container_available()])


def default_memory() -> int:
    """The `--memory` that is used when none is given: half of what is available."""
    return available_memory() // 2


def peak_memory_bytes() -> int:
    """Most resident memory this process ever had.

    Linux keeps it per program in VmHWM; ru_maxrss there also counts the process that started this
    one, so it serves only elsewhere.
    """
    for line in _text(Path("/proc/self/status")).splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


def _machine_available() -> int:
    for line in _text(MEMINFO).splitlines():
        if line.startswith("MemAvailable:"):
            return int(line.split()[1]) * 1024
    if hasattr(os, "sysconf") and "SC_PHYS_PAGES" in os.sysconf_names:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return 4 << 30  # no way to ask on this system; a machine with less is rare


def _container_available() -> Iterator[int]:
    for folder in _own_cgroups("memory"):
        for limit, usage in (
            ("memory.max", "memory.current"),
            ("memory.limit_in_bytes", "memory.usage_in_bytes"),
        ):
            allowed, used = _text(folder / limit).strip(), _text(folder / usage).strip()
            if allowed.isdigit() and used.isdigit():
                yield max(int(allowed) - max(int(used) - _file_cache(folder), 0), 0)


def _file_cache(folder: Path) -> int:
    """Bytes of file cache counted as used, which the kernel gives up on demand."""
    for line in _text(folder / "memory.stat").splitlines():
        name, _, value = line.partition(" ")
        if name in {"inactive_file", "total_inactive_file"} and value.isdigit():
            return int(value)
    return 0


def _quotas() -> Iterator[int]:
    for folder in _own_cgroups("cpu"):
        quota, _, period = _text(folder / "cpu.max").strip().partition(" ")
        if not quota:
            quota = _text(folder / "cpu.cfs_quota_us").strip()
            period = _text(folder / "cpu.cfs_period_us").strip()
        if quota.isdigit() and period.isdigit() and int(quota) and int(period):
            yield -(-int(quota) // int(period))


def _own_cgroups(controller: str) -> Iterator[Path]:
    """This process's groups and all their parents, version 2 and version 1."""
    for line in _text(OWN_CGROUPS).splitlines():
        _, _, rest = line.partition(":")
        controllers, _, path = rest.partition(":")
        if not path or (controllers and controller not in controllers.split(",")):
            continue
        root = CGROUPS / controllers if controllers else CGROUPS
        group = root / path.lstrip("/")
        yield from [group, *(p for p in group.parents if p.is_relative_to(root))]


def _text(path: Path) -> str:
    try:
        return path.read_text("ascii", "replace")
    except OSError:
        return ""
