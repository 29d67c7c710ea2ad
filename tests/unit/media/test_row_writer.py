import io
import threading

import numpy as np
import pytest

from foveate.errors import OutputError
from foveate.media import writer as writer_module
from foveate.media.feed import RowFeed
from foveate.media.picture import open_picture
from foveate.media.reader import read_pixels
from outputs import FORMATS, open_output


def write(place, pixels, format_, *, depth=None, step=13, **options):
    own = pixels.dtype.itemsize * 8
    with open_output(
        place, format_, pixels.shape, depth=own, file_depth=depth, **options
    ) as writer:
        for top in range(0, len(pixels), step):
            writer.write(pixels[top : top + step])
        return writer.finish()


@pytest.mark.parametrize("size", [(1, 1), (1, 300), (300, 1), (67, 45), (129, 64)])
@pytest.mark.parametrize("depth", [8, 16])
@pytest.mark.parametrize(
    ("format_", "bands"), [(format_, n) for format_ in ("png", "tiff") for n in (1, 2, 3, 4)]
)
def test_lossless_formats_keep_every_sample(noise, tmp_path, format_, *, bands, depth, size):
    pixels = noise(*size, bands, depth)
    path = tmp_path / "out"
    written = write(path, pixels, format_)
    assert written.bytes == path.stat().st_size
    picture = open_picture(path)
    assert (picture.format, picture.bands, picture.depth) == (format_, bands, depth)
    assert np.array_equal(read_pixels(path), pixels)


@pytest.mark.parametrize(
    ("format_", "bands"),
    [("jpeg", 1), ("jpeg", 3), ("webp", 3), ("webp", 4), ("avif", 3), ("avif", 4)],
)
def test_lossy_formats_stay_close(scene, tmp_path, format_, bands):
    pixels = scene(70, 90, bands)
    path = tmp_path / "out"
    write(path, pixels, format_)
    back = read_pixels(path)
    assert back.shape == pixels.shape
    assert np.abs(back.astype(int) - pixels).mean() < 4


@pytest.mark.parametrize("format_", ["webp", "avif"])
@pytest.mark.parametrize("bands", [1, 2])
def test_formats_without_grey_store_equal_colours(scene, tmp_path, format_, bands):
    pixels = scene(32, 40, bands)
    path = tmp_path / "out"
    write(path, pixels, format_)
    back = read_pixels(path)
    assert back.shape[2] == bands + 2
    assert np.ptp(back[..., :3].astype(int), axis=2).max() <= 2


def test_webp_of_quality_100_is_lossless(noise, tmp_path):
    pixels = noise(40, 30)
    write(tmp_path / "out", pixels, "webp", quality=100)
    assert np.array_equal(read_pixels(tmp_path / "out"), pixels)


@pytest.mark.parametrize("quality", [1, 10, 50, 92, 100])
@pytest.mark.parametrize("colour", [(255, 0, 0), (0, 0, 255), (250, 240, 10), (3, 128, 77)])
@pytest.mark.parametrize("format_", ["jpeg", "webp", "avif"])
def test_verification_lets_flat_colours_pass_at_any_quality(tmp_path, format_, colour, quality):
    pixels = np.full((70, 70, 3), colour, np.uint8)
    write(tmp_path / "out", pixels, format_, quality=quality)


def test_avif_holds_more_than_8_bits(tmp_path):
    ramp = np.repeat(np.arange(0, 65536, 64, np.uint16)[None, :, None], 16, axis=0)
    pixels = np.repeat(ramp, 3, axis=2)
    write(tmp_path / "out", pixels, "avif", depth=12)
    back = read_pixels(tmp_path / "out")
    assert back.dtype == np.uint16
    assert len(np.unique(back[8, :, 1])) > 256


@pytest.mark.parametrize("depth", [10, 12])
def test_avif_white_stays_white(tmp_path, depth):
    pixels = np.full((32, 32, 3), 65535, np.uint16)
    pixels[:16] = 0
    write(tmp_path / "out", pixels, "avif", depth=depth, quality=100)
    back = read_pixels(tmp_path / "out")
    assert back[24:].min() >= 65535 - 20, "10 bits shifted up would be 65472 at most"
    assert back[:8].max() <= 1 << (16 - depth)


