"""Standard output as a place for a file."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from typing import BinaryIO

from foveate.atomic import output_error


class StreamFile:
    """An output for a stream: it is made whole in an unnamed file first, then copied.

    So a reader of the stream never gets half a picture, and formats that need seeking work.
    """

    def __init__(self, stream: BinaryIO) -> None:
        """Makes the unnamed file in the folder for temporary files."""
        self.path, self._stream = Path("standard output"), stream
        try:
            self._file = tempfile.TemporaryFile()  # noqa: SIM115 - closed by close()
        except OSError as error:
            raise output_error(error, tempfile.gettempdir()) from error
        self.descriptor = self._file.fileno()

    def commit(self) -> None:
        """Copies the file to the stream.

        Raises:
            OutputError: nobody reads it, or another fault.
        """
        try:
            self._file.seek(0)
            shutil.copyfileobj(self._file, self._stream, 1 << 20)
            self._stream.flush()
        except OSError as error:
            raise output_error(error, self.path) from error

    def close(self) -> None:
        """Removes the file."""
        self._file.close()
