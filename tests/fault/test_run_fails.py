"""Faults in the middle of a run: the error's class, and nothing left behind."""

import resource
import threading
from pathlib import Path

import numpy as np
import pytest

import foveate
from command import Command, child
from foveate.engine.fake import FakeSession
from foveate.errors import InputError, ModelError, OutputError, ResourceError
from foveate.events import Progressed, Started
from foveate.media.reader import RowReader
from pictures import photo, write_picture

SIZE = (600, 700)  # several windows


@pytest.fixture
def source(tmp_path: Path) -> Path:
    return write_picture(tmp_path / "in.png", photo(*SIZE))


@pytest.fixture(autouse=True)
def nothing_left(source: Path):
    """After each test: only what was there before, and no thread of ours."""
    before = set(threading.enumerate())
    yield
    assert [path.name for path in source.parent.iterdir() if path != source] == []
    added = [thread.name for thread in set(threading.enumerate()) - before]
    assert [name for name in added if not name.startswith("Dummy")] == []  # libvips' own


@pytest.fixture
def engine(monkeypatch: pytest.MonkeyPatch):
    """Puts a nearest-neighbour engine in place whose results are spoilt by a function."""

    def put(spoil):
        def open_sessions(card, _, count, **_options):
            return [FakeSession(card, spoil) for _ in range(count)]

        monkeypatch.setattr("foveate.pipelines.image.open_sessions", open_sessions)

    return put


def black_from_the_third(sr):
    black_from_the_third.calls += 1
    return sr * (black_from_the_third.calls < 3)


black_from_the_third.calls = 0


def not_a_number(sr):
    sr[0, 1, 5, 7] = np.nan
    return sr


def raises(error):
    def spoil(_):
        raise error

    return spoil


@pytest.mark.parametrize(
    ("spoil", "error"),
    [
        (not_a_number, (ModelError, "NaN or infinite")),
        (lambda sr: sr * np.float32(np.inf), (ModelError, "NaN or infinite")),
        (lambda sr: sr * 0, (ModelError, "changed the mean brightness by 1[0-9][0-9]")),
        (lambda sr: sr + np.float32(0.012), (ModelError, "changed the mean brightness by 3")),
        (black_from_the_third, (ModelError, "changed the mean brightness")),
        (lambda sr: sr[:, :, 2:], (ModelError, "not what its card says")),
        (raises(ModelError("cannot run")), (ModelError, "cannot run")),
        (raises(MemoryError()), (ResourceError, "memory ran out")),
        (raises(ZeroDivisionError("a bug")), (ZeroDivisionError, "a bug")),
    ],
)
@pytest.mark.parametrize("suffix", [".png", ".webp"])
def test_an_engine_that_fails(source, engine, spoil, error, suffix):
    engine(spoil)
    with pytest.raises(error[0], match=error[1]):
        foveate.upscale_file(source, source.with_name("out" + suffix))


def test_a_sound_engine_passes_the_same_guards(source: Path, engine):
    engine(None)
    foveate.upscale_file(source, source.with_name("out.png"))
    source.with_name("out.png").unlink()


def test_the_exit_code_of_a_wrong_engine_is_6(source: Path, engine, command: Command):
    engine(lambda sr: sr / 2)
    shown = command("upscale", source, "-o", "out.png")
    assert shown.code == 6
    assert shown.err.startswith(f"error: refused the result for {source}: ")


@pytest.mark.parametrize("alpha", [255, 130])
def test_brightness_is_guarded_under_alpha_too(source: Path, engine, alpha):
    rgba = np.dstack([photo(*SIZE), np.full(SIZE, alpha, np.uint8)])
    write_picture(source, rgba)
    engine(lambda sr: sr / 2)
    with pytest.raises(ModelError, match="brightness"):
        foveate.upscale_file(source, source.with_name("out.png"))


