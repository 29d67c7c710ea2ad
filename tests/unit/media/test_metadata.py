"""Metadata through every pair of formats, and what broken or oversized metadata does."""

import io
import struct
import zlib
from functools import partial

import numpy as np
import pytest

from foveate.errors import InputError
from foveate.media.container import jpeg_segment, webp_with_exif
from foveate.media.exif import ExifBlock, check_exif, corrected_exif
from foveate.media.iptc import from_photoshop, to_photoshop
from foveate.media.metadata import Metadata, attach_metadata
from foveate.media.picture import open_picture
from foveate.media.tiff import Value, pack_directories, read_directory, read_tiff_metadata
from foveate.media.vips import pyvips
from outputs import FORMATS, open_output

XMP = b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><note>f\xc3\xaate</note></x:xmpmeta>'
IPTC = b"\x1c\x02\x78\x00\x05hello" + b"\x1c\x02\x19\x00\x03key"
MAKER_NOTE = b"Maker\0\x01\x02" + bytes(range(200))


def pack_entries(order, entries, at):
    """One directory of (tag, kind, count, bytes) as it stands at `at`, by the TIFF standard."""
    table, data = struct.pack(order + "H", len(entries)), b""
    for tag, kind, count, value in entries:
        place = struct.pack(order + "I", at + 2 + 12 * len(entries) + 4 + len(data))
        inline, data = (place, data + value) if len(value) > 4 else (value, data)
        table += struct.pack(order + "HHI", tag, kind, count) + inline.ljust(4, b"\0")
    return table, data


def make_exif(order="<", *, orientation=6, thumbnail=b"\xff\xd8old picture\xff\xd9", gap=b""):
    """A camera's block: orientation, make, pixel sizes, maker note, GPS and a thumbnail."""
    short, long = partial(struct.pack, order + "H"), partial(struct.pack, order + "I")
    exif_at, gps_at, thumb_at = 200, 600, 800
    first = [
        (0x010F, 2, 11, b"FoveateCam\0"),
        (0x0112, 3, 1, short(orientation)),
        (0x8769, 4, 1, long(exif_at)),
        (0x8825, 4, 1, long(gps_at)),
    ]
    sub = [
        (0x829A, 5, 1, struct.pack(order + "II", 1, 250)),
        (0x9003, 2, 20, b"2024:01:02 03:04:05\0"),
        (0x927C, 7, len(MAKER_NOTE), MAKER_NOTE),
        (0xA002, 3, 1, short(4000)),
        (0xA003, 4, 1, long(3000)),
        (0xA005, 4, 1, long(560)),  # a directory of its own, empty here
    ]
    gps = [(0x0001, 2, 2, b"N\0"), (0x0002, 5, 3, struct.pack(order + "6I", 48, 1, 30, 1, 0, 1))]
    second = [(0x0201, 4, 1, long(900)), (0x0202, 4, 1, long(len(thumbnail)))]
    block = bytearray(900)
    block[:8] = (b"II" if order == "<" else b"MM") + struct.pack(order + "HI", 42, 8)
    for at, entries, link in ((8, first, thumb_at), (exif_at, sub, 0), (gps_at, gps, 0)):
        table, data = pack_entries(order, entries, at)
        packed = table + long(link) + data
        block[at : at + len(packed)] = packed
    table, data = pack_entries(order, second, thumb_at)
    block[thumb_at : thumb_at + len(table) + 4] = table + long(0)
    return bytes(block) + thumbnail + gap


def summary(exif):
    """What a reader sees: {tag: value bytes in big-endian} of the three directories."""
    block = ExifBlock(exif)
    seen = {}
    for name, pointer in (("first", None), ("exif", 0x8769), ("gps", 0x8825)):
        at = block.first
        if pointer is not None:
            entries, _ = block.directory(block.first)
            at = next(block.value(entry) for entry in entries if entry.tag == pointer)
        for entry in block.directory(at)[0]:
            raw = bytes(block.data[entry.value_at : entry.value_at + entry.size])
            width = {3: 2, 4: 4, 5: 4}.get(entry.kind, 1)
            if block.order == "<":
                raw = b"".join(raw[i : i + width][::-1] for i in range(0, len(raw), width))
            if entry.tag not in (0x8769, 0x8825):
                seen[name, entry.tag] = (
                    int.from_bytes(raw) if width > 1 and width == len(raw) else raw
                )
    return seen


def round_trip(format_, metadata, *, size=(32, 24), **options):
    pixels = np.full((*size, 3), 120, np.uint8)
    stream = io.BytesIO()
    with open_output(stream, format_, pixels.shape, metadata=metadata, **options) as writer:
        writer.write(pixels)
        written = writer.finish()
    return open_picture(stream.getvalue()), written


