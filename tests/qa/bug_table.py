"""Makes the table of docs/qa-bugs.md (`make bugs`): which of our tests catch which planted bug.

Under each bug it runs the fast tests of the rooms that the bug's files touch, and the tests that are named for it.
"""

from __future__ import annotations

import re
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from hypermart.qa import bugs
from hypermart.qa.bugs import Bug
from hypermart.settings import ROOT
from tests.parts.planted import Outcome, run_tests
from tests.qa.named import NAMED

PAGE = ROOT / "docs" / "qa-bugs.md"
MARK = "<!-- From here on made by `make bugs`. -->"
FAST = ("-m", "not browser and not text_browser and not slow and not node")
#: Whose fast tests are run for a bug in a file that begins so; the first that fits counts.
ROOMS = {
    "src/hypermart/domain/cart/": ("domain/test_cart.py", "domain/test_totals.py", "web/test_cart*.py"),
    "src/hypermart/domain/orders/": ("web/test_buying_again.py", "web/test_checkout.py", "web/test_order_page.py"),
    "src/hypermart/domain/customers/": ("domain/test_address_rules.py", "domain/test_email.py", "web/test_*address.py"),
    "src/hypermart/emails.py": ("domain/test_email.py", "web/test_*address.py"),
    "src/hypermart/domain/": ("domain/test_[!aeilr]*.py", "web/test_cart.py", "web/test_cost_and_cache.py"),
    "src/hypermart/web/checkout/": ("pages/test_outline.py", "web/test_checkout*.py"),
    "src/hypermart/web/": ("pages/test_[hm]*.py", "web/test_cart*.py", "web/test_cost_and_cache.py"),
    "templates/checkout/": ("pages/test_[mo]*.py", "test_templates.py", "web/test_checkout*.py"),
    "templates/email/": ("jobs/test_mail_*.py", "test_templates.py"),
    "templates/": ("pages/test_[mo]*.py", "test_templates.py", "web/test_cart*.py"),
    "static/": ("pages/test_markup.py", "test_look.py"),
}
SHOWN = 5
AT_ONCE = 2


def patterns_of(bug: Bug) -> tuple[str, ...]:
    """Of the files of tests that are run for it, below tests/."""
    found = (next(rooms for start, rooms in ROOMS.items() if change.file.startswith(start)) for change in bug.changes)
    return tuple(sorted({room for rooms in found for room in rooms}))


def files_of(*some: Bug) -> list[str]:
    wanted = {path for bug in some for pattern in patterns_of(bug) for path in (ROOT / "tests").glob(pattern)}
    return sorted(path.relative_to(ROOT).as_posix() for path in wanted)


def must_be_green(compiled: Path) -> None:
    """What fails in a copy without bugs is caught by nobody."""
    done = run_tests("none", *files_of(*bugs.known().values()), *FAST, compiled=compiled)
    if done.exit_code:
        raise RuntimeError(f"red without any bug: {done.found + done.broken}\n{done.output[-3000:]}")


def caught_by(bug: Bug, compiled: Path) -> Outcome:
    """All that fails: of the fast tests, and of those that are named for it."""
    number = str(bug.number)
    runs = [
        run_tests(number, *files_of(bug), *FAST, compiled=compiled),
        run_tests(number, *NAMED[bug.number], compiled=compiled),  # also where one is slow or wants a browser
    ]
    found, broken = (sorted({test for run in runs for test in getattr(run, kind)}) for kind in ("found", "broken"))
    return Outcome(tuple(found), tuple(broken), max(run.exit_code for run in runs), runs[-1].output)


def row(bug: Bug, compiled: Path) -> str:
    """Named tests come first. Several cases of one test are told once, but all are counted."""
    caught = caught_by(bug, compiled)
    if not {*NAMED[bug.number]} <= {*caught.found} or caught.exit_code != 1:
        raise RuntimeError(f"bug {bug.number} is not caught by the tests named for it:\n{caught.output[-3000:]}")
    fail = sorted({*caught.found, *caught.broken})
    first = dict.fromkeys(test.partition("[")[0] for test in (*NAMED[bug.number], *fail))
    shown = "<br>".join([f"`{test}`" for test in first][:SHOWN])
    return f"| {bug.number} | {bug.area} | {bug.title} | {len(fail)} | {shown} |\n"


def main() -> None:
    with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor(AT_ONCE) as pool:
        must_be_green(Path(folder))
        rows = []
        for made in pool.map(lambda bug: row(bug, Path(folder)), bugs.known().values()):
            rows.append(made)
            sys.stdout.write(made)
            sys.stdout.flush()
    head = PAGE.read_text().partition(MARK)[0]
    PAGE.write_text(f"{head}{MARK}\n\n{WORDS}{HEADINGS}{''.join(rows)}\n{_rooms()}")


WORDS = """The tests named for a bug come first: `make test` tries them against it. Beside them these fail
of the fast tests that look at what the bug is in (see below the table). All cases are counted; five tests are shown.

"""
HEADINGS = "| bug | area | what is wrong | fail | by |\n|---|---|---|---|---|\n"


def _rooms() -> str:
    lines = [f"- `{start}`: {', '.join(f'`{room}`' for room in rooms)}\n" for start, rooms in ROOMS.items()]
    return (
        f"Which files below `tests/` are run for a bug in which files (the first line that fits):\n\n{''.join(lines)}"
    )


def told(page: str) -> list[tuple[int, str, str, list[str]]]:
    """Number, area, title and tests of each row of the page."""
    found = re.findall(r"^\| (\d+) \| (\w+) \| (.*?) \| \d+ \| (.*) \|$", page, re.MULTILINE)
    return [(int(number), area, title, re.findall(r"`([^`]+)`", tests)) for number, area, title, tests in found]


if __name__ == "__main__":
    main()
