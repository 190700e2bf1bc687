"""The doctor command: a look at everything that a shop needs, in plain words, a line for each look.

Exit code 0: no problem. 1: at least one. It changes nothing, sends no mail, and shows no secret.
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import os
from typing import Any

import msgspec

from hypermart import logs
from hypermart.adapters.clock import SystemClock


def add_doctor(commands: Any) -> None:
    text = "Look at everything that the shop needs, and say for each problem how it is fixed."
    parser = commands.add_parser("doctor", help=text, description=text)
    parser.set_defaults(run_without_settings=run)
    parser.add_argument("--json", action="store_true", help="for machines: a list of {level, part, words, fix}")


def run(args: argparse.Namespace) -> int:
    from hypermart.doctor.case import read  # noqa: PLC0415  (other commands should start fast)
    from hypermart.doctor.examine import examine  # noqa: PLC0415

    logs.configure("critical")  # what is wrong is said by findings
    logging.disable(logging.CRITICAL)
    try:
        found = asyncio.run(examine(read(os.environ, SystemClock())))
    finally:
        logging.disable(logging.NOTSET)
    problems = sum(each.level == "problem" for each in found)
    if args.json:
        _say(msgspec.json.encode(found).decode())
    else:
        for each in found:
            _say(each.line)
        _say(f"{problems} problem{'' if problems == 1 else 's'}" if problems else "The shop is well.")
    return 1 if problems else 0


def _say(line: str) -> None:
    print(line, flush=True)  # noqa: T201
