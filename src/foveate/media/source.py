"""Where a picture's bytes come from: a file, opened by descriptor, or bytes from standard input.

Names never reach libvips, which would read options out of `photo.jpg[page=1]`.
"""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path
from types import TracebackType
from typing import Self

from foveate.errors import InputError
from foveate.media.vips import pyvips

Identity = tuple[int, int, int, int]

_CAUSES = {
    errno.ENOENT: ("no such file", "check the name"),
    errno.ENOTDIR: ("a part of the path is not a folder", "check the name"),
    errno.EACCES: ("no permission", "ask for read permission on the file"),
    errno.EPERM: ("no permission", "ask for read permission on the file"),
    errno.EISDIR: ("it is a folder", "name one picture in it"),
    errno.ENAMETOOLONG: ("the name is too long", "check the name"),
    errno.ELOOP: ("the link points in a circle", "name the file itself"),
}


def source_name(source: Path | bytes) -> str:
    """The name of a source in messages."""
    return "standard input" if isinstance(source, bytes) else str(source)


class SourceFile:
    """An open source of bytes; a context manager.

    Args:
        source: path of a regular file, or the bytes themselves.

    Attributes:
        name: for messages.
        size: bytes.
        identity: device, inode, size and time of change: equal as long as it is the same file.

    Raises:
        InputError: missing, a folder, not a regular file, not permitted, or empty.
    """

    def __init__(self, source: Path | bytes) -> None:
        """Opens the file; reads nothing."""
        self.name = source_name(source)
        self._bytes = source if isinstance(source, bytes) else b""
        self._descriptor = -1
        self.size, self.identity = len(self._bytes), (0, 0, len(self._bytes), 0)
        if not isinstance(source, bytes):
            self._open(source)
        if self.size == 0:
            self.close()
            raise InputError(f"cannot read {self.name}", "the file is empty", "get it again")

    def _open(self, path: Path) -> None:
        # O_NONBLOCK: opening a named pipe would otherwise wait for its writer for ever.
        flags = os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOCTTY
        try:
            self._descriptor = os.open(path, flags)
            facts = os.fstat(self._descriptor)
            if stat.S_ISDIR(facts.st_mode):
                raise OSError(errno.EISDIR, os.strerror(errno.EISDIR))
        except (OSError, ValueError) as error:
            self.close()
            number = error.errno if isinstance(error, OSError) else None
            cause, remedy = _CAUSES.get(number or 0, (str(error).lower(), ""))
            raise InputError(f"cannot read {self.name}", cause, remedy) from error
        if not stat.S_ISREG(facts.st_mode):
            self.close()
            raise InputError(
                f"cannot read {self.name}", "it is not a regular file", "pass it by `-` as input"
            )
        self.size = facts.st_size
        self.identity = (facts.st_dev, facts.st_ino, facts.st_size, facts.st_mtime_ns)

    def read_at(self, offset: int, size: int) -> bytes:
        """Up to `size` bytes from `offset`; fewer at the end.

        Raises:
            InputError: the disk or network could not deliver them.
        """
        if self._descriptor < 0:
            return self._bytes[offset : offset + size]
        try:
            return os.pread(self._descriptor, size, offset)
        except OSError as error:
            cause = error.strerror or str(error)
            raise InputError(f"cannot read {self.name}", cause.lower()) from error

    def as_vips(self) -> pyvips.Source:
        """A libvips source from the first byte on. One at a time: they share the file position."""
        if self._descriptor < 0:
            return pyvips.Source.new_from_memory(self._bytes)
        os.lseek(self._descriptor, 0, os.SEEK_SET)
        return pyvips.Source.new_from_descriptor(self._descriptor)

    def close(self) -> None:
        """Closes the file; may be called twice."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def __enter__(self) -> Self:
        """Returns itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Closes the file."""
        self.close()
