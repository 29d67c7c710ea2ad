"""IPTC records in the wrapping that JPEG files use: Photoshop image resources.

Only the records travel; other resources (a thumbnail of the old pixels, clipping paths) do not.
"""

from __future__ import annotations

import struct

_NAME = b"Photoshop 3.0\0"
_RECORDS = 0x0404


def from_photoshop(data: bytes) -> bytes | None:
    """The IPTC records in a JPEG's APP13 data; None: there are none."""
    at = len(_NAME) if data.startswith(_NAME) else 0
    if at == 0 and data[:1] == b"\x1c":
        return data
    while data[at : at + 4] == b"8BIM" and at + 12 <= len(data):
        (kind,) = struct.unpack_from(">H", data, at + 4)
        name_bytes = 1 + data[at + 6]
        size_at = at + 6 + name_bytes + name_bytes % 2
        size = int.from_bytes(data[size_at : size_at + 4], "big")
        if kind == _RECORDS:
            return data[size_at + 4 : size_at + 4 + size] or None
        at = size_at + 4 + size + size % 2
    return None


def to_photoshop(records: bytes) -> bytes:
    """The data of an APP13 segment that holds the records."""
    head = b"8BIM" + struct.pack(">HHI", _RECORDS, 0, len(records))
    return _NAME + head + records + b"\0" * (len(records) % 2)