@pytest.mark.parametrize("strength", [1, 0.5, 0])
def test_an_input_that_shrinks_while_it_is_read(source: Path, engine, strength: float):
    write_picture(source, np.tile(photo(100, 100), (40, 7, 1)))
    engine(None)
    cut = []

    def shorten(event):
        if not cut and isinstance(event, Progressed if strength else Started):
            cut.append(source.write_bytes(source.read_bytes()[:20_000]))

    with pytest.raises(InputError, match=r"in\.png"):
        foveate.upscale_file(
            source,
            source.with_name("out.png"),
            foveate.UpscaleOptions(strength=strength, threads=1),
            shorten,
        )


def test_an_input_that_is_another_file_by_the_time_it_is_read(source: Path):
    def replace(event):
        if isinstance(event, Started):
            write_picture(source, photo(30, 30))

    with pytest.raises(InputError, match="changed while it was being read"):
        foveate.upscale_file(source, source.with_name("out.png"), on_event=replace)


def test_an_input_that_is_gone_by_the_time_it_is_read(source: Path):
    def remove(event):
        if isinstance(event, Started):
            source.unlink()

    with pytest.raises(InputError, match="no such file"):
        foveate.upscale_file(source, source.with_name("out.png"), on_event=remove)


def test_an_input_removed_once_reading_began_is_still_finished(source: Path, engine):
    engine(None)

    def remove(event):
        if isinstance(event, Progressed):
            source.unlink(missing_ok=True)

    report = foveate.upscale_file(source, source.with_name("out.png"), on_event=remove)
    assert Path(report.output).exists()
    Path(report.output).unlink()


def test_a_reader_that_dies(source: Path, engine, monkeypatch: pytest.MonkeyPatch):
    engine(None)
    whole, calls = RowReader.read, []

    def read(self, rows):
        calls.append(rows)
        if len(calls) == 2:
            raise InputError("cannot read in.png", "the disk is gone")
        return whole(self, rows)

    monkeypatch.setattr(RowReader, "read", read)
    with pytest.raises(InputError, match="the disk is gone"):
        foveate.upscale_file(source, source.with_name("out.png"))


def test_a_caller_that_cancels(source: Path, engine):
    engine(None)

    def cancel(event):
        if isinstance(event, Progressed):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        foveate.upscale_file(source, source.with_name("out.png"), on_event=cancel)


def test_an_output_that_appears_meanwhile_is_kept(source: Path, engine):
    engine(None)
    output = source.with_name("out.png")
    with pytest.raises(OutputError, match="the file exists"):
        foveate.upscale_file(source, output, on_event=lambda _: output.write_text("precious"))
    assert output.read_text() == "precious"
    output.unlink()


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".tif", ".webp"])
def test_a_full_disk(source: Path, suffix: str):
    def limit():
        resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))

    done = child("upscale", source, "-o", source.with_name("out" + suffix), preexec_fn=limit)
    assert done.returncode == 4
    assert done.stderr.startswith(b"error: cannot write ")
    assert b"the file would be larger than the system allows" in done.stderr
    assert done.stderr.count(b"\n") == 1


def test_a_full_disk_behind_standard_output(source: Path):
    with Path("/dev/full").open("wb") as full:
        done = child("upscale", source, "-o", "-", stdout=full, stderr=-1, capture_output=False)
    assert (done.returncode, done.stderr) == (
        4,
        b"error: cannot write standard output: the disk is full"
        b"; hint: free some space or choose another disk\n",
    )


def test_a_full_disk_behind_a_report(source: Path):
    with Path("/dev/full").open("wb") as full:
        done = child("plan", source, "--json", stdout=full, stderr=-1, capture_output=False)
    assert (done.returncode, done.stderr) == (
        4,
        b"error: cannot write standard output: the disk is full"
        b"; hint: free some space or choose another disk\n",
    )


def test_a_full_disk_behind_the_words_stops_nothing(source: Path):
    out = source.with_name("o.png")
    with Path("/dev/full").open("wb") as full:
        done = child("upscale", source, "-o", out, stdout=-1, stderr=full, capture_output=False)
    assert done.returncode == 0
    out.unlink()
