"""The road of one deblurred file, from Python: what is written, what is copied, what is told."""

import io

import numpy as np
import pytest
import pyvips

import foveate
from deblurring import Fakes, blur, checkerboard, sharp
from foveate.errors import InputError, ModelError, OutputError, UsageError
from foveate.events import Finished, Progressed, Started, Warned
from foveate.media.reader import RowReader
from foveate.media.writer import RowWriter
from foveate.run.composite import FEATHER_PX
from pictures import header, read_picture, write_picture

COPY = "nothing to restore was found: the result is a copy of the file"


@pytest.fixture(autouse=True)
def fakes(monkeypatch, tmp_path):
    return Fakes(monkeypatch, tmp_path / "models")


def options(**more):
    return foveate.DeblurOptions(**{"model": "fake.local", **more})


@pytest.mark.parametrize(
    ("suffix", "dtype", "bands"),
    [
        (".png", "uint8", 3),
        (".png", "uint16", 3),
        (".png", "uint16", 4),
        (".png", "uint8", 1),
        (".tif", "uint8", 3),
        (".tif", "uint16", 2),
        (".webp", "uint8", 3),
    ],
)
def test_decoded_output_is_decoded_input_outside_the_mask(tmp_path, suffix, dtype, bands):
    pixels = blur(sharp(200, 190, bands, dtype), 40, 48, 64, 72)
    source = tmp_path / f"in{suffix if suffix != '.webp' else '.png'}"
    write_picture(source, pixels)
    report = foveate.deblur_file(
        source, tmp_path / f"out{suffix}", options(quality=100 if suffix == ".webp" else None)
    )
    out = read_picture(tmp_path / f"out{suffix}")
    outside = np.ones(pixels.shape[:2], bool)
    outside[40:104, 48:120] = False
    assert out.dtype == pixels.dtype
    assert (out[outside] == pixels[outside]).all()
    deep = slice(40 + FEATHER_PX, 104 - FEATHER_PX), slice(48 + FEATHER_PX, 120 - FEATHER_PX)
    colours = 3 if bands >= 3 else 1
    assert (out[deep][..., :colours] != pixels[deep][..., :colours]).all()
    assert np.abs(out[..., :colours][deep] - checkerboard(pixels)[deep].astype(float)).max() <= 1
    assert (out[..., colours:] == pixels[..., colours:]).all()
    assert report.changed_share == 64 * 72 / (200 * 190)
    assert report.blurred_share == pytest.approx(64 * 72 / 64 / (25 * 24), abs=1e-9)
    assert (report.windows, report.windows_computed, report.is_copy) == (8, 4, False)


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".webp", ".tif", ".avif"])
def test_a_sharp_picture_is_returned_byte_for_byte(tmp_path, fakes, suffix):
    source = write_picture(tmp_path / f"in{suffix}", sharp(150, 140))
    report = foveate.deblur_file(source, None, options())
    out = tmp_path / f"in_deblurred{suffix}"
    assert report.output == str(out)
    assert out.read_bytes() == source.read_bytes()
    assert (report.is_copy, report.changed_share, report.windows_computed) == (True, 0, 0)
    assert report.warnings == (COPY,)
    assert (fakes.looks, fakes.runs) == (4, 0)


@pytest.mark.parametrize(
    ("is_blurred", "name", "times"),
    [(False, "out.png", 1), (False, "out.tif", 2), (True, "out.png", 2)],
)
def test_a_sharp_picture_that_is_copied_is_read_once(
    tmp_path, monkeypatch, is_blurred, name, times
):
    rows = []

    class Noted(RowReader):
        def read(self, count):
            self.notes[:] = ["mended"]
            rows.append(super().read(count))
            return rows[-1]

    monkeypatch.setattr("foveate.pipelines.deblur_run.open_rows", Noted)
    pixels = sharp(150, 140)
    if is_blurred:
        blur(pixels, 0, 0, 60, 60)
    source = write_picture(tmp_path / "in.png", pixels)
    report = foveate.deblur_file(source, tmp_path / name, options())
    assert sum(map(len, rows)) == 150 * times
    assert report.warnings.count("mended") == 1


def test_every_run_of_a_self_ensemble_counts(tmp_path):
    pixels = blur(sharp(100, 128), 0, 0, 100, 128)
    source = write_picture(tmp_path / "in.png", pixels)
    once = foveate.deblur_file(source, tmp_path / "once.png", options())
    twice = foveate.deblur_file(source, tmp_path / "twice.png", options(self_ensemble=2))
    looked = once.macs_unpruned // 1300
    assert twice.macs - looked == 2 * (once.macs - looked)
    assert twice.macs_unpruned == 2 * once.macs_unpruned
    assert twice.changed_share == once.changed_share > 0
    # Mirrored, the fake's checkerboard is its own opposite: the mean is what went in.
    assert (read_picture(tmp_path / "once.png") != pixels).any()
    assert (read_picture(tmp_path / "twice.png") == pixels).all()


