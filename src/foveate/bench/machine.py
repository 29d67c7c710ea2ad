"""The facts of this machine that belong beside every measurement, and a process's peak memory."""

from __future__ import annotations

import datetime
import hashlib
import importlib.metadata
import os
import platform
import subprocess
from pathlib import Path

# The instruction sets that decide how fast convolutions run, with the names Linux gives them.
ISA_FLAGS = (
    "avx2",
    "avx512f",
    "avx512_vnni",
    "avx_vnni",
    "avx512_bf16",
    "amx_bf16",
    "amx_int8",
    "asimd",
    "asimddp",
    "bf16",
    "i8mm",
    "sve",
)
PACKAGES = ("numpy", "onnxruntime", "openvino", "pyvips", "pyvips-binary", "torch")
CHECKOUT = Path(__file__).parents[3]


def machine_facts() -> dict[str, str]:
    """CPU, instruction sets, cores, memory, system, Python and packages, as text by column name."""
    cpu = _cpu_facts()
    ram_bytes = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    flags = set(cpu.get("flags", cpu.get("Features", "")).split())
    versions = {package: _version(package) for package in PACKAGES}
    return {
        "cpu": cpu.get("model name", platform.machine()),
        "isa": " ".join(flag for flag in ISA_FLAGS if flag in flags),
        "cores": str(len(os.sched_getaffinity(0))),
        "ram_gib": str(round(ram_bytes / 2**30)),
        "os": _system_name(),
        "python": platform.python_version(),
        "packages": " ".join(f"{name}={version}" for name, version in versions.items() if version),
    }


def machine_key(facts: dict[str, str]) -> str:
    """Eight letters that stand for these facts in results/*.csv."""
    text = "\n".join(f"{name}={value}" for name, value in sorted(facts.items()))
    return hashlib.sha256(text.encode()).hexdigest()[:8]


def commit() -> str:
    """The commit of the checkout this runs from, "+" appended where files differ; "" elsewhere."""
    if not (CHECKOUT / ".git").exists():
        return ""
    command = ["git", "-C", str(CHECKOUT), "describe", "--always", "--dirty=+", "--abbrev=12"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - no shell, and words of our own
    except OSError:  # git is not installed
        return ""
    return done.stdout.strip()


def today() -> str:
    """The date in UTC, as 2026-11-30."""
    return datetime.datetime.now(datetime.UTC).date().isoformat()


def _cpu_facts() -> dict[str, str]:
    """The first processor's lines of /proc/cpuinfo, empty where there is none."""
    first = _text("/proc/cpuinfo").split("\n\n", 1)[0]
    pairs = (line.partition(":") for line in first.splitlines())
    return {name.strip(): value.strip() for name, _, value in pairs}


def _system_name() -> str:
    try:
        return platform.freedesktop_os_release()["PRETTY_NAME"]
    except OSError:
        return f"{platform.system()} {platform.release()}"


def _version(package: str) -> str:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return ""


def _text(path: str) -> str:
    try:
        return Path(path).read_text("utf-8", "replace")
    except OSError:
        return ""
