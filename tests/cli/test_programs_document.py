"""docs/programs.md names every field that programs get."""

from dataclasses import fields
from pathlib import Path
from typing import get_args

import pytest

import foveate
from foveate.events import Event

DOCUMENT = (Path(__file__).parents[2] / "docs" / "programs.md").read_text("utf-8")


@pytest.mark.parametrize("report", [foveate.Report, foveate.DeblurReport, foveate.RestoreReport])
def test_every_field_of_the_reports_is_named(report):
    assert not [field.name for field in fields(report) if f"`{field.name}`" not in DOCUMENT]


@pytest.mark.parametrize("event", get_args(Event))
def test_every_event_stands_with_its_fields(event):
    kinds = {field.name: field.default for field in fields(event)}
    (line,) = [line for line in DOCUMENT.splitlines() if line.startswith(f"| `{kinds['type']}` |")]
    assert not [name for name in kinds if name != "type" and f"`{name}`" not in line]


def test_every_exit_code_is_told():
    errors = foveate.FoveateError.__subclasses__()
    codes = {error.exit_code for error in errors if error is not foveate.PartialFailure}
    assert codes == {2, 3, 4, 5, 6}
    assert all(f"| {code} |" in DOCUMENT for code in {0, 1, *codes})
