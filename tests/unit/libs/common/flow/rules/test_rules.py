"""Every rule, by its fixtures: a flow and the problems expected of it, beside a near miss."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import msgspec
import pytest
import yaml

from libs.common.errors import Problem
from libs.common.flow.model import Flow, FlowType, Graph, Node
from libs.common.flow.rules import ADVICE, RULES, validate
from libs.common.nodes.catalogue import NODE_TYPES
from tools.cases import FIXTURES, flow_of, library_of

CASES = sorted(FIXTURES.glob("*/*.yaml"))


def assert_as_expected(found: Sequence[Problem], expected: Sequence[Mapping[str, Any]]) -> None:
    """Compare what each expected problem names; a fixture need not repeat every message."""
    said = [msgspec.json.decode(msgspec.json.encode(problem)) for problem in found]
    assert [problem["code"] for problem in said] == [want["code"] for want in expected], said
    for problem, want in zip(said, expected, strict=True):
        assert {key: problem.get(key) for key in want} == want


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.parent.name}/{case.stem}")
def test_a_flow_has_the_problems_that_its_fixture_names_and_no_others(case: Path) -> None:
    wanted = yaml.safe_load(case.read_text())
    report = validate(flow_of(wanted), NODE_TYPES, library_of(wanted))
    assert_as_expected(report.errors, wanted.get("errors", []))
    assert_as_expected(report.warnings, wanted.get("warnings", []))
    assert report.valid is not bool(wanted.get("errors"))


def test_every_rule_has_cases_and_a_near_miss_that_has_no_problem() -> None:
    rules = {rule.__name__ for rule in (*RULES, *ADVICE)}
    assert {case.parent.name for case in CASES} == rules
    for rule in rules:
        near_miss = yaml.safe_load((FIXTURES / rule / "near_miss.yaml").read_text())
        assert "warnings" not in near_miss
        assert len(list((FIXTURES / rule).glob("*.yaml"))) > 1


def test_a_flow_deeper_than_the_stack_is_checked_all_the_same() -> None:
    names = [f"n{index}" for index in range(5_000)]
    nodes: list[dict[str, Any]] = [
        {"id": "start", "type": "start"},
        {"id": "success", "type": "success"},
    ]
    nodes += [
        {"id": name, "type": "set_attribute", "config": {"attribute": "a", "value": "1"}}
        for name in names
    ]
    chain = ["start", *names, "success"]
    edges = [{"source": a, "target": b} for a, b in pairwise(chain)]
    report = validate(flow_of({"type": "registration", "nodes": nodes, "edges": edges}), NODE_TYPES)
    # It is looked at as far as it goes, which is too far for one turn.
    (problem,) = report.errors
    assert (problem.code, problem.counter_example) == ("endless_loop", tuple(chain))


def test_an_empty_graph_is_a_flow_with_problems_and_not_an_error() -> None:
    report = validate(Flow("flow_empty", 1, FlowType.LOGIN, Graph()), NODE_TYPES)
    assert [problem.code for problem in report.errors] == [
        "missing_start_node",
        "unreachable_success",
    ]


def test_the_problem_of_a_config_field_keeps_the_path_into_it() -> None:
    node = Node("who", "identifier_input", {"identifier_types": ["email", 7]})
    report = validate(Flow("flow_case", 1, FlowType.LOGIN, Graph((node,))), NODE_TYPES)
    assert "config.identifier_types[1]" in {problem.path for problem in report.errors}
