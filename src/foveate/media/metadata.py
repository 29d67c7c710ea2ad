"""What a picture file says beside its pixels, and what of it an output may carry."""

from __future__ import annotations

from dataclasses import dataclass, replace

from foveate.media.container import JPEG_EXIF_LIMIT, jpeg_segment
from foveate.media.exif import check_exif
from foveate.media.iptc import from_photoshop, to_photoshop
from foveate.media.tiff import ReadAt, read_tiff_metadata
from foveate.media.vips import pyvips

_USUAL_DOTS_PER_MM = (72 / 25.4, 72 / 25.4)


@dataclass(frozen=True)
class Metadata:
    """Facts a writer needs. All None: nothing is known.

    Attributes:
        icc: the ICC profile, byte for byte.
        exif: the EXIF block, a TIFF structure (without the "Exif" prefix), as read.
        xmp: the XMP packet.
        iptc: IPTC records, without the wrapping of any file format.
        dots_per_mm: horizontal and vertical resolution.
    """

    icc: bytes | None = None
    exif: bytes | None = None
    xmp: bytes | None = None
    iptc: bytes | None = None
    dots_per_mm: tuple[float, float] | None = None

    def stripped(self) -> Metadata:
        """Only what the pixels need to be shown right: the profile."""
        return Metadata(icc=self.icc)

    def without_profile(self) -> Metadata:
        """For pixels that were converted to sRGB."""
        return replace(self, icc=None)


def read_metadata(image: pyvips.Image, format_: str, read_at: ReadAt) -> tuple[Metadata, list[str]]:
    """Takes the metadata off an opened image.

    Args:
        image: as its decoder opened it.
        format_: "jpeg", "png" ...
        read_at: gives (offset, size) bytes of the file.

    Returns:
        The metadata, and notes on what was broken and left out.
    """
    notes: list[str] = []
    exif, iptc = _blob(image, "exif-data"), _blob(image, "iptc-data")
    if iptc is not None:
        iptc = from_photoshop(iptc)
    if format_ == "tiff":
        try:
            facts = read_tiff_metadata(read_at)
            exif, iptc = facts.exif, facts.iptc
        except ValueError as error:
            notes.append(f"broken EXIF left out: {error}")
    exif, broken = usable_exif(exif)
    dots = (float(image.xres), float(image.yres))
    # libvips says 1 dot per millimetre where the file says nothing.
    known = dots != (1.0, 1.0) and all(0.01 < dot < 100_000 for dot in dots)
    metadata = Metadata(
        icc=_blob(image, "icc-profile-data"),
        exif=exif,
        xmp=_blob(image, "xmp-data"),
        iptc=iptc,
        dots_per_mm=dots if known else None,
    )
    return metadata, notes + broken


def usable_exif(exif: bytes | None) -> tuple[bytes | None, list[str]]:
    """The EXIF block without its name, or None and a note where it is broken."""
    if not exif:
        return None, []
    exif = exif.removeprefix(b"Exif\0\0")
    problem = check_exif(exif)
    return (None, [f"broken EXIF left out: {problem}"]) if problem else (exif, [])


def _blob(image: pyvips.Image, name: str) -> bytes | None:
    if image.get_typeof(name) == 0:
        return None
    return bytes(image.get(name)) or None


def attach_metadata(image: pyvips.Image, metadata: Metadata, format_: str) -> pyvips.Image:
    """The image with metadata as libvips' encoder of that format takes it.

    EXIF is left to container.py and tiff.py, except for AVIF: there libvips takes the block apart
    and keeps what it knows.
    """
    horizontal, vertical = metadata.dots_per_mm or _USUAL_DOTS_PER_MM
    image = image.copy(xres=horizontal, yres=vertical)
    image.set_type(pyvips.GValue.gstr_type, "resolution-unit", "in")
    blobs = {
        "icc-profile-data": metadata.icc,
        "xmp-data": metadata.xmp,
        "iptc-data": to_photoshop(metadata.iptc or b"") if _holds_iptc(metadata, format_) else None,
    }
    for name, data in blobs.items():
        if data:
            image.set_type(pyvips.GValue.blob_type, name, data)
    if format_ == "avif" and metadata.exif:
        _attach_exif(image, metadata.exif)
    return image


def lost_metadata(image: pyvips.Image, metadata: Metadata, format_: str) -> list[str]:
    """Notes on what an encoder silently left out: profiles it takes for broken, blocks too large.

    Args:
        image: the output, opened again.
        metadata: what was to be stored.
        format_: of the output.
    """
    wanted = {
        "colour profile": ("icc-profile-data", metadata.icc),
        "XMP": ("xmp-data", metadata.xmp),
    }
    if format_ != "tiff":
        wanted["EXIF"] = ("exif-data", metadata.exif)
    if _holds_iptc(metadata, format_):
        wanted["IPTC"] = ("iptc-data", metadata.iptc)
    return [
        f"{name} left out: the {format_.upper()} encoder does not take it"
        for name, (field, data) in wanted.items()
        if data and image.get_typeof(field) == 0
    ]


def _holds_iptc(metadata: Metadata, format_: str) -> bool:
    # tiff.py writes it into TIFF, where libvips cuts it short.
    return format_ == "jpeg" and metadata.iptc is not None


def _attach_exif(image: pyvips.Image, exif: bytes) -> None:
    """Gives `image` the fields that libvips reads out of an EXIF block, by way of a tiny JPEG."""
    tiny = pyvips.Image.black(1, 1).jpegsave_buffer(keep="none")
    if len(exif) > JPEG_EXIF_LIMIT:
        return
    carrier = pyvips.Image.jpegload_buffer(tiny[:2] + jpeg_segment(exif) + tiny[2:])
    for name in carrier.get_fields():
        if name.startswith("exif-"):
            image.set_type(carrier.get_typeof(name), name, carrier.get(name))
