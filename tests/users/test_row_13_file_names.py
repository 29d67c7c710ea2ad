"""Row 13: names that can be foretold. The template: tests/unit/pipelines/test_names.py."""


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_the_template_names_the_output(command, picture, tmp_path):
    shown = command("upscale", picture, "--name", "{stem}-{width}{ext}", "--json")
    assert shown.document["output"] == str(tmp_path / "photo-180.png")
    assert names(tmp_path) == ["photo-180.png", "photo.png"]


def test_the_output_option_is_honoured_exactly(command, picture, tmp_path):
    (tmp_path / "there").mkdir()
    output = tmp_path / "there" / "Exactly This.JPeG"
    assert command("upscale", picture, "-o", output).code == 0
    assert names(output.parent) == ["Exactly This.JPeG"]
    assert names(tmp_path) == ["photo.png", "there"]


def test_nothing_is_replaced_unasked(command, picture, tmp_path):
    assert command("upscale", picture).code == 0
    first = (tmp_path / "photo_x2.png").stat()
    assert command("upscale", picture).code == 4
    assert (tmp_path / "photo_x2.png").stat().st_mtime_ns == first.st_mtime_ns
    assert command("upscale", picture, "--overwrite").code == 0
    assert (tmp_path / "photo_x2.png").stat().st_ino != first.st_ino


def test_an_output_over_its_input_needs_to_be_asked_for(command, picture):
    before = picture.read_bytes()
    assert command("upscale", picture, "-o", picture).code == 4
    assert picture.read_bytes() == before
    assert command("upscale", picture, "-o", picture, "--overwrite").code == 0
    assert picture.read_bytes() != before
