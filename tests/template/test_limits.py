"""docs/limits.md: each value is what the constant or the parameter beside it says."""

import re
from importlib import import_module
from pathlib import Path

import pytest

from tests.template_file import template

PAGE = (Path(__file__).parents[2] / "docs" / "limits.md").read_text()
ROWS = re.findall(
    r"^\| [\w-]*\s*\| (.+?) \| ([\d.,]+)(?: (\w+))? \| .+ \| `([\w.]+)` \|$", PAGE, re.MULTILINE
)
UNITS = {"": 1, "bytes": 1, "KB": 1024, "MB": 1024 * 1024, "s": 1, "days": 24 * 60 * 60}


def test_every_row_of_the_table_is_read():
    table = PAGE.partition("| Of |")[2].partition("\n\n")[0]
    assert len(ROWS) == len(table.splitlines()) - 2
    assert len({row[3] for row in ROWS}) == len(ROWS)


@pytest.mark.parametrize(("what", "number", "unit", "setter"), ROWS, ids=[row[3] for row in ROWS])
def test_a_limit_is_what_the_code_or_the_template_says(what, number, unit, setter):
    said = float(number.replace(",", ""))
    if "." not in setter:
        # A parameter has its unit in its name.
        assert said == template()["Parameters"][setter]["Default"], what
        return
    module, _, constant = setter.rpartition(".")
    assert said * UNITS[unit] == getattr(import_module(f"storehooks.{module}"), constant), what
