"""docs/reliability.md says what the fault tests try, and nothing else."""

from __future__ import annotations

from tests.topology import table


def test_the_table_is_that_of_the_tests() -> None:
    assert table.DOC.read_text() == table.made(), "run: python -m tests.topology.table"


def test_every_fault_test_has_its_row() -> None:
    assert sum("test_faults.py" in row for row in table.rows()) > 8
