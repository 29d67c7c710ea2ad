"""XMP packets corrected where they repeat facts about the pixels; the rest stays as it is."""

from __future__ import annotations

import re

_WIDTHS = (b"tiff:ImageWidth", b"exif:PixelXDimension")
_HEIGHTS = (b"tiff:ImageLength", b"exif:PixelYDimension")


def corrected_xmp(xmp: bytes, width: int, height: int) -> bytes:
    """The packet for a picture of new size whose pixels are upright.

    Args:
        xmp: a packet in UTF-8; properties may be attributes or elements.
        width: pixels.
        height: pixels.
    """
    values = {b"tiff:Orientation": 1}
    values |= dict.fromkeys(_WIDTHS, width) | dict.fromkeys(_HEIGHTS, height)
    for name, value in values.items():
        pattern = rb"(%s(?:\s*=\s*[\"']|>)\s*)\d+" % re.escape(name)
        xmp = re.sub(pattern, rb"\g<1>%d" % value, xmp)
    return xmp