@pytest.fixture(scope="module")
def profile():
    image = pyvips.Image.black(8, 8, bands=3).copy(interpretation="srgb")
    return bytes(image.icc_transform("p3").get("icc-profile-data"))


@pytest.mark.parametrize("format_", FORMATS)
def test_profile_comes_out_byte_for_byte(format_, profile):
    picture, written = round_trip(format_, Metadata(icc=profile))
    assert picture.metadata.icc == profile
    assert not written.notes


@pytest.mark.parametrize("format_", FORMATS)
def test_xmp_comes_out_byte_for_byte(format_):
    picture, written = round_trip(format_, Metadata(xmp=XMP))
    assert picture.metadata.xmp == XMP
    assert not written.notes


def test_xmp_that_repeats_sizes_and_orientation_is_corrected():
    xmp = (
        b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><d tiff:Orientation="6" exif:PixelXDimension=\'9\'>'
        b"<tiff:ImageWidth>4000</tiff:ImageWidth> <tiff:ImageLength> 3000</tiff:ImageLength>"
        b"<crs:Width>4000</crs:Width></d></x:xmpmeta>"
    )
    picture, _ = round_trip("png", Metadata(xmp=xmp))
    assert picture.metadata.xmp == (
        b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><d tiff:Orientation="1" exif:PixelXDimension=\'24\'>'
        b"<tiff:ImageWidth>24</tiff:ImageWidth> <tiff:ImageLength> 32</tiff:ImageLength>"
        b"<crs:Width>4000</crs:Width></d></x:xmpmeta>"
    )


@pytest.mark.parametrize("format_", ["jpeg", "png", "tiff"])
def test_resolution_is_kept(format_):
    picture, _ = round_trip(format_, Metadata(dots_per_mm=(300 / 25.4, 150 / 25.4)))
    assert picture.metadata.dots_per_mm == pytest.approx((300 / 25.4, 150 / 25.4), rel=0.002)


@pytest.mark.parametrize("format_", ["jpeg", "png", "tiff"])
def test_no_word_is_lost_on_a_resolution_that_is_kept(format_):
    for dpi in (72, 96, 300, 1200):
        assert round_trip(format_, Metadata(dots_per_mm=(dpi / 25.4, dpi / 25.4)))[1].notes == ()


@pytest.mark.parametrize("format_", ["webp", "avif"])
def test_a_resolution_that_has_no_place_is_told(format_):
    _, written = round_trip(format_, Metadata(dots_per_mm=(300 / 25.4, 150 / 25.4)))
    name = format_.upper()
    assert written.notes == (f"resolution of 300 x 150 dpi left out: {name} has no place for it",)
    _, written = round_trip(format_, Metadata(dots_per_mm=(72 / 25.4, 72 / 25.4)))
    assert written.notes == (), "72 dpi says nothing"


def test_exif_fields_that_a_format_does_not_know_are_counted():
    rating = (0x4746, 3, 1, b"\5\0")
    table, _ = pack_entries("<", [(0x010F, 2, 4, b"Fov\0"), rating], 8)
    exif = b"II*\0" + struct.pack("<I", 8) + table + bytes(4)
    assert round_trip("jpeg", Metadata(exif=exif))[1].notes == ()
    _, written = round_trip("tiff", Metadata(exif=exif))
    assert written.notes == ("1 of 2 EXIF fields left out: not known to TIFF",)


def test_what_a_bigtiff_loses_is_told_when_written_and_when_read(monkeypatch):
    monkeypatch.setattr("foveate.media.encode.LARGEST_TIFF_BYTES", 0)
    picture, written = round_trip("tiff", Metadata(exif=make_exif(), iptc=IPTC, xmp=XMP))
    assert (picture.metadata.exif, picture.metadata.iptc) == (None, None)
    assert picture.metadata.xmp == XMP
    assert written.notes == (
        "EXIF left out: the BigTIFF encoder does not take it",
        "IPTC left out: the BigTIFF encoder does not take it",
    )


@pytest.mark.parametrize("order", ["<", ">"])
def test_metadata_of_a_bigtiff_is_not_read_and_that_is_told(order):
    def bigtiff(*tags):
        entries = b"".join(struct.pack(order + "HHQ8x", tag, 4, 1) for tag in tags)
        head = (b"II" if order == "<" else b"MM") + struct.pack(order + "HHHQ", 43, 8, 0, 16)
        return head + struct.pack(order + "Q", len(tags)) + entries

    def notes(data):
        return read_tiff_metadata(lambda at, size: data[at : at + size]).unread

    assert notes(bigtiff(0x0100, 0x8769, 0x83BB)) == ("EXIF", "IPTC")
    assert notes(bigtiff(0x0100, 0x0112)) == ()
    for size in (0, 7, 12, 20, 30):
        assert notes(bigtiff(0x0100, 0x8769)[:8] + b"\xff" * size) == ()