def test_a_map_is_drawn_of_a_sharp_picture_too(tmp_path):
    source = write_picture(tmp_path / "in.png", sharp(150, 140))
    report = foveate.deblur_file(source, None, options(save_map=tmp_path / "map.png"))
    assert report.is_copy
    assert header(tmp_path / "map.png").width == 140


def test_work_is_counted_by_what_was_kept(tmp_path):
    area = 128**2
    source = write_picture(tmp_path / "in.png", blur(sharp(50, 50), 0, 0, 50, 50))
    report = foveate.deblur_file(source, tmp_path / "blurred.png", options())
    whole = area * 1 + area // 16**2 * 100 + area // 8**2 * (7 + 9) + 4 * 3
    assert (report.macs, report.macs_unpruned) == (whole, area * 1300)
    source = write_picture(tmp_path / "in.png", sharp(50, 50))
    assert foveate.deblur_file(source, tmp_path / "sharp.png", options()).macs == area
    mask = write_picture(tmp_path / "mask.png", np.zeros((50, 50, 1), np.uint8))
    told = foveate.deblur_file(source, tmp_path / "told.png", options(mask=mask))
    assert told.macs == 0, "a mask tells, and it was looked at"


def test_a_copy_goes_to_streams_too(tmp_path):
    data = write_picture(tmp_path / "in.jpg", sharp(50, 50)).read_bytes()
    stream = io.BytesIO()
    report = foveate.deblur_file(data, stream, options())
    assert (report.input, report.output) == ("standard input", "standard output")
    assert stream.getvalue() == data


@pytest.mark.parametrize(
    ("name", "fields", "asked"),
    [
        ("out.tif", {}, {}),
        ("out.png", {}, {"bit_depth": 8}),
        ("out.png", {}, {"strip_metadata": True}),
        ("out.png", {"orientation": 3}, {}),
    ],
)
def test_what_cannot_be_a_copy_has_the_same_samples(tmp_path, name, fields, asked):
    pixels = sharp(150, 140)
    source = write_picture(tmp_path / "in.png", pixels, **fields)
    report = foveate.deblur_file(source, tmp_path / name, options(**asked))
    shown = pixels[::-1, ::-1] if fields else pixels
    assert not report.is_copy
    assert report.warnings[-1:] == ("nothing to restore was found",)
    assert (read_picture(tmp_path / name) == shown).all()


def test_lossy_outputs_say_so(tmp_path):
    source = write_picture(tmp_path / "in.jpg", blur(sharp(100, 100), 0, 0, 50, 50))
    notes = foveate.deblur_file(source, tmp_path / "out.jpg", options()).warnings
    assert len(notes) == 1
    assert notes[0].startswith("JPEG is lossy: samples that were not restored change")
    assert foveate.deblur_file(source, tmp_path / "out.png", options()).warnings == ()


def test_orientation_metadata_and_profile_are_kept(tmp_path):
    pixels = blur(sharp(120, 90), 0, 0, 40, 40)
    source = write_picture(tmp_path / "in.png", pixels, "p3", orientation=6)
    foveate.deblur_file(source, tmp_path / "out.png", options())
    out = header(tmp_path / "out.png")
    assert (out.width, out.height) == (120, 90)
    assert out.get("icc-profile-data") == header(source).get("icc-profile-data")
    upright = np.rot90(pixels, -1)
    assert (read_picture(tmp_path / "out.png")[60:, :60] == upright[60:, :60]).all()


def test_the_first_change_may_come_late(tmp_path):
    pixels = blur(sharp(300, 100), 250, 0, 50, 50)
    source = write_picture(tmp_path / "in.png", pixels)
    foveate.deblur_file(source, None, options())
    out = read_picture(tmp_path / "in_deblurred.png")
    assert (out[:248] == pixels[:248]).all()
    assert (out[260:, :40] != pixels[260:, :40]).all()


