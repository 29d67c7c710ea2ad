import pytest

from foveate.bench.results import Measurement, record
from foveate.bench.tables import format_table, renew_tables
from foveate.errors import InputError
from foveate.models.card import Card, QualityFacts, WeightsFacts, WindowFacts


def card(model_id, macs):
    return Card(
        id=model_id,
        family="rt4ksr",
        task="upscale",
        scale=2,
        trained_for="photos | phones",
        summary="",
        licence="Apache-2.0",
        limits="",
        parameters=40_000,
        macs_per_lr_pixel=macs,
        receptive_radius=9,
        session_bytes_per_lr_pixel=100,
        window=WindowFacts(128, 128, 16, 2),
        weights=WeightsFacts("m.onnx", "", 1),
        quality=(
            QualityFacts("Set5", "A", 5, 36.8, 0.951, 33.673, 0.9303),
            QualityFacts("Set14", "LR, then JPEG quality 75 4:2:0", 14, 30.0, 0.9, 29.0, 0.8),
        ),
    )


CARDS = [card("b_x2", 9720), card("a_x2", 900_000)]


@pytest.fixture
def results(tmp_path):
    record(
        tmp_path / "speed.csv",
        [
            Measurement(what="time", model=model, size=size, value=value, unit="ms")
            for model, size, value in (("a", "1x1", 5), ("a", "2x2", 7.5), ("b", "1x1", 9))
        ],
    )
    return tmp_path


def renewed(marker, results, body="stale\n"):
    text = f"before\n<!-- table:{marker} -->\n{body}<!-- /table -->\nafter\n"
    made = renew_tables(text, results, CARDS, "README.md")
    head, rest = made.split(" -->\n", 1)
    table, after = rest.split("<!-- /table -->")
    assert (head, after) == (f"before\n<!-- table:{marker}", "\nafter\n")
    return table.splitlines()


def test_models_stand_cheapest_first_with_escaped_bars(results):
    lines = renewed("models", results)
    assert lines[2].startswith("| `b_x2` | upscale | 2 | photos \\| phones | 40,000 | 9,720 |")
    assert lines[3].startswith("| `a_x2` |")


def test_quality_stands_by_set_with_its_gain_over_bicubic(results):
    lines = renewed("quality", results)
    assert lines[0] == "| model | LR | Set5 | Set14 |"
    assert lines[2] == "| `b_x2` | clean | 36.80 (+3.13) |  |"
    assert lines[3] == "| `b_x2` | JPEG quality 75 |  | 30.00 (+1.00) |"


def test_results_are_filtered_and_their_columns_chosen(results):
    lines = renewed("speed show=model,size,value where=model:a,what:time", results)
    assert lines == [
        "| model | size | value |",
        "| --- | --- | ---: |",
        "| a | 1x1 | 5 |",
        "| a | 2x2 | 7.5 |",
    ]


def test_rows_stand_by_the_size_of_their_numbers(results):
    shares = [f"{share}% blurred" for share in (0, 5, 10, 100)]
    record(
        results / "shares.csv",
        [Measurement(what="time", model="a", set=share, value=1) for share in shares],
    )
    assert [line.split(" | ")[0] for line in renewed("shares show=set,value", results)[2:]] == [
        f"| {share}" for share in shares
    ]


def test_split_spreads_one_column_over_columns(results):
    lines = renewed("speed show=model split=size", results)
    assert lines[0] == "| model | 1x1 | 2x2 |"
    assert lines[2:] == ["| a | 5 | 7.5 |", "| b | 9 |  |"]


def test_renewing_twice_changes_nothing(results):
    text = "<!-- table:models -->\n<!-- /table -->\n\n<!-- table:speed -->\n<!-- /table -->\n"
    once = renew_tables(text, results, CARDS, "README.md")
    assert once.count("|") > 20
    assert renew_tables(once, results, CARDS, "README.md") == once


def test_text_without_markers_is_left_as_it_is(results):
    text = "# Title\n\n| a |\n"
    assert renew_tables(text, results, CARDS, "x.md") == text


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("<!-- table:models -->\n| a |\n", "not closed"),
        ("<!-- table:models-->\n<!-- /table -->\n", "malformed"),
        ("<!-- table:nothing -->\n<!-- /table -->\n", r"nothing\.csv"),
        ("<!-- table:speed shwo=model -->\n<!-- /table -->\n", "unknown option shwo"),
        ("<!-- table:speed show=modle -->\n<!-- /table -->\n", "modle"),
        ("<!-- table:speed where=modle:a -->\n<!-- /table -->\n", "modle"),
    ],
)
def test_a_bad_marker_is_an_error_that_names_it(results, text, message):
    with pytest.raises(InputError, match=message):
        renew_tables(text, results, CARDS, "README.md")


def test_only_columns_of_numbers_are_aligned_right():
    assert format_table(["a", "b"], [["1.5", "x"], ["-2", "3"]]).splitlines()[1] == "| ---: | --- |"
