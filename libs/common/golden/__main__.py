"""Runs golden tests from files: `python -m libs.common.golden FILES`.

Offline: it needs no server and no settings. Exits with 0 where all hold, 1 where one does not, 2
where a file cannot be read or its flow cannot run.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

import msgspec

from libs.common.errors import Invalid
from libs.common.flow.golden import judge
from libs.common.flow.simulate import make_program
from libs.common.golden.files import Suite, Unreadable, read_suite
from libs.common.golden.report import Report, lines, summary
from libs.common.nodes.catalogue import NODE_TYPES


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the files that are named, and return the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m libs.common.golden", description="Runs golden tests of flows."
    )
    parser.add_argument("files", nargs="+", type=Path, metavar="FILE")
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    given = parser.parse_args(arguments)
    reports = [report_of(path) for path in given.files]
    if given.json:
        sys.stdout.buffer.write(msgspec.json.format(msgspec.json.encode(reports)) + b"\n")
    else:
        for report in reports:
            sys.stdout.write("\n".join(lines(report)) + "\n")
        sys.stdout.write(summary(reports) + "\n")
    return max(report.exit_code for report in reports)


def report_of(path: Path) -> Report:
    """Run the tests of one file."""
    try:
        suite = read_suite(path)
    except Unreadable as error:
        return Report(str(path), unreadable=str(error))
    try:
        return _run(path, suite)
    except Invalid as error:
        return Report(str(path), problems=error.problems)


def _run(path: Path, suite: Suite) -> Report:
    program = make_program(suite.flow, NODE_TYPES, suite.library)
    tests = ((test.name, test) for test in suite.tests)
    judged = judge(suite.flow, program, NODE_TYPES, tests)
    return Report(str(path), judged.tests, judged.coverage)


if __name__ == "__main__":
    sys.exit(main())
