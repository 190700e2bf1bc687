"""docs/reliability.md says what the fault tests try, and nothing else."""

from __future__ import annotations

import pytest

from tests.parts.databases import is_mysql
from tests.topology import table


@pytest.mark.skipif(is_mysql(), reason="some cases are tried on SQLite alone, and the tables name all")
def test_the_tables_are_those_of_the_tests() -> None:
    assert table.DOC.read_text() == table.made(), "run: python -m tests.topology.table"


def test_every_fault_test_has_its_row() -> None:
    assert sum("test_faults.py" in row for row in table.rows("topology")) > 8
