"""The name a result gets when none is given."""

import pytest

import foveate
from foveate.errors import UsageError
from foveate.pipelines.prepare import prepare_job
from pictures import photo, write_picture


@pytest.mark.parametrize(
    ("name", "options", "expected"),
    [
        ("photo.png", {}, "photo_x2.png"),
        ("photo.PNG", {}, "photo_x2.PNG"),
        ("photo.jpeg", {}, "photo_x2.jpeg"),
        ("photo.JPG", {}, "photo_x2.JPG"),
        ("photo", {}, "photo_x2.png"),
        ("a.b.png", {}, "a.b_x2.png"),
        (".hidden.png", {}, ".hidden_x2.png"),
        ("{stem}.png", {}, "{stem}_x2.png"),
        ("50%.png", {}, "50%_x2.png"),
        ("photo.gif", {}, "photo_x2.png"),
        ("photo.png", {"scale": 1.5}, "photo_x1.5.png"),
        (
            "photo.png",
            {"name": "{stem}-{width}x{height}-{model}{ext}"},
            "photo-60x40-tiny_x2.test.png",
        ),
        ("photo.png", {"name": "new.png"}, "new.png"),
    ],
)
def test_default_names(tmp_path, tiny, name, options, expected):
    suffix = ".jpg" if "jp" in name.lower() else ".gif" if "gif" in name else ".png"
    made = write_picture(tmp_path / f"made{suffix}", photo(20, 30))
    source = made.rename(tmp_path / name)
    job = prepare_job(source, None, foveate.UpscaleOptions(model=str(tiny), **options))
    assert job.destination == tmp_path / expected


@pytest.mark.parametrize(
    "name",
    ["{stem", "{0}", "{}", "{colour}", "{stem.x}", "{stem[0]}", "a/b.png", "../{stem}.png", ""],
)
def test_templates_that_cannot_be(tmp_path, tiny, name):
    source = write_picture(tmp_path / "photo.png", photo(20, 30))
    with pytest.raises(UsageError, match="--name"):
        prepare_job(source, None, foveate.UpscaleOptions(model=str(tiny), name=name))


def test_a_name_with_another_suffix_does_not_lie_about_the_format(tmp_path, tiny):
    source = write_picture(tmp_path / "photo.png", photo(20, 30))
    options = foveate.UpscaleOptions(model=str(tiny), name="{stem}_x2.jpg")
    job = prepare_job(source, None, options)
    assert (job.destination.name, job.encoding.format) == ("photo_x2.jpg", "jpeg")
