"""Steps and graphs, each made of the other."""

from __future__ import annotations

from collections.abc import Callable

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from libs.common.errors import EdgeRef, Invalid, Problem
from libs.common.flow.model import (
    Edge,
    Flow,
    FlowType,
    Graph,
    Json,
    Node,
    Policy,
    Position,
    Settings,
    Trigger,
    TriggerPoint,
)
from libs.common.flow.node import FAILURE, START, SUCCESS
from libs.common.flow.rules import validate
from libs.common.nodes.catalogue import NODE_TYPES as CATALOGUE
from services.management.steps import (
    NODE_TYPES,
    Step,
    StepType,
    Unsayable,
    graph_of,
    in_steps,
    steps_of,
)

some = settings(max_examples=60)

IDS = st.text("abcdehlnort_123", min_size=1, max_size=5) | st.sampled_from(
    ["start", "success", "failure", "end", "halt"]
)
VALUES = st.sampled_from([None, True, 1, 0.5, "", "end", [1, "a"], {"on_x": ["end"]}])
FIELDS = st.dictionaries(
    st.text("abc_on", min_size=1, max_size=4).filter(lambda name: not name.startswith("on_")),
    VALUES,
    max_size=3,
)


@st.composite
def chains(draw: st.DrawFn) -> tuple[Step, ...]:
    """Steps as they are shown: with everything said that is not the default, and nothing else."""
    ids = draw(st.lists(IDS, unique=True, max_size=6))
    steps = []
    for place, id in enumerate(ids):
        type: StepType = draw(st.sampled_from(sorted(NODE_TYPES)))
        options: dict[str, Json] = draw(FIELDS)
        onward = "success"
        if type == "condition":
            onward = "true"
            options |= draw(st.fixed_dictionaries({"expression": st.text(max_size=9)}))
        outcomes = st.sampled_from(["failure", "error", "false", "skipped", ""])
        later = [each for each in ids[place + 1 :] if each not in ("end", "halt")]
        targets = st.sampled_from(["end", "halt", *later])
        for outcome, target in draw(st.dictionaries(outcomes, targets, max_size=3)).items():
            if outcome != onward and (type, outcome, target) != ("condition", "false", "end"):
                options[f"on_{outcome}"] = target
        steps.append(Step(id, type, options))
    return tuple(steps)


@st.composite
def written_elsewhere(draw: st.DrawFn) -> Graph:
    """A graph that steps can say, with all that other faces may write on it, in any order."""
    graph = graph_of(draw(chains()))
    nodes = [draw(annotated(node)) for node in graph.nodes]
    edges = [
        replace(edge, condition="success")
        if edge.condition is None and draw(st.booleans())
        else edge
        for edge in graph.edges
    ]
    return Graph(tuple(draw(st.permutations(nodes))), tuple(draw(st.permutations(edges))))


@st.composite
def annotated(draw: st.DrawFn, node: Node) -> Node:
    return replace(
        node,
        position=draw(st.none() | st.builds(Position, st.integers(), st.integers())),
        label=draw(st.none() | st.text(min_size=1, max_size=9)),
        policies=tuple(draw(st.lists(st.builds(Policy, st.text(max_size=9)), max_size=2))),
        policy_engine_mode=draw(st.sampled_from(["any", "all"])),
        evaluate_on_plan=draw(st.booleans()),
        re_evaluate_policies=draw(st.booleans()),
    )


def said(graph: Graph) -> tuple[Step, ...]:
    steps = steps_of(graph)
    assert not isinstance(steps, Unsayable), steps
    return steps


@some
@given(chains())
def test_steps_drawn_as_a_graph_are_said_as_they_were(steps: tuple[Step, ...]) -> None:
    assert said(graph_of(steps)) == steps


@some
@given(written_elsewhere())
def test_steps_written_back_change_not_a_byte(graph: Graph) -> None:
    again = graph_of(said(graph), graph)
    assert msgspec.json.encode(again) == msgspec.json.encode(graph)


