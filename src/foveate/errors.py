"""The errors a user can meet, each with its exit code.

FoveateError
├── UsageError       2    wrong arguments, unknown model, missing extra
├── InputError       3    missing, unreadable, not a picture, truncated, over --max-pixels
├── OutputError      4    exists, no permission, disk full, a format that cannot hold the result
├── ResourceError    5    memory or device absent or not enough
├── ModelError       6    weights missing, damaged or refused; an engine that fails its self-check
└── PartialFailure   7    a job finished, some items did not
Any other exception is a bug of ours: exit code 1. Interrupted: 130; terminated: 143.
"""

from __future__ import annotations


class FoveateError(Exception):
    """A failure with a cause and a remedy, told in one line.

    Args:
        what: what could not be done, and to which file: "cannot read photo.jpg".
        cause: why: "file ends at byte 81920 of 120332".
        remedy: what to do: "copy the file again".
    """

    exit_code = 1

    def __init__(self, what: str, cause: str = "", remedy: str = "") -> None:
        """Keeps the three parts and joins them into the message."""
        self.what, self.cause, self.remedy = what, cause, remedy
        super().__init__(what, cause, remedy)

    def __str__(self) -> str:
        """One line: what: cause; hint: remedy."""
        line = f"{self.what}: {self.cause}" if self.cause else self.what
        line = f"{line}; hint: {self.remedy}" if self.remedy else line
        return " ".join(line.split())


class UsageError(FoveateError):
    """Wrong arguments, an unknown model, or an extra that is not installed."""

    exit_code = 2


class InputError(FoveateError):
    """The input is missing, unreadable, not a picture, truncated or too large."""

    exit_code = 3


class OutputError(FoveateError):
    """The output exists, may not be written, does not fit the disk or the format."""

    exit_code = 4


class ResourceError(FoveateError):
    """Memory or a device is absent or not enough."""

    exit_code = 5


class ModelError(FoveateError):
    """Weights are missing, damaged or refused, or an engine fails its self-check."""

    exit_code = 6


class PartialFailure(FoveateError):  # noqa: N818 - a job that finished in part is an outcome, not an error
    """A job finished, but some of its items did not."""

    exit_code = 7
