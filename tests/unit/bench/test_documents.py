from pathlib import Path

import pytest

from foveate.bench.documents import find_stale, main
from foveate.bench.plots import find_stale_plots
from foveate.models.store import list_cards

ROOT = Path(__file__).parents[3]
STALE = "<!-- table:models -->\nold\n<!-- /table -->\n"


def run(monkeypatch, root, *words):
    monkeypatch.setattr("sys.argv", ["documents", "--root", str(root), *words])
    return main()


@pytest.fixture
def document(tmp_path):
    path = tmp_path / "docs" / "a.md"
    path.parent.mkdir()
    path.write_text(STALE)
    return path


def test_no_table_of_this_checkout_is_stale():
    assert list(find_stale(ROOT)) == []


def test_no_plot_of_this_checkout_is_stale():
    cards = [entry.card for entry in list_cards() if entry.where == "shipped"]
    assert [path for path, _ in find_stale_plots(ROOT, cards)] == []


def test_check_names_the_stale_document_and_changes_nothing(
    document, tmp_path, monkeypatch, capsys
):
    assert run(monkeypatch, tmp_path, "--check") == 1
    assert f"{document}: a table is stale" in capsys.readouterr().err
    assert document.read_text() == STALE


def test_after_renewing_the_check_passes(document, tmp_path, monkeypatch):
    assert run(monkeypatch, tmp_path) == 0
    assert "| model |" in document.read_text()
    assert run(monkeypatch, tmp_path, "--check") == 0


def test_a_bad_marker_is_one_line_and_an_exit_code(document, tmp_path, monkeypatch, capsys):
    document.write_text("<!-- table:models -->\n")
    assert run(monkeypatch, tmp_path, "--check") == 3
    assert capsys.readouterr().err.startswith("error: cannot renew the tables of a.md")