@pytest.mark.parametrize("mask_suffix", [".png", ".jpg"])
def test_only_what_the_mask_marks_is_restored(tmp_path, fakes, mask_suffix):
    pixels = blur(sharp(200, 190), 100, 100, 60, 60)  # blurred, but not marked
    marked = np.zeros((200, 190, 1), np.uint8)
    marked[8:72, 8:48] = 255
    marked[3, 150] = 1 if mask_suffix == ".png" else 0
    source = write_picture(tmp_path / "in.png", pixels)
    mask = write_picture(tmp_path / f"mask{mask_suffix}", marked)
    report = foveate.deblur_file(source, tmp_path / "out.png", options(mask=mask))
    out = read_picture(tmp_path / "out.png")
    if mask_suffix == ".png":
        inside = marked[..., 0] > 0
        assert (out[~inside] == pixels[~inside]).all()
        assert report.changed_share == inside.mean()
        assert report.warnings == ()
        assert fakes.runs == 3
    else:
        assert "noise beside its edges" in report.warnings[0]
    assert (out[14:60, 14:40] != pixels[14:60, 14:40]).all()


def test_a_mask_is_as_the_picture_is_shown(tmp_path):
    pixels = sharp(60, 100)
    marked = np.zeros((100, 60, 4), np.uint8)
    marked[:40, :20] = (255, 255, 255, 255)
    marked[60:] = (255, 255, 255, 0)  # what is transparent in a mask is not marked
    source = write_picture(tmp_path / "in.png", pixels, orientation=6)
    mask = write_picture(tmp_path / "mask.png", marked)
    report = foveate.deblur_file(source, tmp_path / "out.png", options(mask=mask))
    upright = np.rot90(pixels, -1)
    out = read_picture(tmp_path / "out.png")
    differ = (out != upright).any(-1)
    assert report.changed_share == 40 * 20 / 6000
    assert differ[:40, :20].mean() > 0.95
    assert not differ[40:].any()
    assert not differ[:, 20:].any()


def test_a_mask_of_another_size_is_refused(tmp_path):
    source = write_picture(tmp_path / "in.png", sharp(20, 30))
    mask = write_picture(tmp_path / "mask.png", sharp(30, 20))
    with pytest.raises(UsageError, match=r"mask.png does not fit .*in.png: it is 20 x 30"):
        foveate.deblur_file(source, None, options(mask=mask))


def test_strength_zero_only_looks(tmp_path, fakes):
    source = write_picture(tmp_path / "in.png", blur(sharp(100, 100), 0, 0, 100, 100))
    report = foveate.deblur_file(source, None, options(strength=0.0))
    assert (report.is_copy, report.blurred_share, fakes.runs) == (True, 1, 0)
    assert report.warnings == ("the strength is 0: the result is a copy of the file",)
    with pytest.raises(UsageError, match="--mask and --strength 0 do not go together"):
        options(strength=0.0, mask="mask.png")


def test_a_mask_in_cmyk_is_refused(tmp_path):
    source = write_picture(tmp_path / "in.png", sharp(40, 40))
    mask = pyvips.Image.new_from_array(np.zeros((40, 40), np.uint8))
    mask.colourspace("cmyk").tiffsave(str(tmp_path / "mask.tif"))
    with pytest.raises(UsageError, match=r"mask\.tif .*it is CMYK, whose black is not 0"):
        foveate.deblur_file(source, None, options(mask=tmp_path / "mask.tif"))


@pytest.mark.parametrize("word", ["mask", "save_map", "save_windows"])
def test_an_empty_place_is_not_the_current_folder(word):
    with pytest.raises(UsageError, match=f"--{word.replace('_', '-')} is empty"):
        options(**{word: ""})


def test_what_is_worth_knowing_of_a_mask_is_told(tmp_path):
    source = write_picture(tmp_path / "in.png", sharp(40, 40))
    write_picture(tmp_path / "mask.png", sharp(40, 40)).rename(tmp_path / "mask.tif")
    report = foveate.deblur_file(source, tmp_path / "o.png", options(mask=tmp_path / "mask.tif"))
    assert any(note.startswith("the mask: ") for note in report.warnings)
    for suffix in (".avif", ".webp"):
        write_picture(tmp_path / f"mask{suffix}", sharp(40, 40))
        asked = options(mask=tmp_path / f"mask{suffix}", overwrite=True)
        report = foveate.deblur_file(source, tmp_path / "o.png", asked)
        assert any("counts as marked" in note for note in report.warnings)


def test_no_bit_depends_on_memory_or_threads(tmp_path):
    pixels = blur(sharp(300, 400), 30, 30, 200, 300)
    source = write_picture(tmp_path / "in.png", pixels)
    files = set()
    for threads, memory in ((1, 200 << 20), (2, 200 << 20), (3, 1 << 30), (1, 1 << 30)):
        out = tmp_path / f"{threads}-{memory}.png"
        asked = options(threads=threads, memory_bytes=memory)
        foveate.deblur_file(source, out, asked)
        files.add(out.read_bytes())
    assert len(files) == 1


