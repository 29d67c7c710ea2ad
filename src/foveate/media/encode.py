"""One libvips encoder in a thread of its own: rows in by a RowFeed, bytes out to a descriptor."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable

from foveate.atomic import write_all
from foveate.media.container import (
    JPEG_HEAD,
    PNG_HEAD,
    HeadInserter,
    jfif_segment,
    jpeg_segment,
    png_chunk,
    webp_with_exif,
)
from foveate.media.encoding import Encoding
from foveate.media.feed import RowFeed
from foveate.media.metadata import Metadata, attach_metadata
from foveate.media.tiff import add_tiff_metadata
from foveate.media.vips import pyvips

LARGEST_TIFF_BYTES = 4_000_000_000  # of samples; its offsets have 32 bits


class Encoder:
    """Encodes what the feed delivers; starts at once.

    Args:
        feed: the rows.
        descriptor: an empty file open for reading and writing.
        encoding: how to store them.
        metadata: what to store with them; its EXIF already corrected.

    Attributes:
        failure: why it failed, an OSError where the file could not be written; None: it did not.
    """

    def __init__(
        self, feed: RowFeed, descriptor: int, encoding: Encoding, metadata: Metadata
    ) -> None:
        """Starts the thread."""
        self._feed, self._encoding, self._metadata = feed, encoding, metadata
        # A descriptor of its own: whoever gives up may close his while libaom still computes.
        self._descriptor = os.dup(descriptor)
        self._output = _Output(self._descriptor)
        self.failure: Exception | None = None
        # libvips calls back into this object, so it must outlive every image made from it.
        self._source = feed.as_vips()
        self._thread = threading.Thread(target=self._run, name="foveate-encoder", daemon=True)
        self._thread.start()

    def wait(self, timeout_s: float | None = None) -> None:
        """Returns when the encoder has ended, `failure` tells how; or when the time is up."""
        self._thread.join(timeout_s)

    def _run(self) -> None:
        try:
            image = pyvips.Image.tiffload_source(self._source, access="sequential", fail_on="error")
            self._encode(image)
        except (pyvips.Error, OSError, MemoryError, ValueError) as error:
            # libvips only says that writing failed; the output knows why.
            self.failure = self._output.failure or error
        finally:
            self._feed.close()
            os.close(self._descriptor)

    def _encode(self, image: pyvips.Image) -> None:
        exif, output = self._metadata.exif, self._output
        if self._encoding.format == "jpeg":
            insert = jfif_segment(self._metadata.dots_per_mm) + (
                jpeg_segment(exif) if exif else b""
            )
            output.write = HeadInserter(JPEG_HEAD, insert, output.write).write
        if exif and self._encoding.format == "png":
            output.write = HeadInserter(PNG_HEAD, png_chunk(exif), output.write).write
        if not exif or self._encoding.format != "webp":
            _save(image, self._encoding, self._metadata, output)
            if self._encoding.format == "tiff" and (exif or self._metadata.iptc):
                add_tiff_metadata(self._descriptor, exif, self._metadata.iptc)
            return
        whole = bytearray()
        real_write, output.write = output.write, whole.extend
        _save(image, self._encoding, self._metadata, output)
        real_write(webp_with_exif(bytes(whole), exif, width=image.width, height=image.height))


class _Output:
    """A descriptor behind the calls libvips makes, which must not raise.

    Attributes:
        write: takes all of the bytes it is given, or raises OSError.
        failure: the first OSError.
    """

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self.write: Callable[[bytes | memoryview], None] = self._write_all
        self.failure: OSError | None = None

    def as_vips(self) -> pyvips.TargetCustom:
        target = pyvips.TargetCustom()
        target.on_write(self._on_write)
        target.on_read(self._on_read)
        target.on_seek(lambda offset, whence: os.lseek(self._descriptor, offset, whence))
        return target

    def _write_all(self, data: bytes | memoryview) -> None:
        write_all(self._descriptor, data)

    def _on_write(self, data: memoryview) -> int:
        if self.failure is None:
            try:
                self.write(data)
            except OSError as error:
                self.failure = error
        return -1 if self.failure else len(data)

    def _on_read(self, size: int) -> bytes:
        try:
            return os.read(self._descriptor, size)
        except OSError as error:
            self.failure = self.failure or error
            return b""


def _save(image: pyvips.Image, encoding: Encoding, metadata: Metadata, output: _Output) -> None:
    image = attach_metadata(image, metadata, encoding.format)
    target, options = output.as_vips(), _options(encoding, metadata, image)
    saver = "heif" if encoding.format == "avif" else encoding.format
    getattr(image, f"{saver}save_target")(target, **options)
    if output.failure:
        raise output.failure


def _options(encoding: Encoding, metadata: Metadata, image: pyvips.Image) -> dict[str, object]:
    """What each encoder is told; chosen by measuring time and size on photos."""
    keep = "icc:xmp:iptc"
    if encoding.format == "jpeg":
        return {"keep": keep, "Q": encoding.quality}
    if encoding.format == "png":
        # Level 2 takes as long as 1 and makes files half as large; "up" is the best quick filter.
        return {"keep": keep, "compression": 2, "filter": "up"}
    if encoding.format == "tiff":
        size = image.width * image.height * image.bands * encoding.depth // 8
        return {
            "keep": keep,
            "compression": "deflate",
            "predictor": "horizontal",
            "level": 2,
            "bigtiff": size > LARGEST_TIFF_BYTES,
        }
    if encoding.format == "webp":
        mode = {"lossless": True, "effort": 1} if encoding.is_lossless else {"effort": 2}
        return {"keep": keep, "Q": encoding.quality, "exact": True, **mode}
    return {
        # Asked for EXIF, libvips would write some even where there is none.
        "keep": "icc:xmp:exif" if metadata.exif else "icc:xmp",
        "compression": "av1",
        "Q": encoding.quality,
        "bitdepth": encoding.depth,
        # Twice as fast as 2 at 0.1 dB; three times as fast as 3 at 0.2 dB and the same size.
        "effort": 1,
    }
