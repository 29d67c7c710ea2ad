"""pyvips, imported and tamed once: no cache, few threads, warnings caught, errors told plainly.

Everything else in this room imports pyvips from here.
"""

from __future__ import annotations

import ctypes
import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pyvips

# One worker keeps libvips' buffers small; rows are pulled in order anyway, and the cores are
# needed by the network.
pyvips.vips_lib.vips_concurrency_set(1)
pyvips.cache_set_max(0)
pyvips.cache_set_max_mem(0)
pyvips.cache_set_max_files(0)

_NOISE = ("unable to", "bad seek", "error in tile")
_caught = threading.local()


class _WarningCollector(logging.Handler):
    """Keeps libvips' warnings for the thread in which they arose."""

    def emit(self, record: logging.LogRecord) -> None:
        messages: list[str] | None = getattr(_caught, "messages", None)
        if messages is not None and record.levelno >= logging.WARNING:
            text = record.getMessage().removeprefix("VIPS: ")
            if text not in messages and not text.startswith(_NOISE):
                messages.append(text)


_logger = logging.getLogger("pyvips")
_logger.addHandler(_WarningCollector(logging.WARNING))
# Otherwise every libvips call formats a debug line.
_logger.setLevel(logging.WARNING)


@contextmanager
def collect_warnings(messages: list[str]) -> Iterator[None]:
    """Appends libvips' warnings of this thread to `messages`, each text once."""
    _caught.messages = messages
    try:
        yield
    finally:
        _caught.messages = None


def reason(error: Exception, warnings: list[str] | None = None) -> str:
    """The telling line of a libvips error.

    libvips has one error buffer for the whole process, so lines of harmless probes are in it;
    they are dropped. An empty text means libvips gave no reason.
    """
    lines = [line.strip() for line in str(error).splitlines()]
    useful = [line for line in lines if line and not any(noise in line for noise in _NOISE)]
    text = (useful or warnings or [""])[-1]
    return text.rpartition("_source: ")[2].removeprefix("VipsJpeg: ").strip(" .")


def decoder_versions() -> str:
    """The versions of libvips and of its binding, for `foveate doctor`."""
    version = ".".join(str(pyvips.version(part)) for part in range(3))
    return f"libvips {version}, pyvips {pyvips.__version__}"


class HeapTrimmer:
    """Gives freed memory back to the system while libvips fills its row caches.

    Until its caches are full, libvips frees large pieces between small ones it keeps, and glibc
    keeps the holes: 60 MB for rows of 12,000 pixels. Trimming then costs 7 ms in all; afterwards
    the holes that are left fit what is asked for.

    Args:
        row_bytes: of one row; short rows are not worth the trouble.
    """

    def __init__(self, row_bytes: int) -> None:
        """No rows yet."""
        self._worthwhile = row_bytes >= 8192
        self._rows = 0

    def rows_passed(self, rows: int) -> None:
        """Counts rows, and trims every 64th while the caches fill."""
        before, self._rows = self._rows, self._rows + rows
        if self._worthwhile and before < 768 and before // 64 != self._rows // 64:
            _trim_heap()


def _trim_heap() -> None:
    try:
        ctypes.CDLL(None).malloc_trim(0)
    except (AttributeError, OSError):
        return  # not glibc


__all__ = ["HeapTrimmer", "collect_warnings", "decoder_versions", "pyvips", "reason"]
