"""What stands in the way of a version whose golden tests nobody has run."""

from __future__ import annotations

from collections.abc import Sequence

from libs.common.errors import Problem
from libs.common.flow.model import Flow, Library
from services.management.records import GoldenTest


def refuse_unrun(
    _flow: Flow, _library: Library, tests: Sequence[GoldenTest]
) -> tuple[Problem, ...]:
    """Count each test as failed: this release keeps tests, and cannot run them."""
    message = "this release cannot run golden tests; give an override_reason, or remove the test"
    return tuple(Problem("golden_test_not_run", message, path=test.name) for test in tests)