def test_text_of_a_png_is_not_kept_and_that_is_told(noise, save):
    def chunk(kind, data):
        return (
            struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        )

    path = save(noise(8, 8), "in.png", keep="none")
    data = path.read_bytes()
    texts = chunk(b"tEXt", b"Title\0a") + chunk(b"tEXt", b"Raw-profile type\0b")
    path.write_bytes(data[:33] + texts + data[33:])
    metadata = open_picture(path).metadata
    assert round_trip("png", metadata)[1].notes == ("text left out: Title, Raw-profile type",)
    assert round_trip("png", metadata, strip_metadata=True)[1].notes == ()


@pytest.mark.parametrize("format_", ["jpeg", "tiff"])
def test_iptc_is_kept(format_):
    picture, written = round_trip(format_, Metadata(iptc=IPTC))
    assert picture.metadata.iptc == IPTC
    assert not written.notes


@pytest.mark.parametrize("format_", ["png", "webp", "avif"])
def test_iptc_that_has_no_place_is_told(format_):
    picture, written = round_trip(format_, Metadata(iptc=IPTC))
    assert picture.metadata.iptc is None
    assert any("IPTC left out" in note for note in written.notes)


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("format_", ["jpeg", "png", "webp"])
def test_exif_is_kept_whole_and_corrected(format_, order):
    picture, written = round_trip(format_, Metadata(exif=make_exif(order)))
    seen = summary(picture.metadata.exif)
    assert not written.notes
    assert picture.orientation == 1
    assert (seen["first", 0x0112], seen["exif", 0xA002], seen["exif", 0xA003]) == (1, 24, 32)
    wanted = summary(make_exif(order))
    changed = {("first", 0x0112), ("exif", 0xA002), ("exif", 0xA003)}
    assert {k: v for k, v in seen.items() if k not in changed} == {
        k: v for k, v in wanted.items() if k not in changed
    }
    assert picture.metadata.exif.index(MAKER_NOTE) == make_exif(order).index(MAKER_NOTE)
    assert b"old picture" not in picture.metadata.exif
    block = ExifBlock(picture.metadata.exif)
    _, link = block.directory(block.first)
    assert block.number(link, 4) == 0, "the directory of the thumbnail is still linked"


@pytest.mark.parametrize("order", ["<", ">"])
def test_exif_in_tiff_keeps_camera_time_and_place(order):
    picture, _ = round_trip("tiff", Metadata(exif=make_exif(order), iptc=IPTC, xmp=XMP))
    seen, wanted = summary(picture.metadata.exif), summary(make_exif(order))
    assert picture.metadata.iptc == IPTC
    assert picture.metadata.xmp == XMP
    assert ("exif", 0xA005) not in seen, "points to where the directory was in the old file"
    for key in wanted:
        if key not in {("exif", 0xA005), ("first", 0x0112), ("exif", 0xA002), ("exif", 0xA003)}:
            assert seen[key] == wanted[key], key
    assert (seen["exif", 0xA002], seen["exif", 0xA003]) == (24, 32)


def test_exif_in_avif_keeps_camera_and_time():
    picture, _ = round_trip("avif", Metadata(exif=make_exif()))
    seen = summary(picture.metadata.exif)
    assert seen["first", 0x010F] == b"FoveateCam\0"
    assert seen["exif", 0x9003] == b"2024:01:02 03:04:05\0"
    assert seen["first", 0x0112] == 1


def test_exif_goes_from_tiff_to_jpeg():
    tiff, _ = round_trip("tiff", Metadata(exif=make_exif(">")))
    jpeg, _ = round_trip("jpeg", tiff.metadata)
    assert summary(jpeg.metadata.exif)["gps", 0x0002] == summary(make_exif(">"))["gps", 0x0002]


@pytest.mark.parametrize("format_", FORMATS)
def test_stripping_keeps_the_profile_only(format_, profile):
    everything = Metadata(icc=profile, exif=make_exif(), xmp=XMP, iptc=IPTC, dots_per_mm=(9, 9))
    picture, _ = round_trip(format_, everything, strip_metadata=True)
    assert picture.metadata.icc == profile
    assert picture.metadata.xmp is None
    assert picture.metadata.iptc is None
    assert picture.metadata.exif is None or b"FoveateCam" not in picture.metadata.exif


