"""Random flows that are valid, each with what its tenant has beside it and somebody to walk it.

    @given(flows())
    def test_something(case: Case) -> None:
        played = play(case)

`flows()` makes a `Case`:

- `case.flow` is of a type that a client can start, and `validate(case.flow, NODE_TYPES,
  case.library)` finds no error in it. It has nodes of every type there is, goes round in circles
  that wait, and any of its nodes may have policies.
- `case.library` holds the flows that it may call, and triggers. Each is valid by itself, so all of
  them can be saved and activated for real: `flows` in the order of the library, then `triggers` in
  theirs.
- `case.visitor` is who walks it: whether they have an account (`ACCOUNT`, `EMAIL`, `PASSWORD`, in
  `visitor.users()`), and what they send. The session ends, or their patience does.

`plain_flows()` makes such as need no mail, no provider and nothing that a tenant has registered:
they can be run by real servers that have none of it.

`play(case)` walks one with no server, and tells what was sent, at each step, and what was passed.
Somebody who plays the same against real servers makes the accounts of `visitor.users()`, asks
`visitor.sends(turn, names)` for what is sent in answer to a view with inputs of these `names`,
and puts the code that the authenticator shows in place of `CODE`.
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec
from hypothesis import strategies as st

from libs.common.flow.model import (
    Flow,
    FlowType,
    Json,
    Library,
    Policy,
    Settings,
    Trigger,
    TriggerPoint,
)
from libs.common.flow.turn import Passed, Turn
from tests.flows import outside, plain, proofs
from tests.flows.sketch import MODES, Part, Sketch
from tests.flows.visitor import ANY, PLAIN, Visitor
from tests.walks import Walk, program
from tests.worlds import World

TYPES = (
    FlowType.LOGIN,
    FlowType.REGISTRATION,
    FlowType.PASSWORD_RESET,
    FlowType.MFA_SETUP,
)
POINTS = tuple(point for point in TriggerPoint if point is not TriggerPoint.SEND_PHONE_MESSAGE)


class Case(msgspec.Struct, frozen=True):
    """A flow that is valid, what its tenant has beside it, and who walks it."""

    flow: Flow
    library: Library
    visitor: Visitor


class Played(msgspec.Struct, frozen=True):
    """A walk through a flow."""

    turns: tuple[Turn, ...]
    """The first is what starting the flow answered."""
    inputs: tuple[Mapping[str, Json], ...]
    """What was sent, submit by submit: one less than there are turns."""

    @property
    def path(self) -> tuple[Passed, ...]:
        """All nodes that were passed, in order."""
        return tuple(passed for turn in self.turns for passed in turn.path)


def play(case: Case) -> Played:
    """Walk the flow of `case` until it ends or the visitor has nothing more to send."""
    walk = Walk(program(case.flow, case.library), world_of(case.visitor))
    turns = [walk.turn]
    inputs: list[Mapping[str, Json]] = []
    while not walk.turn.session.over and len(inputs) < len(case.visitor.luck):
        inputs.append(case.visitor.sends(len(inputs), walk.asked()))
        turns.append(walk.sends(**inputs[-1]))
    return Played(tuple(turns), tuple(inputs))


def world_of(visitor: Visitor) -> World:
    """Make the world that a visitor comes to."""
    world = World(**visitor.users())
    world.reached = visitor.told
    return world


class Kinds(msgspec.Struct, frozen=True):
    """What flows are drawn from."""

    parts: tuple[Part, ...]
    signs_in: tuple[Part, ...]
    visitors: st.SearchStrategy[Visitor]


PLAINLY = Kinds(plain.PARTS, plain.SIGNS_IN, PLAIN)
ALL = Kinds((*plain.PARTS, *proofs.PARTS, *outside.PARTS), (*plain.SIGNS_IN, *proofs.SIGNS_IN), ANY)


def flows() -> st.SearchStrategy[Case]:
    """Make cases; the docstring of the module says what may be relied on."""
    return _cases(ALL)


def plain_flows() -> st.SearchStrategy[Case]:
    """Make cases that real servers can run by themselves."""
    return _cases(PLAINLY)


_SETTINGS = st.builds(
    Settings,
    policies=st.sampled_from(((), (Policy("true"), Policy("flow.type === 'none'", negate=True)))),
    policy_engine_mode=MODES,
)
"""Everybody may run the flow: who may is another matter than where it leads them."""


@st.composite
def _cases(draw: st.DrawFn, kinds: Kinds) -> Case:
    begins = (*kinds.signs_in, plain.signs_up)
    callable_flows: list[Flow] = []
    changing: set[str] = set()
    for index in range(draw(st.integers(0, 3))):
        kind = draw(st.sampled_from(TYPES[1:]))
        slugs = [each.name for each in callable_flows]
        sketch = Sketch(draw, kind, kinds.parts, slugs, changing)
        made = sketch.flow(f"inner-{index}", begins, Settings())
        if sketch.changes_who:
            changing.add(made.name)
        callable_flows.append(made)
    quiet = [each.name for each in callable_flows if each.name not in changing]
    triggers = []
    for index in range(draw(st.integers(0, 3))):
        settings = Settings(trigger=Trigger(draw(st.sampled_from(POINTS))))
        sketch = Sketch(draw, FlowType.TRIGGER, kinds.parts, quiet, changing)
        triggers.append(sketch.flow(f"hook-{index}", (), settings))
    kind = draw(st.sampled_from((FlowType.LOGIN, *TYPES)))
    # A login that names somebody else after the proof, or nobody, would sign in nobody.
    slugs = quiet if kind is FlowType.LOGIN else [each.name for each in callable_flows]
    made = Sketch(draw, kind, kinds.parts, slugs, changing).flow("main", begins, draw(_SETTINGS))
    library = Library({each.name: each for each in callable_flows}, tuple(triggers))
    return Case(made, library, draw(kinds.visitors))
