"""Outputs that cannot be written: an OutputError, and nothing left behind."""

import errno
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest

from foveate.errors import OutputError
from foveate.media import encode
from outputs import open_output

FORMATS = {"jpeg": 100, "png": None, "webp": 100, "tiff": None, "avif": 100}
NOISE = np.random.default_rng(0).integers(0, 256, (256, 512, 3), np.uint8)
NOBODY = 65534


def write(place, format_, *, overwrite=False, times=1):
    shape = (256 * times, 512, 3)
    with open_output(
        place, format_, shape, quality=FORMATS[format_], overwrite=overwrite
    ) as writer:
        for _ in range(times):
            writer.write(NOISE)
        return writer.finish()


def run_child(code, *arguments, **options):
    script = f"import sys; sys.path[:0] = {sys.path!r}\nfrom test_media_writing import *\n{code}"
    return subprocess.Popen(
        [sys.executable, "-c", script, *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        **options,
    )


@pytest.fixture
def small_disk(tmp_path):
    place = tmp_path / "disk"
    place.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=96k", "tmpfs", str(place)]
    try:
        mounted = subprocess.run(command, capture_output=True, check=False).returncode == 0
    except OSError:
        mounted = False
    if not mounted:
        pytest.skip("a small tmpfs cannot be mounted here")
    yield place
    subprocess.run(["umount", str(place)], check=True)


@pytest.mark.parametrize("format_", FORMATS)
def test_a_full_disk_is_told_and_leaves_nothing(small_disk, format_):
    with pytest.raises(OutputError, match="the disk is full; hint: free some space"):
        write(small_disk / "out", format_)
    assert list(small_disk.iterdir()) == []


@pytest.mark.parametrize("format_", FORMATS)
@pytest.mark.parametrize("room", [0, 1, 40, 5000, 60_000])
def test_a_disk_that_fills_at_any_byte_leaves_nothing(tmp_path, monkeypatch, format_, room):
    left = room
    real = encode.write_all

    def write_while_there_is_room(descriptor, data):
        nonlocal left
        left -= len(data)
        if left < 0:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        real(descriptor, data)

    monkeypatch.setattr(encode, "write_all", write_while_there_is_room)
    with pytest.raises(OutputError, match="the disk is full"):
        write(tmp_path / "out", format_)
    assert list(tmp_path.iterdir()) == []


def test_a_writer_is_told_at_once_and_not_left_waiting(tmp_path, monkeypatch):
    def full(_descriptor, _data):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(encode, "write_all", full)
    with pytest.raises(OutputError, match="the disk is full"):
        write(tmp_path / "out", "png", times=60)
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_while_overwriting_keeps_the_old_file(small_disk):
    (small_disk / "out").write_bytes(b"old")
    with pytest.raises(OutputError, match="the disk is full"):
        write(small_disk / "out", "png", overwrite=True)
    assert [path.name for path in small_disk.iterdir()] == ["out"]
    assert (small_disk / "out").read_bytes() == b"old"


def test_a_failed_flush_leaves_nothing(tmp_path, monkeypatch):
    def fail(_):
        raise OSError(errno.EDQUOT, os.strerror(errno.EDQUOT))

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(OutputError, match="the disk quota is used up"):
        write(tmp_path / "out", "png")
    assert list(tmp_path.iterdir()) == []


def test_a_file_size_limit_is_told_and_leaves_nothing(tmp_path):
    code = """
import resource
resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
try:
    write(Path(sys.argv[1]) / "out", "tiff")
except OutputError as error:
    print(error)
"""
    child = run_child(code, tmp_path)
    out, err = child.communicate(timeout=60)
    assert child.returncode == 0, err
    assert "the file would be larger than the system allows" in out
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("format_", ["jpeg", "webp"])
def test_a_full_stream_is_told(format_, monkeypatch):
    monkeypatch.setitem(FORMATS, "webp", 1)  # so small that it waits in the stream's buffer
    with Path("/dev/full").open("wb", buffering=1 << 20) as stream:
        with pytest.raises(OutputError, match="cannot write standard output: the disk is full"):
            write(stream, format_)
        stream.raw.close()


def test_a_stream_nobody_reads_is_told():
    reading, writing = os.pipe()
    os.close(reading)
    stream = os.fdopen(writing, "wb", buffering=0)
    with stream, pytest.raises(OutputError, match="the reader closed the pipe"):
        write(stream, "jpeg")


@pytest.mark.parametrize(
    ("name", "cause"),
    [("missing/out.png", "the folder does not exist"), ("there.png", "the file exists")],
)
def test_an_impossible_place_is_told_before_any_work(tmp_path, name, cause):
    (tmp_path / "there.png").write_bytes(b"old")
    with pytest.raises(OutputError, match=cause):
        write(tmp_path / name, "png")
    assert [path.name for path in tmp_path.iterdir()] == ["there.png"]


def test_a_folder_without_permission_is_told(tmp_path):
    place = tmp_path / "locked"
    place.mkdir()
    place.chmod(0o555)
    root = os.geteuid() == 0
    if root:
        os.seteuid(NOBODY)
    try:
        with pytest.raises(OutputError, match="no permission"):
            write(place / "out.png", "png")
    finally:
        if root:
            os.seteuid(0)


def interrupt(place, format_, *, blocks):
    """Writes some rows of 2048, then is interrupted."""
    with open_output(place, format_, (2048, 512, 3), quality=FORMATS[format_]) as writer:
        for _ in range(blocks):
            writer.write(NOISE)
        raise KeyboardInterrupt


@pytest.mark.parametrize("format_", FORMATS)
def test_an_interrupt_leaves_nothing(tmp_path, format_):
    with pytest.raises(KeyboardInterrupt):
        interrupt(tmp_path / "out", format_, blocks=1)
    assert list(tmp_path.iterdir()) == []
    time.sleep(0.1)
    assert not [t for t in threading.enumerate() if t.name == "foveate-encoder"]


def test_a_cancelled_slow_encoder_does_not_keep_us_waiting(tmp_path):
    started = time.perf_counter()
    with pytest.raises(KeyboardInterrupt):
        interrupt(tmp_path / "out", "avif", blocks=8)
    assert time.perf_counter() - started < 1.5
    assert list(tmp_path.iterdir()) == []


def is_writing(child, folder):
    """Whether the child has a file of the folder open; it may have no name yet."""
    opened = [str(entry.readlink()) for entry in Path(f"/proc/{child.pid}/fd").iterdir()]
    return any(name.startswith(f"{folder}/") for name in opened)


def test_ctrl_c_in_a_child_process_leaves_nothing(tmp_path):
    code = """
print("ready", flush=True)
write(Path(sys.argv[1]) / "out", "png", times=2000)
"""
    child = run_child(code, tmp_path)
    assert child.stdout.readline() == "ready\n"
    while not is_writing(child, tmp_path):
        time.sleep(0.01)
    child.send_signal(signal.SIGINT)
    _, err = child.communicate(timeout=30)
    assert child.returncode != 0
    assert "KeyboardInterrupt" in err
    assert list(tmp_path.iterdir()) == []
