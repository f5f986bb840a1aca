"""The compiler, by its fixtures: a flow and the steps of its plan."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec
import pytest
import yaml

from libs.common.errors import Invalid
from libs.common.flow.compile import compile_flow
from libs.common.flow.model import Edge, Flow, FlowType, Graph, Position
from libs.common.flow.plan import encode, load, name_of
from libs.common.nodes.catalogue import NODE_TYPES

FIXTURES = Path(__file__).parents[4] / "fixtures" / "compile"
CASES = sorted(FIXTURES.glob("*.yaml"))


def read(case: Path) -> tuple[Flow, list[Mapping[str, Any]]]:
    written = yaml.safe_load(case.read_text())
    graph = msgspec.convert({"nodes": written["nodes"], "edges": written["edges"]}, Graph)
    return Flow("flow_case", 3, FlowType(written["type"]), graph), written["steps"]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.stem)
def test_a_flow_becomes_the_steps_that_its_fixture_names(case: Path) -> None:
    flow, steps = read(case)
    plan = compile_flow(flow, NODE_TYPES)
    assert [{"id": s.id, "type": s.type, "to": s.to} for s in plan.steps] == steps
    assert (plan.flow, plan.version, plan.type, plan.start) == ("flow_case", 3, flow.type, 0)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.stem)
def test_compiling_again_makes_the_same_bytes_and_they_load(case: Path) -> None:
    flow, steps = read(case)
    data = encode(compile_flow(flow, NODE_TYPES))
    assert encode(compile_flow(flow, NODE_TYPES)) == data
    program = load(data, NODE_TYPES, expecting=name_of(data))
    assert [step.id for step in program.steps] == [step["id"] for step in steps]


def test_moving_a_node_on_the_canvas_changes_nothing() -> None:
    flow, _ = read(FIXTURES / "mfa_login.yaml")
    moved = tuple(
        msgspec.structs.replace(node, position=Position(7, 7.5), label="Elsewhere")
        for node in flow.graph.nodes
    )
    other = msgspec.structs.replace(flow, graph=msgspec.structs.replace(flow.graph, nodes=moved))
    assert encode(compile_flow(other, NODE_TYPES)) == encode(compile_flow(flow, NODE_TYPES))


@pytest.mark.parametrize(
    ("drop", "message"), [(1, "The flow has 1 problem"), (2, "The flow has 2 problems")]
)
def test_a_flow_with_problems_is_refused_with_all_of_them(drop: int, message: str) -> None:
    flow, _ = read(FIXTURES / "mfa_login.yaml")
    edges = flow.graph.edges + tuple(Edge("ghost", "success") for _ in range(drop))
    broken = msgspec.structs.replace(flow, graph=msgspec.structs.replace(flow.graph, edges=edges))
    with pytest.raises(Invalid) as refused:
        compile_flow(broken, NODE_TYPES)
    assert refused.value.message == message
    assert {problem.code for problem in refused.value.problems} == {"invalid_edge"}