@pytest.mark.parametrize("step", [1, 7, 64, 500])
def test_bytes_do_not_depend_on_how_rows_come(noise, step):
    pixels = noise(200, 50)
    reference, other = io.BytesIO(), io.BytesIO()
    write(reference, pixels, "jpeg", step=200)
    write(other, pixels, "jpeg", step=step)
    assert other.getvalue() == reference.getvalue()


@pytest.mark.parametrize("format_", FORMATS)
def test_a_stream_gets_the_whole_file(scene, format_):
    stream = io.BytesIO()
    written = write(stream, scene(30, 40), format_)
    assert written.name == "standard output"
    assert open_picture(stream.getvalue()).format == format_


def test_rows_may_be_changed_after_they_were_written(noise, tmp_path):
    pixels = noise(50, 20)
    shared_rows = np.empty((10, 20, 3), np.uint8)
    with open_output(tmp_path / "out.png", "png", pixels.shape) as writer:
        for top in range(0, 50, 10):
            shared_rows[...] = pixels[top : top + 10]
            writer.write(shared_rows)
            shared_rows[...] = 0
        writer.finish()
    assert np.array_equal(read_pixels(tmp_path / "out.png"), pixels)


def open_png(path):
    return open_output(path, "png", (20, 10, 3))


def test_leaving_without_finish_leaves_nothing(noise, tmp_path):
    with open_png(tmp_path / "out.png") as writer:
        writer.write(noise(10, 10))
    assert list(tmp_path.iterdir()) == []


def test_missing_or_wrong_rows_are_refused(noise, tmp_path):
    with open_png(tmp_path / "out.png") as writer:
        with pytest.raises(ValueError, match="do not fit"):
            writer.write(noise(5, 11))
        with pytest.raises(ValueError, match="do not fit"):
            writer.write(noise(5, 10, depth=16))
        with pytest.raises(ValueError, match="more rows than"):
            writer.write(noise(21, 10))
        writer.write(noise(19, 10))
        with pytest.raises(ValueError, match="19 rows of 20"):
            writer.finish()
    assert list(tmp_path.iterdir()) == []


def test_an_existing_file_is_kept_without_overwrite(noise, tmp_path):
    path = tmp_path / "out.png"
    path.write_bytes(b"mine")
    with pytest.raises(OutputError, match="the file exists; hint: use --overwrite"):
        open_png(path)
    assert path.read_bytes() == b"mine"
    write(path, noise(20, 10), "png", overwrite=True)
    assert open_picture(path).width == 10


def test_the_input_may_be_overwritten_by_its_own_result(noise, save):
    path = save(noise(30, 20))
    picture = open_picture(path)
    before = read_pixels(path)
    write(path, before[::-1], "png", overwrite=True, metadata=picture.metadata)
    assert np.array_equal(read_pixels(path), before[::-1])


def test_a_wrong_lossless_output_is_not_put_in_place(noise, tmp_path, monkeypatch):
    real = writer_module.RowStatistics.add

    def add_other_rows(self, rows):
        real(self, rows ^ 1)

    with open_png(tmp_path / "out.png") as writer:
        monkeypatch.setattr(writer_module.RowStatistics, "add", add_other_rows)
        writer.write(noise(20, 10))
        monkeypatch.undo()
        with pytest.raises(OutputError, match="verification failed: its samples are not"):
            writer.finish()
    assert list(tmp_path.iterdir()) == []


def test_a_black_lossy_output_is_not_put_in_place(scene, tmp_path, monkeypatch):
    pixels = scene(40, 40)
    real = RowFeed.put
    monkeypatch.setattr(RowFeed, "put", lambda self, strip: real(self, np.zeros_like(strip)))
    with pytest.raises(OutputError, match="verification failed: its mean is"):
        write(tmp_path / "out.jpg", pixels, "jpeg")
    assert list(tmp_path.iterdir()) == []


def test_the_queue_is_bounded():
    feed = RowFeed(width=20_000, height=4000, bands=3, depth=8)
    strip = np.zeros((feed.strip_rows, 20_000, 3), np.uint8)
    put = 0

    def fill():
        nonlocal put
        while feed.put(strip):
            put += 1

    thread = threading.Thread(target=fill)
    thread.start()
    thread.join(0.2)
    assert thread.is_alive()
    assert put * strip.nbytes <= 5 << 20
    feed.close()
    thread.join(5)
    assert not thread.is_alive()
