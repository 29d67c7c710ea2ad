import runpy
from pathlib import Path

ROOT = Path(__file__).parents[2]
TABLES = runpy.run_path(str(ROOT / "scripts" / "tables"))


def test_no_table_of_this_checkout_is_stale():
    assert list(TABLES["find_stale"](ROOT)) == []


def test_a_stale_table_is_found_and_a_fresh_one_is_not(tmp_path):
    (tmp_path / "docs").mkdir()
    stale = tmp_path / "docs" / "a.md"
    stale.write_text("<!-- table:models -->\nold\n<!-- /table -->\n")
    found = TABLES["find_stale"](tmp_path)
    assert list(found) == [stale]
    stale.write_text(found[stale])
    assert TABLES["find_stale"](tmp_path) == {}
