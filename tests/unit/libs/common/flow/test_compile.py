"""The compiler, by its fixtures: a flow and the steps of its plan."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml
from msgspec.structs import replace

from libs.common.errors import Invalid
from libs.common.flow.compile import compile_flow, violations
from libs.common.flow.model import (
    ALONE,
    Edge,
    Flow,
    FlowType,
    Invariant,
    Library,
    Policy,
    Position,
    Settings,
    TriggerPoint,
)
from libs.common.flow.plan import FORMAT, Plan, Step, encode, load, name_of
from libs.common.nodes.catalogue import NODE_TYPES
from tests.walks import asks, calls, checks, flow, library, node, sets, trigger, when
from tools.cases import flow_of, library_of

FIXTURES = Path(__file__).parents[4] / "fixtures" / "compile"
CASES = sorted(FIXTURES.glob("*.yaml"))


def read(case: Path) -> tuple[Flow, Library, Mapping[str, Any]]:
    written = yaml.safe_load(case.read_text())
    return flow_of(written), library_of(written), written


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.stem)
def test_a_flow_becomes_the_plan_that_its_fixture_names(case: Path) -> None:
    written, beside, wanted = read(case)
    plan = compile_flow(written, NODE_TYPES, beside)
    assert [shown(step) for step in plan.steps] == wanted["steps"]
    assert (plan.flow, plan.version, plan.type, plan.start) == ("flow_case", 1, written.type, 0)
    units = [{"flow": each.flow, "start": each.start} for each in plan.units]
    assert units == wanted.get("units", [])
    assert plan.triggers == {
        TriggerPoint(point): tuple(some) for point, some in wanted.get("triggers", {}).items()
    }
    assert [demand.name for demand in plan.demands] == wanted.get("demands", [])


def shown(step: Step) -> dict[str, Any]:
    """A step as a fixture writes it."""
    said: dict[str, Any] = {"id": step.id, "type": step.type, "to": step.to}
    if step.calls is not None:
        said["calls"] = step.calls
    if step.gate is not None:
        said["gate"] = [step.gate.mode, step.gate.on_plan, step.gate.on_run]
    return said


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.stem)
def test_compiling_again_makes_the_same_bytes_and_they_load(case: Path) -> None:
    written, beside, wanted = read(case)
    data = encode(compile_flow(written, NODE_TYPES, beside))
    assert encode(compile_flow(written, NODE_TYPES, shuffled(beside))) == data
    program = load(data, NODE_TYPES, expecting=name_of(data))
    assert [step.id for step in program.steps] == [step["id"] for step in wanted["steps"]]


def shuffled(beside: Library) -> Library:
    """The same, told in another order; that of the triggers means something."""
    return replace(beside, flows=dict(reversed(list(beside.flows.items()))))


def test_moving_a_node_on_the_canvas_changes_nothing() -> None:
    written, _, _ = read(FIXTURES / "mfa_login.yaml")
    moved = tuple(
        replace(node, position=Position(7, 7.5), label="Elsewhere") for node in written.graph.nodes
    )
    other = replace(written, graph=replace(written.graph, nodes=moved))
    assert encode(compile_flow(other, NODE_TYPES)) == encode(compile_flow(written, NODE_TYPES))


@pytest.mark.parametrize(
    ("drop", "message"), [(1, "The flow has 1 problem"), (2, "The flow has 2 problems")]
)
def test_a_flow_with_problems_is_refused_with_all_of_them(drop: int, message: str) -> None:
    written, _, _ = read(FIXTURES / "mfa_login.yaml")
    edges = written.graph.edges + tuple(Edge("ghost", "success") for _ in range(drop))
    broken = replace(written, graph=replace(written.graph, edges=edges))
    with pytest.raises(Invalid) as refused:
        compile_flow(broken, NODE_TYPES)
    assert refused.value.message == message
    assert {problem.code for problem in refused.value.problems} == {"invalid_edge"}


INNER = flow("inner", "start > ask > done", ask=asks("name"))
HOOK = trigger("hook", TriggerPoint.PRE_USER_REGISTRATION, "start > note > done", note=sets("hook"))
OUTER = flow("case", "start > call > write > done", call=calls("inner"), write=node("user_write"))
MINE = library(INNER, HOOK)


def data_of(written: Flow = OUTER, beside: Library = MINE) -> bytes:
    return encode(compile_flow(written, NODE_TYPES, beside))


def test_what_the_flow_does_not_run_is_not_in_its_plan() -> None:
    others = library(
        INNER,
        HOOK,
        flow("other", "start > call > done", call=calls("inner")),
        trigger("login", TriggerPoint.POST_LOGIN, "start > call > done", call=calls("other")),
        trigger("sms", TriggerPoint.SEND_PHONE_MESSAGE, "start > done"),
        invariants=(Invariant("others", FlowType.LOGIN, "size(factors) > 1"),),
    )
    assert data_of(OUTER, others) == data_of()


def test_what_the_flow_does_run_is_part_of_the_name_of_its_plan() -> None:
    second = trigger("second", TriggerPoint.PRE_USER_REGISTRATION, "start > done")
    libraries = (
        MINE,
        library(replace(INNER, version=2), HOOK),
        library(flow("inner", "start > ask > done", ask=asks("nick")), HOOK),
        library(INNER, replace(HOOK, version=2)),
        library(INNER, HOOK, second),
        library(INNER, second, HOOK),
        library(INNER),
        library(INNER, HOOK, invariants=(Invariant("x", FlowType.REGISTRATION, "identified"),)),
    )
    assert len({data_of(OUTER, beside) for beside in libraries}) == len(libraries)


def test_what_a_flow_says_of_who_may_run_it_is_in_its_plan() -> None:
    who = Settings(
        policies=(Policy("true"), Policy("user.vip", negate=True)),
        policy_engine_mode="all",
        denied_action="message",
        authentication="require_superuser",
    )
    plan = compile_flow(replace(OUTER, settings=who), NODE_TYPES, MINE)
    assert (plan.denied_action, plan.authentication) == ("message", "require_superuser")
    assert plan.gate is not None
    assert [check.negate for check in plan.gate.checks] == [False, True]
    assert (plan.gate.mode, plan.gate.on_plan, plan.gate.on_run) == ("all", False, False)
    data = encode(plan)
    program = load(data, NODE_TYPES, expecting=name_of(data))
    assert (program.gate, program.denied_action, program.authentication) == (
        plan.gate,
        "message",
        "require_superuser",
    )


def problems(written: Flow, beside: Library = ALONE) -> list[tuple[str, str | None]]:
    with pytest.raises(Invalid) as refused:
        compile_flow(written, NODE_TYPES, beside)
    return [(each.code, each.node_id) for each in refused.value.problems]


def calling(name: str, *slugs: str) -> Flow:
    nodes: dict[str, Any] = {f"to_{slug}": calls(slug) for slug in slugs}
    return flow(name, " > ".join(("start", *nodes, "done")), **nodes)


def test_a_flow_cannot_run_inside_itself_however_far_round_it_goes() -> None:
    assert problems(calling("a", "a")) == [("recursive_subflow", "to_a")]
    assert problems(calling("a", "b"), library(calling("b", "a"))) == [("recursive_subflow", None)]
    # What is active now is another version, and calls nothing.
    active = library(flow("a", "start > done"), calling("b", "c"), calling("c", "a"))
    assert problems(calling("a", "b"), active) == [("recursive_subflow", None)]
    round_by_two = library(calling("b", "c"), calling("c", "b"))
    assert problems(calling("a", "b", "c"), round_by_two) == [("recursive_subflow", None)]


def test_a_trigger_cannot_run_inside_itself() -> None:
    point = TriggerPoint.PRE_USER_REGISTRATION
    itself = trigger("hook", point, "start > call > done", call=calls("hook"))
    assert problems(OUTER, library(INNER, itself)) == [("recursive_subflow", None)]
    through = trigger("hook", point, "start > call > done", call=calls("b"))
    beside = library(INNER, through, calling("b", "hook"))
    assert problems(OUTER, beside) == [("recursive_subflow", None)]


def test_a_flow_that_is_not_active_cannot_be_called_from_anywhere() -> None:
    assert problems(calling("a", "gone")) == [("unknown_subflow", "to_gone")]
    assert problems(calling("a", "b"), library(calling("b", "gone"))) == [("unknown_subflow", None)]
    hook = trigger(
        "hook", TriggerPoint.PRE_USER_REGISTRATION, "start > call > done", call=calls("gone")
    )
    assert problems(OUTER, library(INNER, hook)) == [("unknown_subflow", None)]


@pytest.mark.parametrize(
    "inner",
    [
        flow("inner", "begin > done", begin=sets("a")),
        flow("inner", "start > odd > done", odd=node("time_travel")),
        flow("inner", "start > odd > done", odd=node("prompt", fields=[])),
        flow("inner", "start > odd > done", odd=sets("a", "1 +")),
        flow("inner", "start > odd", "odd:true > done", odd=checks("true")),
        flow("inner", "start > odd > done", odd=when(sets("a"), "1 +")),
        flow("inner", "start > odd > done", odd=when(sets("a"), "true", at_start=False)),
        flow(
            "inner",
            "start > odd",
            "odd:true > done",
            "odd:false > done",
            odd=when(checks("true"), "true"),
        ),
    ],
)
def test_what_is_not_valid_is_not_run_inside(inner: Flow) -> None:
    assert problems(calling("a", "inner"), library(inner)) == [("invalid_subflow", None)]


def test_two_nodes_that_a_plan_would_call_the_same_are_told_apart() -> None:
    # Wrong guesses are counted by that name.
    alike: dict[str, Any] = {"inner/ask": asks("x")}
    made = flow("case", "start > inner/ask > call > done", call=calls("inner"), **alike)
    assert problems(made, MINE) == [("duplicate_node_id", "inner/ask")]
    compile_flow(made, NODE_TYPES, library(flow("inner", "start > done")))


def test_a_version_that_runs_already_is_not_taken_away_by_a_new_demand() -> None:
    strict = replace(MINE, invariants=(Invariant("x", FlowType.REGISTRATION, "consented"),))
    plan = compile_flow(OUTER, NODE_TYPES, strict, running=True)
    assert [demand.name for demand in plan.demands] == ["x"]
    with pytest.raises(Invalid):
        compile_flow(calling("a", "gone"), NODE_TYPES, strict, running=True)


def test_a_flow_can_be_asked_for_what_it_breaks_and_says_nothing_else() -> None:
    assert violations(calling("a", "gone"), NODE_TYPES, MINE) == ()


def test_a_node_whose_default_outcome_leads_nowhere_cannot_be_left_out_either() -> None:
    made = flow("case", "start > a", "a:error > done", a=when(sets("a"), "true"))
    assert ("missing_edge", "a") in problems(made)


def test_a_flow_alone_makes_a_plan_that_has_nothing_else() -> None:
    plan = compile_flow(flow("case", "start > done"), NODE_TYPES)
    assert plan == Plan(FORMAT, "flow_case", 1, FlowType.REGISTRATION, 0, plan.steps)
