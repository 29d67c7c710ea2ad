import datetime
import runpy
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
CHANGELOG = runpy.run_path(str(ROOT / "scripts" / "changelog"))
DAY = datetime.date(2026, 11, 30)


def write(folder, **fragments):
    folder.mkdir(exist_ok=True)
    for name, text in fragments.items():
        (folder / f"{name.replace('_', '.')}.md").write_text(text)
    return folder


def test_the_fragments_of_this_checkout_are_good():
    assert CHANGELOG["find_faults"](ROOT / "changelog.d") == []


@pytest.mark.parametrize("name", ["upscale_added", "two-words_fixed", "x2_removed", "a_changed"])
def test_good_names_pass(tmp_path, name):
    assert CHANGELOG["find_faults"](write(tmp_path, **{name: "Upscales photos."})) == []


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("upscale", "Text."),
        ("upscale_improved", "Text."),
        ("Upscale_added", "Text."),
        ("upscale_added", "   \n"),
        ("upscale_added", "word " * 100),
    ],
)
def test_bad_names_and_lengths_are_named(tmp_path, name, text):
    (fault,) = CHANGELOG["find_faults"](write(tmp_path, **{name: text}))
    assert name.replace("_", ".") in fault


def test_a_section_lists_kinds_in_order_and_topics_by_name(tmp_path):
    folder = write(tmp_path, b_fixed="Cured\nit.", z_added="Z.", a_added="A.")
    section = CHANGELOG["gather"](folder, "1.2", DAY)
    assert section == (
        "## 1.2 (2026-11-30)\n\n### Added\n\n- A.\n- Z.\n\n### Fixed\n\n- Cured it.\n"
    )


def test_a_release_comes_on_top_and_uses_the_fragments_up(tmp_path):
    folder = write(tmp_path / "changelog.d", a_added="A.")
    (folder / "README.md").write_text("how")
    (tmp_path / "CHANGELOG.md").write_text(
        "# Changelog\n\nIntro.\n\n## 0.1 (2026-01-01)\n\n- Old.\n"
    )
    CHANGELOG["release"](tmp_path, "0.2")
    text = (tmp_path / "CHANGELOG.md").read_text()
    assert text.index("Intro.") < text.index("## 0.2") < text.index("## 0.1") < text.index("Old.")
    assert [path.name for path in folder.iterdir()] == ["README.md"]
