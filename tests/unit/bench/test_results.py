import pytest

from foveate.bench import results
from foveate.bench.results import Measurement, read_results, record
from foveate.errors import InputError


def psnr(value, **facts):
    return Measurement(**{"what": "psnr_y", "model": "m", "set": "Set5", "value": value} | facts)


def test_a_recorded_row_names_a_machine_that_is_in_machines_csv(tmp_path):
    path = tmp_path / "results" / "quality.csv"
    record(path, [psnr(36.123456789, unit="dB", scale=2, n=5)])
    (row,) = read_results(path)
    assert (row["value"], row["unit"], row["scale"], row["n"]) == ("36.1235", "dB", "2", "5")
    assert row["ratio"] == ""
    machines = (path.parent / "machines.csv").read_text().splitlines()
    assert machines[0].startswith("key,cpu,isa,cores,ram_gib,os,python,packages")
    assert machines[1].startswith(row["machine"] + ",")


def test_measuring_again_replaces_the_row_and_leaves_others(tmp_path):
    path = tmp_path / "q.csv"
    record(path, [psnr(1.5), psnr(2.5, set="Set14")])
    record(path, [psnr(3.5)])
    assert [(row["set"], row["value"]) for row in read_results(path)] == [
        ("Set14", "2.5"),
        ("Set5", "3.5"),
    ]


def test_rows_of_another_machine_keep_its_key(tmp_path, monkeypatch):
    path = tmp_path / "q.csv"
    record(path, [psnr(1.5)])
    monkeypatch.setattr(results, "machine_key", lambda _: "other")
    record(path, [psnr(2.5, set="Set14")])
    new, old = read_results(path)
    assert new["machine"] == "other"
    assert old["machine"] not in ("", "other")
    assert len((tmp_path / "machines.csv").read_text().splitlines()) == 3


def test_the_order_of_measuring_does_not_change_the_file(tmp_path):
    for name, order in (("a", (1, 2)), ("b", (2, 1))):
        record(tmp_path / f"{name}.csv", [psnr(n, model=f"m{n}") for n in order])
    assert (tmp_path / "a.csv").read_text() == (tmp_path / "b.csv").read_text()


@pytest.mark.parametrize(
    ("value", "text"),
    [(123456789, "123456789"), (2.0e9, "2000000000"), (0.00012345678, "0.000123457")],
)
def test_whole_numbers_are_kept_in_full_and_others_to_six_digits(tmp_path, value, text):
    record(tmp_path / "q.csv", [psnr(value)])
    assert read_results(tmp_path / "q.csv")[0]["value"] == text


def test_a_file_with_other_columns_is_refused_and_not_overwritten(tmp_path):
    path = tmp_path / "q.csv"
    path.write_text("a,b\n1,2\n")
    with pytest.raises(InputError, match="columns"):
        record(path, [psnr(1)])
    assert path.read_text() == "a,b\n1,2\n"
