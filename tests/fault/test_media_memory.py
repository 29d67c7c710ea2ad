"""Memory that does not grow with the picture's height, measured in child processes."""

import subprocess
import sys
from pathlib import Path

import pytest

from foveate.media.vips import pyvips

COPY = """
import sys
from pathlib import Path
sys.path[:0] = eval(sys.argv[1])
from foveate.media.encoding import choose_encoding, encoder_bytes
from foveate.media.picture import open_picture
from foveate.media.reader import open_rows
from foveate.media.writer import open_writer
def peak():
    status = Path("/proc/self/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0]) * 1024
before = peak()
picture = open_picture(Path(sys.argv[2]))
encoding, _ = choose_encoding(Path(sys.argv[3]).suffix, picture)
size = {"width": picture.width, "height": picture.height, "bands": picture.bands}
with open_rows(picture) as reader, open_writer(Path(sys.argv[3]), encoding, **size,
        depth=8, metadata=picture.metadata, overwrite=False) as writer:
    while len(rows := reader.read(32)):
        writer.write(rows)
    writer.finish()
rows_bytes = 2 * 32 * picture.width * picture.bands
promised = picture.decoder_bytes + encoder_bytes(encoding, **size) + rows_bytes
print(peak() - before, promised)
"""


def copy_in_child(source: Path, out: Path) -> tuple[int, int]:
    command = [sys.executable, "-c", COPY, repr(sys.path), str(source), str(out)]
    grown, promised = subprocess.run(
        command, check=True, capture_output=True, text=True
    ).stdout.split()
    return int(grown), int(promised)


def make(path: Path, width: int, height: int, **options: object) -> Path:
    noise = pyvips.Image.gaussnoise(width, 256, mean=128, sigma=4).cast("uchar")
    tall = noise.replicate(1, -(-height // 256)).crop(0, 0, width, height)
    image = tall.bandjoin([tall, tall]).copy(interpretation="srgb")
    getattr(image, {".jpg": "jpegsave", ".png": "pngsave", ".tif": "tiffsave"}[path.suffix])(
        str(path), **options
    )
    return path


@pytest.mark.parametrize("suffix", [".jpg", ".png", ".tif"])
def test_a_taller_picture_needs_no_more_memory(tmp_path, suffix):
    options = {".png": {"compression": 1}}.get(suffix, {})
    low = make(tmp_path / f"low{suffix}", 2000, 1500, **options)
    tall = make(tmp_path / f"tall{suffix}", 2000, 7500, **options)
    low_bytes, promised = copy_in_child(low, tmp_path / f"low_out{suffix}")
    tall_bytes, _ = copy_in_child(tall, tmp_path / f"tall_out{suffix}")
    # The rows added are 36 MB; the heap may settle a little later.
    assert tall_bytes - low_bytes < 9_000_000, (low_bytes, tall_bytes)
    assert tall_bytes < promised


@pytest.mark.parametrize(
    ("name", "options", "out"),
    [
        ("in.jpg", {}, "out.webp"),
        ("in.jpg", {}, "out.avif"),
        ("in.jpg", {"interlace": True}, "out.jpg"),
        ("in.png", {"interlace": True, "compression": 1}, "out.png"),
    ],
)
def test_formats_that_need_the_whole_picture_keep_to_their_estimate(tmp_path, name, options, out):
    source = make(tmp_path / name, 1600, 1200, **options)
    used, promised = copy_in_child(source, tmp_path / out)
    assert used < promised, f"{used / 2**20:.0f} MiB used, {promised / 2**20:.0f} MiB promised"