@some
@given(written_elsewhere(), chains(), st.data())
def test_nodes_that_stay_keep_what_steps_have_no_words_for(
    graph: Graph, others: tuple[Step, ...], data: st.DataObject
) -> None:
    old = said(graph)
    kept = {step.id for step in old if data.draw(st.booleans())}
    added = [step for step in others if step.id not in kept]
    stays = [replace(step, options=plain(step)) for step in old if step.id in kept]
    steps = tuple(data.draw(st.permutations([*stays, *(replace(s, options={}) for s in added)])))
    after = graph_of(steps, graph)
    assert [step.id for step in said(after)] == [step.id for step in steps]
    now, before = by_id(after), by_id(graph)
    for step in stays:
        assert now[step.id] == before[step.id]
    for kind in (START, SUCCESS, FAILURE):
        was = [node for node in graph.nodes if node.type == kind]
        if was and was[0].id not in {step.id for step in steps}:
            assert was[0] in after.nodes


def plain(step: Step) -> dict[str, Json]:
    return {name: value for name, value in step.options.items() if not name.startswith("on_")}


def by_id(graph: Graph) -> dict[str, Node]:
    return {node.id: node for node in graph.nodes}


def test_the_page_s_steps_are_a_chain_whose_condition_skips_to_the_end() -> None:
    graph = graph_of(
        (
            Step("step_1", "condition", {"expression": "user.email_verified === false"}),
            Step("step_2", "action", {"action_id": "action_123"}),
        )
    )
    assert graph == Graph(
        (
            Node("start", "start"),
            Node("step_1", "condition", {"condition": "user.email_verified === false"}),
            Node("step_2", "action", {"action": "action_123"}),
            Node("success", "success"),
        ),
        (
            Edge("start", "step_1"),
            Edge("step_1", "step_2", "true"),
            Edge("step_1", "success", "false"),
            Edge("step_2", "success"),
        ),
    )


def test_options_say_where_every_other_outcome_leads() -> None:
    graph = graph_of(
        (
            Step("a", "condition", {"expression": "true", "on_false": "c", "on_error": "halt"}),
            Step("b", "mfa", {"on_failure": "c", "on_not_enrolled": "end"}),
            Step("c", "email"),
        )
    )
    assert set(graph.edges) == {
        Edge("start", "a"),
        Edge("a", "b", "true"),
        Edge("a", "c", "false"),
        Edge("a", "failure", "error"),
        Edge("b", "c"),
        Edge("b", "c", "failure"),
        Edge("b", "success", "not_enrolled"),
        Edge("c", "success"),
    }
    assert Node("failure", "failure") in graph.nodes


def test_a_drawn_failure_stays_though_no_step_leads_to_it() -> None:
    told = Node("sorry", "failure", {"message": "Sorry"})
    was = Graph((*graph_of(()).nodes, told), graph_of(()).edges)
    assert told in graph_of((Step("a", "mfa"),), was).nodes


def test_what_is_left_out_goes_with_all_its_edges() -> None:
    was = graph_of((Step("a", "condition", {"expression": "true"}), Step("b", "mfa")))
    after = graph_of((Step("b", "mfa"),), was)
    assert [node.id for node in after.nodes] == ["start", "b", "success"]
    assert after.edges == (Edge("b", "success"), Edge("start", "b"))


def test_a_step_may_be_called_like_an_end() -> None:
    graph = graph_of((Step("start", "mfa"), Step("success", "sms"), Step("failure", "email")))
    assert [(node.id, node.type) for node in graph.nodes] == [
        ("start_2", "start"),
        ("start", "mfa_verification"),
        ("success", "send_sms"),
        ("failure", "send_email"),
        ("success_2", "success"),
    ]


