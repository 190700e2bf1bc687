"""A pytest plugin (-p tests.parts.witness): writes each failure, and its kind, to the file named by WITNESS."""

from __future__ import annotations

import json
import os
from collections.abc import Generator
from pathlib import Path

import pytest

#: What a test says when it finds something wrong, unlike what happens to a test that cannot run.
FINDINGS = (AssertionError, pytest.fail.Exception)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    if report.failed and call.excinfo:
        is_finding = call.when == "call" and issubclass(call.excinfo.type, FINDINGS)
        line = json.dumps({"test": item.nodeid, "is_finding": is_finding})
        with Path(os.environ["WITNESS"]).open("a") as file:  # several workers write, a line at a time
            file.write(f"{line}\n")
    return report