def test_events_are_told_in_order(tmp_path):
    source = write_picture(tmp_path / "in.png", blur(sharp(200, 200), 0, 0, 90, 90))
    events = []
    report = foveate.deblur_file(source, tmp_path / "o.jpg", options(), events.append)
    kinds = [type(event) for event in events]
    assert kinds[0] is Started
    assert kinds[-2:] == [Warned, Finished]
    told = [event for event in events if isinstance(event, Progressed)]
    assert [event.windows_done for event in told] == sorted(event.windows_done for event in told)
    assert told[-1].windows_done == told[0].windows == events[0].windows == 4 + 16
    assert report.windows == 16
    assert any(event.windows_done <= 4 for event in told)
    for event in told:  # how much is blurred is not known before all is looked at
        assert event.remaining_s is None or event.windows_done > 4
    assert told[-1].remaining_s == 0
    assert [event.seconds for event in told] == sorted(event.seconds for event in told)
    stages = {"plan", "open", "look", "read", "network", "write", "total"}
    assert set(report.seconds) == stages


def test_the_map_is_dark_where_sharp_and_bright_where_blurred(tmp_path):
    source = write_picture(tmp_path / "in.png", blur(sharp(128, 192), 64, 64, 64, 128))
    foveate.deblur_file(source, None, options(save_map=tmp_path / "map.png"))
    drawn = read_picture(tmp_path / "map.png").astype(int)
    assert drawn.shape == (128, 192, 3)
    assert drawn[64:, 64:].mean() > drawn[:64].mean() + 60
    assert drawn[70:120, 70:180, 0].min() > drawn[70:120, 70:180, 2].max()  # warm colours