def test_a_step_that_is_now_of_another_type_keeps_its_place_and_its_policies() -> None:
    policies = (Policy("user.admin"),)
    old = Node("a", "prompt", {"fields": []}, Position(1, 2), "Ask", policies)
    graph = graph_of((Step("a", "mfa"),), Graph((old,)))
    assert graph.nodes[0] == Node("a", "mfa_verification", {}, Position(1, 2), "Ask", policies)


def test_of_two_nodes_with_one_id_the_first_stays() -> None:
    was = Graph((Node("a", "prompt", label="first"), Node("a", "start"), Node("a", "mfa")))
    graph = graph_of((Step("b", "mfa"),), was)
    assert [node.id for node in graph.nodes] == ["start", "b", "success"]
    assert graph_of((Step("a", "mfa"),), was).nodes[0].label == "first"


@pytest.mark.parametrize(
    ("steps", "code", "path"),
    [
        ((Step("a", "mfa"), Step("a", "sms")), "duplicate_node_id", "steps[0].id"),
        (
            (Step("a", "condition", {"condition": "true"}),),
            "unknown_field",
            "steps[0].options.condition",
        ),
        (
            (Step("a", "condition", {"expression": "true", "on_true": "end"}),),
            "unknown_field",
            "steps[0].options.on_true",
        ),
        (
            (Step("a", "mfa", {"on_success": "end"}),),
            "unknown_field",
            "steps[0].options.on_success",
        ),
        ((Step("a", "mfa", {"on_failure": "b"}),), "invalid_edge", "steps[0].options.on_failure"),
        ((Step("a", "mfa", {"on_failure": "a"}),), "invalid_edge", "steps[0].options.on_failure"),
        ((Step("a", "mfa", {"on_failure": 1}),), "invalid_edge", "steps[0].options.on_failure"),
        (
            (Step("a", "mfa"), Step("b", "mfa", {"on_failure": "a"})),
            "invalid_edge",
            "steps[1].options.on_failure",
        ),
    ],
)
def test_steps_that_make_no_graph_are_refused_where_they_are_wrong(
    steps: tuple[Step, ...], code: str, path: str
) -> None:
    with pytest.raises(Invalid) as refused:
        graph_of(steps)
    assert [(problem.code, problem.path) for problem in refused.value.problems] == [(code, path)]


def test_everything_that_is_wrong_with_steps_is_told_at_once() -> None:
    with pytest.raises(Invalid) as refused:
        graph_of((Step("a", "mfa", {"on_x": 1, "on_y": 2}), Step("a", "sms")))
    assert len(refused.value.problems) == 3


Spoil = Callable[[Graph], Graph]


def adding(*added: Node | Edge) -> Spoil:
    nodes = tuple(each for each in added if isinstance(each, Node))
    edges = tuple(each for each in added if isinstance(each, Edge))
    return lambda graph: Graph((*graph.nodes, *nodes), (*graph.edges, *edges))


def without(*edges: Edge) -> Spoil:
    return lambda graph: replace(graph, edges=tuple(e for e in graph.edges if e not in edges))


def turned(id: str, **changed: Json) -> Spoil:
    return lambda graph: replace(
        graph,
        nodes=tuple(replace(n, **changed) if n.id == id else n for n in graph.nodes),
    )