def test_sizes_above_65535_change_the_entry_to_long():
    seen = summary(corrected_exif(make_exif(), 70_000, 80_000))
    assert (seen["exif", 0xA002], seen["exif", 0xA003]) == (70_000, 80_000)


def test_a_thumbnail_inside_the_block_is_blanked():
    exif = corrected_exif(make_exif(gap=b"maker note of another make"), 1, 1)
    assert b"old picture" not in exif
    assert exif.endswith(b"maker note of another make")


@pytest.mark.parametrize("keep", range(0, 900, 23))
def test_a_broken_block_is_told_and_never_fails(keep, noise, save):
    broken = make_exif()[:keep]
    problem = check_exif(broken)
    path = save(noise(8, 8), "in.jpg")
    data = path.read_bytes()
    path.write_bytes(data[:2] + jpeg_segment(broken) + data[2:])
    picture = open_picture(path)
    assert picture.width == 8
    if problem and picture.metadata.exif is None and keep > 8:
        assert any("broken EXIF left out" in note for note in picture.notes)


@pytest.mark.parametrize("format_", FORMATS)
@pytest.mark.parametrize(
    "metadata",
    [
        Metadata(icc=b"no profile at all"),
        Metadata(exif=b"no exif"),
        Metadata(xmp=bytes(range(256)) * 400),
        Metadata(iptc=IPTC * 8000),
        Metadata(exif=make_exif() + bytes(70_000)),
    ],
)
def test_metadata_that_cannot_be_kept_is_a_note_and_not_a_failure(format_, metadata):
    picture, written = round_trip(format_, metadata)
    fields = ("icc", "xmp", "iptc")
    lost = [f for f in fields if getattr(metadata, f) and not getattr(picture.metadata, f)]
    assert len(written.notes) >= len(lost)


def test_photoshop_wrapping_round_trips_and_skips_other_resources():
    other = b"8BIM" + struct.pack(">HHI", 0x040C, 0, 5) + b"thumb\0"
    wrapped = to_photoshop(IPTC)
    assert from_photoshop(wrapped) == IPTC
    assert from_photoshop(wrapped[:14] + other + wrapped[14:]) == IPTC
    assert from_photoshop(b"Photoshop 3.0\0" + other) is None
    assert from_photoshop(b"Photoshop 3.0\0" + other[:9]) is None


@pytest.mark.parametrize("lossless", [False, True])
@pytest.mark.parametrize("bands", [3, 4])
def test_exif_is_put_into_a_plain_webp(noise, save, lossless, bands):
    data = save(noise(10, 12, bands), "in.webp", lossless=lossless, keep="none").read_bytes()
    exif = make_exif(orientation=1)
    picture = open_picture(webp_with_exif(data, exif, width=12, height=10))
    assert (picture.width, picture.height, picture.bands) == (12, 10, bands)
    assert picture.metadata.exif == exif


@pytest.mark.parametrize(
    "tags",
    [
        [Value(0xC612, 1, 4, b"\1\4\0\0")],
        [Value(0x00FE, 4, 1, b"\1\0\0\0"), Value(0x014A, 4, 1, b"\x08\0\0\0")],
    ],
)
def test_a_camera_raw_file_is_not_taken_for_its_thumbnail(noise, save, tags):
    path = save(noise(8, 8), "in.tif")
    assert open_picture(path).width == 8
    data = path.read_bytes()
    (first,) = struct.unpack_from("<I", data, 4)
    held = read_directory(lambda at, size: data[at : at + size], "<", first)
    known = {value.tag: value for value in [*held, *tags]}
    at = len(data) + len(data) % 2
    directory = pack_directories("<", list(known.values()), {}, at=at)
    path.write_bytes(data[:4] + struct.pack("<I", at) + data[8:].ljust(at - 8, b"\0") + directory)
    with pytest.raises(InputError, match="camera raw file"):
        open_picture(path)


def test_exif_does_not_turn_an_avif_again(scene):
    image = pyvips.Image.new_from_array(scene(24, 40)).copy(interpretation="srgb")
    image = attach_metadata(image, Metadata(exif=make_exif(orientation=6)), "avif")
    data = image.heifsave_buffer(compression="av1", keep="exif")
    upright = pyvips.Image.heifload_buffer(data)
    picture = open_picture(data)
    assert (picture.width, picture.height) == (upright.width, upright.height)
    assert picture.orientation == 1


def test_tiff_directories_that_point_nowhere_are_a_value_error():
    data = b"II*\0" + struct.pack("<I", 8) + struct.pack("<H", 9)
    with pytest.raises(ValueError, match="does not fit"):
        read_tiff_metadata(lambda at, size: data[at : at + size])