def test_stages_show_what_they_kept_and_dim_the_rest(tmp_path):
    pixels = blur(sharp(130, 200), 32, 32, 40, 104)
    source = write_picture(tmp_path / "in.png", pixels)
    folder = tmp_path / "stages"
    foveate.deblur_file(source, None, options(save_windows=folder))
    names = sorted(path.name for path in folder.iterdir())
    assert names == [
        "01_encoder.blocks.0.png",
        "02_decoder.blocks.0.png",
        "03_decoder.blocks.1.png",
    ]
    kept = np.zeros((130, 200), bool)
    kept[32:72, 32:136] = True
    expected = np.where(kept[..., None], pixels, pixels // 4)
    assert (read_picture(folder / names[1]) == expected).all()
    shifted = read_picture(folder / names[2])
    assert (shifted[36:68, 36:132] == pixels[36:68, 36:132]).all()
    assert (shifted[:28] == pixels[:28] // 4).all()


def test_large_maps_are_shrunk(tmp_path):
    source = write_picture(tmp_path / "in.png", blur(sharp(40, 4100), 0, 0, 40, 2050))
    maps = {"save_map": tmp_path / "map.png", "save_windows": tmp_path / "stages"}
    foveate.deblur_file(source, None, options(**maps))
    assert read_picture(tmp_path / "map.png").shape[:2] == (19, 2048)
    stage = read_picture(tmp_path / "stages" / "02_decoder.blocks.0.png")
    assert stage.shape[:2] == (9, 1024)
    assert stage[:, :500].mean() > 3 * stage[:, 524:].mean()


def test_maps_do_not_overwrite(tmp_path):
    source = write_picture(tmp_path / "in.png", sharp(40, 40))
    (tmp_path / "map.png").write_text("precious")
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "a.txt").write_text("precious")
    (tmp_path / "dangling").symlink_to(tmp_path / "nowhere" / "else")
    for asked in (
        {"save_map": tmp_path / "map.png"},
        {"save_windows": tmp_path / "full"},
        {"save_windows": tmp_path / "dangling"},
    ):
        with pytest.raises(OutputError, match=r"map.png|full|dangling: it is not a folder"):
            foveate.deblur_file(source, tmp_path / "out.png", options(**asked))
    assert not (tmp_path / "out.png").exists()


def test_no_file_takes_the_place_of_another(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "link").symlink_to(tmp_path)
    source = write_picture(tmp_path / "in.png", sharp(40, 40))
    mask = write_picture(tmp_path / "mask.png", sharp(40, 40))
    before = source.read_bytes(), mask.read_bytes()
    for out, asked, other in (
        ("o.png", {"save_map": "link/o.png"}, "the result"),
        (tmp_path / "o.png", {"save_map": "o.png"}, "the result"),
        ("o.png", {"save_map": "link/in.png"}, "the input"),
        ("o.png", {"save_map": "mask.png", "mask": mask}, "the mask"),
        ("link/mask.png", {"mask": "mask.png"}, "the mask"),
        ("o.png", {"save_windows": "link/o.png"}, "the result"),
        ("o.png", {"save_map": "m.png", "save_windows": "m.png"}, "--save-map"),
        ("o.png", {"save_windows": "in.png"}, "the input"),
        ("o.png", {"save_windows": "mask.png", "mask": mask}, "the mask"),
    ):
        with pytest.raises(UsageError, match=f"{other}.*both"):
            foveate.deblur_file("in.png", out, options(overwrite=True, **asked))
    assert (source.read_bytes(), mask.read_bytes()) == before
    assert not (tmp_path / "o.png").exists()


@pytest.mark.parametrize("fails", ["map", "stages", "result"])
def test_a_failure_leaves_neither_result_nor_maps(tmp_path, monkeypatch, fails):
    source = write_picture(tmp_path / "in.png", blur(sharp(100, 100), 0, 0, 50, 50))
    out, drawn, stages = tmp_path / "out.png", tmp_path / "map.png", tmp_path / "stages"
    complete = RowWriter.complete

    def fail(self):
        if self._place.path.name.startswith({"map": "map", "stages": "02", "result": "out"}[fails]):
            raise OutputError(f"cannot write {self._place.path}", "the disk is full")
        complete(self)

    monkeypatch.setattr(RowWriter, "complete", fail)
    with pytest.raises(OutputError, match="the disk is full"):
        foveate.deblur_file(source, out, options(save_map=drawn, save_windows=stages))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in.png", "models"]


def test_a_result_of_another_brightness_is_refused(tmp_path, fakes):
    def spoil(restored):
        restored.pixels[...] *= 0.5
        return restored

    fakes.spoil = spoil
    source = write_picture(tmp_path / "in.png", blur(sharp(100, 100), 0, 0, 100, 100))
    with pytest.raises(ModelError, match=r"in\.png.*fake\.local changed the mean brightness"):
        foveate.deblur_file(source, None, options())
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in.png", "models"]
    assert all(session.is_closed for session in fakes.sessions)


def test_a_damaged_file_leaves_nothing_behind(tmp_path):
    pixels = blur(sharp(300, 300), 0, 0, 300, 300)
    data = write_picture(tmp_path / "in.png", pixels).read_bytes()
    (tmp_path / "in.png").write_bytes(data[: len(data) // 2])
    with pytest.raises(InputError, match=r"in\.png"):
        foveate.deblur_file(tmp_path / "in.png", None, options())
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in.png", "models"]


def test_a_damaged_file_is_not_copied(tmp_path):
    data = write_picture(tmp_path / "in.png", sharp(300, 300)).read_bytes()
    (tmp_path / "in.png").write_bytes(data[: len(data) // 2])
    with pytest.raises(InputError, match=r"in\.png"):
        foveate.deblur_file(tmp_path / "in.png", None, options())
    assert not (tmp_path / "in_deblurred.png").exists()


def test_models_of_the_other_task_are_refused(tmp_path):
    source = write_picture(tmp_path / "in.png", sharp(20, 30))
    with pytest.raises(UsageError, match=r"does not deblur.*use foveate upscale"):
        foveate.deblur_file(source, None, options(model="rt4ksr_x2.photo"))


def test_an_animation_is_not_copied_whole(tmp_path):
    frames = np.concatenate([sharp(40, 40), sharp(40, 40, seed=1)])
    image = pyvips.Image.new_from_array(frames).copy()
    image.set_type(pyvips.GValue.gint_type, "page-height", 40)
    image.write_to_file(str(tmp_path / "in.webp"), lossless=True)
    report = foveate.deblur_file(tmp_path / "in.webp", None, options(first_frame=True))
    assert not report.is_copy
    assert read_picture(tmp_path / "in_deblurred.webp").shape[:2] == (40, 40)


def test_a_file_that_changes_meanwhile_is_not_copied(tmp_path):
    source = write_picture(tmp_path / "in.png", sharp(100, 100))
    other = write_picture(tmp_path / "other.png", sharp(100, 100, seed=1))

    def swap(event):
        if isinstance(event, Progressed) and other.exists():
            other.rename(source)

    with pytest.raises(InputError, match="changed while it was being read"):
        foveate.deblur_file(source, None, options(), swap)
    assert not (tmp_path / "in_deblurred.png").exists()