@pytest.mark.parametrize(
    ("spoil", "reason", "node"),
    [
        (adding(Node("yes", "mfa_verification")), "several nodes have this id", "yes"),
        (adding(Node("again", "start")), "one start, and here are 2", "again"),
        (turned("success", type="failure"), "one success, and here are none", None),
        (
            adding(Node("sorry", "failure"), Node("no", "failure")),
            "several",
            "no",
        ),
        (adding(Edge("success", "yes")), "where this node leads", "success"),
        (adding(Edge("start", "yes", "skipped")), "where this node leads", "start"),
        (adding(Edge("nowhere", "yes")), "not there", "nowhere"),
        (adding(Edge("yes", "nowhere", "failure")), "to a node that is not there", "yes"),
        (adding(Edge("check", "yes")), "which of its outcomes", "check"),
        (adding(Edge("yes", "success", "success")), "several edges", "yes"),
        (turned("yes", type="prompt"), "no step is of the type 'prompt'", "yes"),
        (adding(Node("beside", "mfa_verification")), "beside the chain", "beside"),
        (without(Edge("yes", "success")), "'success' leads nowhere", "yes"),
        (without(Edge("check", "success", "false")), "'false' leads nowhere", "check"),
        (adding(Edge("yes", "check", "failure")), "where its outcome 'failure' leads", "yes"),
        (turned("yes", config={"on_call": "x"}), "its 'on_call' would mean", "yes"),
        (turned("check", config={"expression": "x"}), "its 'expression' would mean", "check"),
    ],
)
def test_a_graph_that_steps_cannot_say_is_told_with_the_reason_and_the_node(
    spoil: Spoil, reason: str, node: str | None
) -> None:
    sayable = graph_of((Step("check", "condition", {"expression": "true"}), Step("yes", "mfa")))
    unsayable = steps_of(spoil(sayable))
    assert isinstance(unsayable, Unsayable)
    assert reason in unsayable.reason
    assert unsayable.node_id == node


def test_a_chain_that_leads_back_is_no_steps() -> None:
    graph = graph_of((Step("a", "mfa"), Step("b", "sms")))
    circle = Graph(graph.nodes, (*graph.edges[:-1], Edge("b", "a")))
    assert steps_of(circle) == Unsayable("steps cannot lead back", "a")


def test_a_step_called_like_a_word_cannot_be_led_to_by_it() -> None:
    steps = (Step("a", "mfa"), Step("b", "sms"), Step("halt", "email"))
    graph = graph_of(steps)
    assert said(graph) == steps
    spoilt = steps_of(adding(Edge("a", "halt", "failure"))(graph))
    assert spoilt == Unsayable("steps cannot say where its outcome 'failure' leads", "a")


def test_types_that_are_in_the_catalogue_go_on_by_their_default_outcome() -> None:
    known = [CATALOGUE[kind] for kind in NODE_TYPES.values() if kind in CATALOGUE]
    assert {kind.name: kind.default for kind in known if kind.name != "condition"} == {
        kind.name: "success" for kind in known if kind.name != "condition"
    }
    assert CATALOGUE["condition"].default is None


def test_problems_of_the_graph_lead_into_the_steps() -> None:
    steps = (
        Step("a", "condition", {"expression": "user.", "on_error": "c", "more": 1}),
        Step("b", "mfa", {"on_sometimes": "end"}),
        Step("c", "condition", {"expression": "user."}),
        Step("d", "mfa", {"methods": ["pager"]}),
    )
    trigger = Settings(trigger=Trigger(TriggerPoint.POST_LOGIN))
    flow = Flow("flow_a", 1, FlowType.TRIGGER, graph_of(steps), trigger)
    found = {
        (problem.code, problem.path)
        for problem in (in_steps(each, steps) for each in validate(flow, CATALOGUE).errors)
    }
    assert found >= {
        ("invalid_config", "steps[0].options.more"),
        ("invalid_config", "steps[3].options.methods[0]"),
        ("unknown_outcome", "steps[1].options.on_sometimes"),
        ("invalid_expression", "steps[2].options.expression"),
    }


@pytest.mark.parametrize(
    ("problem", "path"),
    [
        (Problem("x", "", node_id="b", path="policies[0].expression"), "steps[0]"),
        (Problem("x", "", node_id="b", path="config"), "steps[0].options"),
        (Problem("x", "", edge=EdgeRef("b", "nowhere")), "steps[0]"),
        (Problem("x", "", node_id="start", path="config"), "config"),
        (Problem("x", ""), None),
    ],
)
def test_a_problem_that_steps_have_no_place_for_leads_as_near_as_it_can(
    problem: Problem, path: str | None
) -> None:
    assert in_steps(problem, (Step("b", "mfa"),)).path == path
