"""Tests that nobody has run."""

from libs.common.flow.model import ALONE, Flow, FlowType, Graph
from services.management.golden import refuse_unrun
from services.management.records import GoldenTest

FLOW = Flow("flow_a", 1, FlowType.LOGIN, Graph())


def test_each_test_that_was_not_run_stands_in_the_way() -> None:
    tests = (GoldenTest("one", "{}"), GoldenTest("two", "{}"))
    problems = refuse_unrun(FLOW, ALONE, tests)
    assert [problem.path for problem in problems] == ["one", "two"]
    assert refuse_unrun(FLOW, ALONE, ()) == ()
