"""The proofs, against what somebody finds who walks all short paths one by one, or really runs."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from libs.common.flow.model import Edge, Flow, FlowType, Graph, Invariant, Json, Node, Policy
from libs.common.flow.proof import factors_of
from libs.common.flow.rules import validate
from libs.common.flow.rules.invariants_hold import invariants_hold
from libs.common.flow.rules.links import survey
from libs.common.nodes.catalogue import NODE_TYPES
from tests.walks import Walk, flow, library, node, program
from tests.worlds import CODE, PASSWORD, World
from tools.cases import FIXTURES, flow_of, library_of

LONGEST = 6
"""Nodes of the paths that are walked one by one."""

ADMIN, NIGHT = "user.role === 'admin'", "request.time > 5"
WHENS = (ADMIN, NIGHT, None)
CONDITIONS: Mapping[tuple[str, str], Mapping[str | None, bool]] = {
    (ADMIN, "true"): {ADMIN: True},
    (ADMIN, "false"): {ADMIN: False},
    ("user.role !== 'admin'", "true"): {ADMIN: False},
    ("user.role !== 'admin'", "false"): {ADMIN: True},
    ("user.role === 'member'", "true"): {ADMIN: False},
    (f"{ADMIN} || user.vip", "false"): {ADMIN: False},
    (NIGHT, "true"): {NIGHT: True},
    (NIGHT, "false"): {NIGHT: False},
}
"""What a condition tells of another by the way that it is left; nothing by the other ways."""
OUTCOMES: Mapping[str, tuple[str, ...]] = {
    "start": ("success",),
    "who": ("success",),
    "password": ("success", "failure"),
    "mfa": ("success", "failure", "not_enrolled"),
    "gated": ("success", "failure", "not_enrolled", "skipped", "error"),
    "call": ("success", "failure"),
    "condition": ("true", "false", "error"),
}
TYPES = {
    "who": "identifier_input",
    "password": "password_input",
    "mfa": "mfa_verification",
    "gated": "mfa_verification",
}
GATE: Mapping[str, Any] = {
    "policies": (Policy(ADMIN),),
    "evaluate_on_plan": False,
    "re_evaluate_policies": True,
}
IN_A_HURRY = frozenset({"not_enrolled", "skipped", "error", "true", "false"})
"""Outcomes that need not wait: they lead on, or a circle of them would never end."""
WRONG = frozenset({"error", "failure", "not_enrolled"})

INNER = flow(
    "inner",
    "start > who > password > done",
    who=node("identifier_input"),
    password=node("password_input"),
)


@dataclass(frozen=True)
class State:
    """What is known along one path."""

    proved: frozenset[str] = frozenset()
    named: bool = False
    holds: bool | None = None


REQUIRES: Mapping[str, Callable[[State], bool]] = {
    "size(factors) >= 2": lambda state: len(factors_of(state.proved)) >= 2,
    '"pwd" in amr && identified': lambda state: "pwd" in state.proved and state.named,
    # More is not always better: only somebody who has proved little may do this.
    "size(amr) < 2": lambda state: len(state.proved) < 2,
    "!identified": lambda state: not state.named,
}


@dataclass(frozen=True)
class Maze:
    """A graph, in few words."""

    kinds: Mapping[str, str]
    texts: Mapping[str, str]
    to: Mapping[tuple[str, str], str]

    def flow(self) -> Flow:
        nodes = [self._node(name) for name in self.kinds]
        edges = [Edge(source, target, outcome) for (source, outcome), target in self.to.items()]
        graph = Graph(tuple(nodes), tuple(edges))
        # Of a type that nothing else is proved of.
        return Flow("flow_maze", 1, FlowType.ACCOUNT_RECOVERY, graph, name="maze")

    def _node(self, name: str) -> Node:
        match self.kinds[name]:
            case "condition":
                return Node(name, "condition", {"condition": self.texts[name]})
            case "call":
                return Node(name, "subflow", {"flow": "inner"})
            case kind:
                drawn = Node(name, TYPES.get(kind, kind))
                return drawn if kind != "gated" else replace(drawn, **GATE)

    def after(self, name: str, outcome: str, state: State, when: str | None) -> Iterator[State]:
        """What may be known once `name` is left by `outcome`; nothing where that cannot be."""
        match self.kinds[name], outcome:
            case "condition", _:
                told = CONDITIONS.get((self.texts[name], outcome), {}).get(when)
                yield from revealed(state, told)
            case "gated", "skipped":
                yield from revealed(state, False if when == ADMIN else None)
            case "gated", "error":
                yield state
            case "gated", _:
                for each in revealed(state, True if when == ADMIN else None):
                    yield guessed(each, "otp" if outcome == "success" else None, when)
            case "mfa", _:
                yield guessed(state, "otp" if outcome == "success" else None, when)
            case "password", _:
                yield guessed(state, "pwd" if outcome == "success" else None, when)
            case "who", _:
                # It may be the same as before, or another.
                yield State(frozenset(), named=True)
                yield State(state.proved, named=True)
            case "call", _:
                gained = frozenset({"pwd"} if outcome == "success" else ())
                yield State(gained, named=True)
                yield State(state.proved | gained, named=True)
            case _:
                yield state


def revealed(state: State, told: bool | None) -> Iterator[State]:
    if told is None:
        yield state
    elif state.holds in (None, told):
        yield State(state.proved, state.named, told)


def guessed(state: State, amr: str | None, when: str | None) -> State:
    """What is known once somebody was asked for a secret, and `amr` is proved if they knew it."""
    proved = state.proved | ({amr} if amr else frozenset())
    # Once something is proved, the user can be looked at; and asking takes another request.
    lost = (when == ADMIN and proved and not state.proved) or when == NIGHT
    return State(proved, state.named, None if lost else state.holds)


@st.composite
def mazes(draw: st.DrawFn) -> Maze:
    kinds = st.sampled_from(["who", "password", "mfa", "gated", "call", "condition", "condition"])
    inner = [f"n{number}" for number in range(draw(st.integers(1, 5)))]
    kind_of = {"start": "start", **{name: draw(kinds) for name in inner}}
    texts = {name: draw(st.sampled_from([text for text, _ in CONDITIONS])) for name in inner}
    order = [*inner, "success", "failure"]
    to: dict[tuple[str, str], str] = {}
    for name, kind in kind_of.items():
        following = order[order.index(name) + 1 :] if name in order else order
        for outcome in OUTCOMES[kind]:
            near = following if outcome in IN_A_HURRY else order
            # What goes wrong mostly fails, or hardly a condition would decide anything; the rest
            # mostly goes on to the next, or few paths would be long.
            likely = "failure" if outcome in WRONG else following[0]
            to[name, outcome] = draw(st.sampled_from((*near, *(likely for _ in near))))
    return Maze({**kind_of, "success": "success", "failure": "failure"}, texts, to)


def violating(
    maze: Maze, when: str | None, require: str, path: tuple[str, ...], states: list[State]
) -> Iterator[tuple[str, ...]]:
    """Each path that goes on from `path`, where `states` are known, and breaks the invariant."""
    name = path[-1]
    if name == "success" and any(breaks(state, require) for state in states):
        yield path
    if len(path) < LONGEST:
        for target in {to for (source, _), to in maze.to.items() if source == name}:
            after = reached(maze, when, name, target, states)
            yield from violating(maze, when, require, (*path, target), after)


def reached(
    maze: Maze, when: str | None, name: str, target: str, states: list[State]
) -> list[State]:
    return [
        after
        for (source, outcome), to in maze.to.items()
        if (source, to) == (name, target)
        for state in states
        for after in maze.after(name, outcome, state, when)
    ]


def breaks(state: State, require: str) -> bool:
    return state.holds is not False and not REQUIRES[require](state)


def found(maze: Maze, when: str | None, require: str) -> tuple[str, ...] | None:
    """What the rule says: the path that breaks the invariant, if any does."""
    demanded = Invariant("wanted", FlowType.ACCOUNT_RECOVERY, require, when)
    drawing = survey(maze.flow(), NODE_TYPES, library(INNER, invariants=(demanded,)))
    problems = list(invariants_hold(drawing))
    assert len(problems) < 2
    return problems[0].counter_example if problems else None


AT_START = [State(), State(named=True)]
"""Whoever begins may have brought an assertion."""


@pytest.mark.parametrize("when", WHENS)
@settings(max_examples=250)
@given(mazes())
def test_a_path_is_found_where_there_is_one_and_it_is_the_shortest(
    when: str | None, maze: Maze
) -> None:
    for require in REQUIRES:
        example = found(maze, when, require)
        lengths = {len(path) for path in violating(maze, when, require, ("start",), AT_START)}
        if example is None:
            assert not lengths
            continue
        assert (example[0], example[-1]) == ("start", "success")
        if lengths or len(example) <= LONGEST:
            assert len(example) == min(lengths)
        states = AT_START
        for name, target in pairwise(example):
            states = reached(maze, when, name, target, states)
        assert any(breaks(state, require) for state in states)


def test_the_path_that_is_shown_can_be_walked_and_ends_as_failed() -> None:
    case = yaml.safe_load((FIXTURES / "invariants_hold/a_case_without_mfa.yaml").read_text())
    written, beside = flow_of(case), library_of(case)
    (problem,) = validate(written, NODE_TYPES, beside).errors
    user = {"role": "admin", "mfa_enabled": False, "department": "it"}
    # It was active before the tenant demanded that.
    walk = Walk(program(written, beside, running=True), World(ada=user))
    walk.sends(email="ada@example.com")
    turn = walk.sends(password=PASSWORD)
    assert problem.counter_example == ("start", "who", *(passed.node for passed in turn.path))
    assert (turn.broken, walk.succeeded) == (("admins-mfa",), False)


USERS: Mapping[str, Mapping[str, Json]] = {
    "ada": {"role": "admin", "mfa_methods": ["totp"]},
    "ann": {"role": "admin", "vip": True},
    "max": {"role": "member", "mfa_methods": ["totp"]},
    "mia": {"role": "member", "vip": False},
    "nat": {"vip": False},
}
SENT = st.fixed_dictionaries(
    {
        "email": st.sampled_from([f"{name}@example.com" for name in (*USERS, "nobody")]),
        "password": st.sampled_from([PASSWORD, PASSWORD, "wrong"]),
        "code": st.sampled_from([CODE, CODE, "654321"]),
    }
)


@settings(
    max_examples=100,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)
@given(mazes(), st.sampled_from(list(REQUIRES)), st.lists(SENT, min_size=8, max_size=8))
def test_no_run_of_a_flow_that_is_proved_right_breaks_it(
    maze: Maze, require: str, inputs: list[dict[str, str]]
) -> None:
    demanded = Invariant("wanted", FlowType.ACCOUNT_RECOVERY, require, ADMIN)
    beside = library(INNER, invariants=(demanded,))
    assume(validate(maze.flow(), NODE_TYPES, beside).valid)
    walk = Walk(program(maze.flow(), beside), World(**USERS))
    for sent in inputs:
        if walk.succeeded is None:
            walk.sends(**sent)
    assert walk.turn.broken == ()
    if walk.succeeded:
        facts = walk.turn.session.facts
        role = USERS.get(facts.account or "", {}).get("role") if facts.owned else None
        state = State(frozenset(facts.proved), facts.identifier is not None)
        assert role == "member" or REQUIRES[require](state)
