"""Bytes: how people write them, and what each part of a run takes."""

from __future__ import annotations

import re
from dataclasses import dataclass

from foveate.errors import ResourceError, UsageError

MIB = 1 << 20
UNITS = {
    "": 1, "b": 1,
    "k": 1 << 10, "kb": 1 << 10, "kib": 1 << 10,
    "m": 1 << 20, "mb": 1 << 20, "mib": 1 << 20,
    "g": 1 << 30, "gb": 1 << 30, "gib": 1 << 30,
}  # fmt: skip

# Resident bytes of a process with Python, numpy, pyvips and the engine loaded and a session open,
# before the first window; measured 73 and 110 MiB with onnxruntime 1.31 and openvino 2026.4, and
# 57 MiB at the end of a plain resize of a small picture, which loads no engine.
BASE_BYTES = {"onnxruntime": 90 * MIB, "openvino": 130 * MIB, "fake": 60 * MIB, "": 60 * MIB}

# A session over the bytes on the card, which are ONNX Runtime's: measured 0.8 (x2) to 1.66 (x4).
SESSION_FACTOR = {"onnxruntime": 1.0, "openvino": 1.7, "fake": 1.0}


@dataclass(frozen=True)
class Memory:
    """Peak bytes of each part of a run; their sum is the estimate that must stay under --memory.

    Attributes:
        base: the process with its libraries, before the first window.
        sessions: all workers' networks on their largest window.
        decoder: the file's reader.
        rows: LR and SR rows in flight.
        encoder: the file's writer, the last resize included.
    """

    base: int
    sessions: int
    decoder: int
    rows: int
    encoder: int

    @property
    def total(self) -> int:
        """The estimate of the process's peak."""
        return self.base + self.sessions + self.decoder + self.rows + self.encoder


class MemoryTooSmallError(ResourceError):
    """Nothing fits into the memory that is allowed.

    Args:
        needed_bytes: the least that would do.
        allowed_bytes: by --memory.
    """

    def __init__(self, needed_bytes: int, allowed_bytes: int) -> None:
        """Says what would do."""
        needed = format_memory(needed_bytes)
        super().__init__(
            "not enough memory",
            f"needs {needed}, --memory allows {format_memory(allowed_bytes)}",
            f"use --memory {needed.replace(' ', '')}",
        )
        self.needed_bytes = needed_bytes


def parse_memory(text: str) -> int:
    """Reads "512MiB", "1.5 GiB", "800M" or plain bytes; units are powers of 1024, in any case.

    Raises:
        UsageError: not a positive size.
    """
    match = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([a-z]*)\s*", text.lower())
    if not match or match[2] not in UNITS or float(match[1]) * UNITS[match[2]] < 1:
        raise UsageError(
            f"cannot read the memory size {text!r}",
            "expected a number and KiB, MiB or GiB",
            "write 512MiB or 1GiB",
        )
    return int(float(match[1]) * UNITS[match[2]])


def format_memory(size_bytes: int) -> str:
    """Whole MiB, rounded up: "412 MiB"."""
    return f"{-(-size_bytes // MIB)} MiB"
