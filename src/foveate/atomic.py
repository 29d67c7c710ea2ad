"""The one file writer: a file appears at its place whole, or not at all.

Bytes go to a file without a name in the destination's folder; commit() flushes it, gives it its
name and flushes the folder. Whatever happens before that, kill -9 and power cuts included, leaves
nothing behind. Where the file system has no such files (NFS, FAT), it is a hidden one until then,
which only a killed process leaves behind.
"""

from __future__ import annotations

import errno
import os
import secrets
import shutil
import stat
from pathlib import Path
from types import TracebackType
from typing import Self

from foveate.errors import OutputError

_CAUSES = {
    errno.ENOENT: ("the folder does not exist", "make the folder first"),
    errno.ENOTDIR: ("a part of the path is not a folder", "choose another path"),
    errno.EACCES: ("no permission", "choose a folder you may write to"),
    errno.EPERM: ("no permission", "choose a folder you may write to"),
    errno.EROFS: ("the file system is read-only", "choose another folder"),
    errno.ENOSPC: ("the disk is full", "free some space or choose another disk"),
    errno.EDQUOT: ("the disk quota is used up", "free some space or choose another disk"),
    errno.EFBIG: ("the file would be larger than the system allows", "raise the file size limit"),
    errno.ENAMETOOLONG: ("the name is too long", "choose a shorter name"),
    errno.EISDIR: ("it is a folder", "add a file name"),
    errno.EEXIST: ("the file exists", "use --overwrite to replace it"),
    errno.EPIPE: ("the reader closed the pipe", ""),
}


def output_error(error: OSError, name: object) -> OutputError:
    """Tells a failed write of the file `name` as one of ours, with cause and remedy."""
    system = error.strerror or str(error)
    cause, remedy = _CAUSES.get(error.errno or 0, (system[:1].lower() + system[1:], ""))
    return OutputError(f"cannot write {name}", cause, remedy)


def check_destination(path: Path, *, overwrite: bool) -> None:
    """Refuses, before any work is done, a place that could not be written.

    Raises:
        OutputError: the file exists and `overwrite` is false, it is a folder or not a regular
            file, or its folder is missing or may not be written.
    """
    try:
        if not stat.S_ISDIR(path.parent.stat().st_mode):
            raise OSError(errno.ENOTDIR, os.strerror(errno.ENOTDIR))
        if path.is_dir():
            raise OSError(errno.EISDIR, os.strerror(errno.EISDIR))
        if path.exists() and not path.is_file():
            raise OutputError(f"cannot write {path}", "it is not a regular file")
        if os.path.lexists(path) and not overwrite:
            raise OSError(errno.EEXIST, os.strerror(errno.EEXIST))
        if not os.access(path.parent, os.W_OK | os.X_OK):
            raise OSError(errno.EACCES, os.strerror(errno.EACCES))
    except OSError as error:
        raise output_error(error, path) from error


