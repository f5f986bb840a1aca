"""What holds of any valid flow, whoever walks it."""

from __future__ import annotations

import contextlib
from collections.abc import Callable

import msgspec
import pytest
import yaml
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from libs.common.flow.compile import compile_flow
from libs.common.flow.interpreter import LONGEST, advance
from libs.common.flow.model import Flow, FlowType, Graph, Library, Settings
from libs.common.flow.plan import encode, load, name_of
from libs.common.flow.questions import SignedIn
from libs.common.flow.rules import validate
from libs.common.flow.turn import Over, Stay, Submission
from libs.common.nodes.catalogue import NODE_TYPES
from tests.flows.cases import ALL, Case, flows, play, world_of
from tests.flows.sketch import Sketch
from tests.walks import Walk, program
from tests.worlds import NOW

# A flow is much to make, and hypothesis measures how long that takes.
any_flow = settings(max_examples=50)


@st.composite
def with_every_part(draw: st.DrawFn) -> Graph:
    sketch = Sketch(draw, FlowType.REGISTRATION, ALL.parts, ["inner"])
    then = sketch.node("success")
    for part in (*ALL.parts, *ALL.signs_in):
        then = part(sketch, then, 1)
    return sketch.flow("main", ALL.signs_in, Settings()).graph


def test_there_are_nodes_of_every_type_among_them() -> None:
    drawn: set[str] = set()

    @settings(max_examples=20, derandomize=True, database=None, phases=[Phase.generate])
    @given(with_every_part())
    def draw(graph: Graph) -> None:
        drawn.update(node.type for node in graph.nodes)

    draw()
    assert drawn == set(NODE_TYPES)


def plan_of(flow: Flow, library: Library) -> bytes:
    return encode(compile_flow(flow, NODE_TYPES, library))


@any_flow
@given(flows())
def test_it_is_valid_and_so_is_all_that_it_may_run(case: Case) -> None:
    for each in (case.flow, *case.library.flows.values(), *case.library.triggers):
        assert validate(each, NODE_TYPES, case.library).errors == ()


@any_flow
@given(flows())
def test_its_plan_has_the_same_bytes_each_time_and_they_load(case: Case) -> None:
    data = plan_of(case.flow, case.library)
    assert plan_of(case.flow, case.library) == data
    load(data, NODE_TYPES, expecting=name_of(data))


@any_flow
@given(flows())
def test_it_ends_or_waits_within_the_bound_and_goes_the_same_way_again(case: Case) -> None:
    played = play(case)
    for turn in played.turns:
        assert 1 <= len(turn.path) <= LONGEST
        assert isinstance(turn.shown, Over if turn.session.over else Stay)
    assert [turn.session.revision for turn in played.turns] == list(range(1, len(played.turns) + 1))
    assert play(case) == played


@any_flow
@given(flows())
def test_nobody_is_signed_in_who_has_proved_nothing(case: Case) -> None:
    last = play(case).turns[-1]
    signed_in = isinstance(last.shown, Over) and last.shown.sign_in
    told = [type(effect) for effect in last.effects]
    assert told.count(SignedIn) == signed_in
    if signed_in:
        assert last.session.facts.proved or last.session.facts.created


@any_flow
@given(flows())
def test_every_flow_that_is_entered_is_left_again_and_triggers_run_before_the_end(
    case: Case,
) -> None:
    played = play(case)
    last = played.turns[-1].session
    if last.over and isinstance(played.turns[-1].shown, Over) and played.turns[-1].shown.succeeded:
        entered = sum(each.type == "subflow" and each.outcome is None for each in played.path)
        left = sum(
            each.outcome in ("success", "failure") for each in played.path if each.type == "subflow"
        )
        assert entered == left
        assert played.path[-1].type == "success"
        assert "/" not in played.path[-1].node
    assert not last.stack or not last.over


WRITTEN: dict[str, tuple[Callable[[object], str | bytes], Callable[[str | bytes], object]]] = {
    "json": (msgspec.json.encode, msgspec.json.decode),
    "yaml": (yaml.safe_dump, yaml.safe_load),
}


def again(flow: Flow, form: str) -> Flow:
    """What comes of a flow that is written down in `form` and read again."""
    write, read = WRITTEN[form]
    graph = msgspec.convert(read(write(msgspec.to_builtins(flow.graph))), Graph)
    said = msgspec.convert(read(write(msgspec.to_builtins(flow.settings))), Settings)
    return replace(flow, graph=graph, settings=said)


@pytest.mark.parametrize("form", list(WRITTEN))
@any_flow
@given(flows())
def test_written_down_and_read_again_it_has_the_same_plan(form: str, case: Case) -> None:
    library = case.library
    copied = replace(
        library,
        flows={slug: again(each, form) for slug, each in library.flows.items()},
        triggers=tuple(again(each, form) for each in library.triggers),
    )
    assert plan_of(again(case.flow, form), copied) == plan_of(case.flow, library)


@any_flow
@given(flows())
def test_a_turn_that_dies_at_its_first_question_is_made_again_the_same(case: Case) -> None:
    played = play(case)
    made = program(case.flow, case.library)
    walk = Walk(made, world_of(case.visitor))
    for sent, turn in zip(played.inputs, played.turns[1:], strict=True):
        died = advance(made, walk.stored(), Submission("", sent), NOW)
        with contextlib.suppress(StopIteration):
            next(died)
        died.close()
        assert walk.sends(**sent) == turn
