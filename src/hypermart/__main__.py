"""Where every start of `hypermart` begins, as a command and as `python -m hypermart`. What commands do is in cli.py."""

from __future__ import annotations

import os
import sys


def main() -> int:
    """Runs the command line; with BUGS, in a copy of the shop that has these defects (qa/bugs.py)."""
    if os.environ.get("BUGS"):
        from hypermart.qa import bugs  # noqa: PLC0415  (a shop without bugs needs nothing of it)
        from hypermart.settings import BadSetting  # noqa: PLC0415

        try:
            bugs.start_again(sys.argv[1:], os.environ)
        except BadSetting as refusal:
            from hypermart.cli import complain  # noqa: PLC0415

            return complain(str(refusal))
    from hypermart import cli  # noqa: PLC0415  (BUGS comes before all that it may change)

    return cli.main()


if __name__ == "__main__":
    sys.exit(main())
