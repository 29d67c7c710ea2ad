"""What a picture file says beside its pixels, and what of it an output may carry."""

from __future__ import annotations

from dataclasses import dataclass, replace

from foveate.media.container import JPEG_EXIF_LIMIT, jpeg_segment
from foveate.media.exif import check_exif, exif_fields
from foveate.media.iptc import from_photoshop, to_photoshop
from foveate.media.tiff import ReadAt, is_bigtiff, read_tiff_metadata
from foveate.media.vips import pyvips

_PARTS = {"colour profile": "icc", "EXIF": "exif", "XMP": "xmp", "IPTC": "iptc"}
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
        texts: names of a PNG's text entries, which are not kept.
    """

    icc: bytes | None = None
    exif: bytes | None = None
    xmp: bytes | None = None
    iptc: bytes | None = None
    dots_per_mm: tuple[float, float] | None = None
    texts: tuple[str, ...] = ()

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
            notes += [f"{name} of a BigTIFF is not read" for name in facts.unread]
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
        texts=tuple(
            name.split("-", 3)[3] for name in image.get_fields() if name.startswith("png-comment-")
        ),
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


def lost_metadata(
    image: pyvips.Image, metadata: Metadata, format_: str, read_at: ReadAt
) -> list[str]:
    """Notes on what an encoder silently left out: what it takes for broken, or has no place for.

    Args:
        image: the output, opened again.
        metadata: what was to be stored.
        format_: of the output.
        read_at: gives (offset, size) bytes of the output.
    """
    back, _ = read_metadata(image, format_, read_at)
    name = "BigTIFF" if is_bigtiff(read_at) else format_.upper()
    notes = [
        f"{what} left out: the {name} encoder does not take it"
        for what, field in _PARTS.items()
        if getattr(metadata, field) and not getattr(back, field)
    ]
    if metadata.exif and back.exif:
        wanted = exif_fields(metadata.exif)
        if missing := wanted - exif_fields(back.exif):
            notes.append(
                f"{len(missing)} of {len(wanted)} EXIF fields left out: not known to {name}"
            )
    dots = metadata.dots_per_mm
    if dots and not _about_equal(dots, back.dots_per_mm):
        per_inch = " x ".join(f"{side * 25.4:.0f}" for side in dict.fromkeys(dots))
        notes.append(f"resolution of {per_inch} dpi left out: {name} has no place for it")
    return notes


def _about_equal(dots: tuple[float, float], stored: tuple[float, float] | None) -> bool:
    """Whether both are one resolution; formats round it, and what is not stored is the usual."""
    pairs = zip(dots, stored or _USUAL_DOTS_PER_MM, strict=True)
    return all(abs(ours - theirs) <= 0.01 * ours + 0.02 for ours, theirs in pairs)


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