class AtomicFile:
    """A file being written; a context manager that removes it unless commit() was called.

    Args:
        path: where the file shall appear.
        overwrite: whether a file already there may be replaced.

    Raises:
        OutputError: the place cannot be written; see check_destination().
    """

    def __init__(self, path: Path, *, overwrite: bool) -> None:
        """Creates the file in the folder of `path`."""
        check_destination(path, overwrite=overwrite)
        self.path, self._overwrite = path, overwrite
        self.temporary = path.parent / f".foveate-{secrets.token_hex(8)}.part"
        try:
            self.descriptor = _open_unnamed(path.parent, _mode_of(path))
            self._has_name = self.descriptor < 0
            if self._has_name:
                flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW
                self.descriptor = os.open(self.temporary, flags, _mode_of(path))
        except OSError as error:
            raise output_error(error, path) from error

    def write(self, data: bytes | memoryview) -> None:
        """Appends all of `data`.

        Raises:
            OutputError: the disk is full, or another fault of the file system.
        """
        try:
            write_all(self.descriptor, data)
        except OSError as error:
            raise output_error(error, self.path) from error

    def commit(self) -> None:
        """Flushes the file to disk and gives it its name.

        Raises:
            OutputError: flushing failed, or a file of that name appeared meanwhile and
                `overwrite` is false.
        """
        try:
            os.fsync(self.descriptor)
            if not self._has_name:
                self._link_hidden()
            if self._overwrite:
                self.temporary.replace(self.path)
            else:
                _rename_to_free_name(self.temporary, self.path)
            _fsync_folder(self.path.parent)
        except OSError as error:
            raise output_error(error, self.path) from error

    def _link_hidden(self) -> None:
        """Gives the unnamed file its hidden name, from where rename() can replace a file."""
        try:
            # Given a folder, even an unused one, Python follows the link as linkat() is told to.
            os.link(_by_descriptor(self.descriptor), self.temporary, src_dir_fd=self.descriptor)
        except OSError:
            # A sandbox that makes unnamed files but cannot name them: what is done is not lost.
            with (
                self.temporary.open("xb") as copy,
                open(self.descriptor, "rb", closefd=False) as own,
            ):
                own.seek(0)
                shutil.copyfileobj(own, copy, 1 << 20)
                os.fchmod(copy.fileno(), stat.S_IMODE(os.fstat(self.descriptor).st_mode))
                copy.flush()
                os.fsync(copy.fileno())

    def __enter__(self) -> Self:
        """Returns itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Closes the file; removes it when it has not got its name."""
        self.close()

    def close(self) -> None:
        """Closes the file; removes it when it has not got its name. May be called twice."""
        if self.descriptor >= 0:
            os.close(self.descriptor)
            self.descriptor = -1
        self.temporary.unlink(missing_ok=True)


def write_bytes(path: Path, data: bytes, *, overwrite: bool) -> None:
    """Writes a small file: whole, or not at all.

    Raises:
        OutputError: see AtomicFile.
    """
    with AtomicFile(path, overwrite=overwrite) as file:
        file.write(data)
        file.commit()


def write_all(descriptor: int, data: bytes | memoryview) -> None:
    """Writes all of `data` to a descriptor, which may take it in parts.

    Raises:
        OSError: as os.write does.
    """
    rest = memoryview(data).cast("B")
    while rest:
        rest = rest[os.write(descriptor, rest) :]


def _open_unnamed(folder: Path, mode: int) -> int:
    """A file without a name that _by_descriptor() can reach, or -1 where there is no such thing."""
    try:
        descriptor = os.open(folder, os.O_RDWR | os.O_TMPFILE | os.O_CLOEXEC, mode)
    except (AttributeError, OSError):  # not Linux, or a file system that cannot
        return -1
    if not _by_descriptor(descriptor).exists():  # no /proc
        os.close(descriptor)
        return -1
    return descriptor


def _by_descriptor(descriptor: int) -> Path:
    return Path(f"/proc/self/fd/{descriptor}")


def _mode_of(path: Path) -> int:
    """The permissions of the file that will be replaced, else the usual ones."""
    try:
        return path.stat().st_mode & 0o777
    except OSError:
        return 0o666


def _rename_to_free_name(temporary: Path, path: Path) -> None:
    """Renames without ever replacing: link() fails where a file exists, rename() does not."""
    try:
        os.link(temporary, path)
    except OSError as error:
        unsupported = {errno.EPERM, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK}
        if error.errno not in unsupported:
            raise
        # FAT and some network file systems have no links: claim the name first, then replace it.
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL))
        temporary.replace(path)


def _fsync_folder(folder: Path) -> None:
    """Makes the new name last through a power cut; some file systems cannot, which is no error."""
    try:
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    except OSError:
        return
    try:
        os.fsync(descriptor)
    except OSError:
        return
    finally:
        os.close(descriptor)
