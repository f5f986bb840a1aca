"""Flows in a line or two, and a walk through them: compiled, and stored and read back each turn.

    inner = flow("inner", "start > name > done", name=asks("name"))
    outer = flow("outer", "start > call > done", "call:failure > sorry", call=calls("inner"))
    walk = Walk(program(outer, library(inner)))
    walk.sends(name="Sasha")

What is sent is answered by a world (`tests/worlds.py`), which says what is right.
"""

from __future__ import annotations

from collections.abc import Generator
from itertools import pairwise
from typing import Any, TypeVar

import msgspec

from libs.common.flow.compile import compile_flow
from libs.common.flow.interpreter import Watch, advance, begin
from libs.common.flow.model import (
    ALONE,
    Edge,
    Flow,
    FlowType,
    Graph,
    Invariant,
    Json,
    Library,
    Mode,
    Node,
    Policy,
    Settings,
    Trigger,
    TriggerPoint,
)
from libs.common.flow.plan import Program, encode, load, name_of
from libs.common.flow.turn import LINK, Facts, Question, Session, Stay, Submission, Turn
from libs.common.nodes.catalogue import NODE_TYPES
from tests.playbook import SESSION
from tests.worlds import CODE, NOW, World

R = TypeVar("R")

ALICE = "alice@example.com"
NO_SETTINGS = Settings()
NOTHING_KNOWN = Facts()

ENDS = {"start": "start", "done": "success", "failed": "failure"}
"""What a node is of which a test says no more than its name."""


def node(kind: str, /, **config: Json) -> Node:
    """Write a node; `flow` gives it its name."""
    return Node("?", kind, config)


def when(
    written: Node,
    *policies: str,
    mode: Mode = "any",
    at_start: bool = True,
    each_time: bool = False,
) -> Node:
    """Put policies on a node."""
    return msgspec.structs.replace(
        written,
        policies=tuple(map(policy, policies)),
        policy_engine_mode=mode,
        evaluate_on_plan=at_start,
        re_evaluate_policies=each_time,
    )


def policy(text: str) -> Policy:
    """Write a policy, negated where it begins with `not `."""
    return Policy(text.removeprefix("not "), negate=text.startswith("not "))


def asks(*names: str) -> Node:
    """Write a prompt for some texts."""
    kinds = {"email": "email", "password": "password"}
    fields = [{"name": each, "type": kinds.get(each, "text"), "label": each} for each in names]
    return node("prompt", fields=fields)


def sets(attribute: str, value: str = "true") -> Node:
    """Write a node that sets an attribute."""
    return node("set_attribute", attribute=attribute, value=value)


def checks(expression: str) -> Node:
    """Write a node that branches."""
    return node("condition", condition=expression)


def calls(slug: str) -> Node:
    """Write a node that runs another flow."""
    return node("subflow", flow=slug)


def flow(
    name: str,
    /,
    *paths: str,
    kind: FlowType = FlowType.REGISTRATION,
    settings: Settings = NO_SETTINGS,
    **nodes: Node,
) -> Flow:
    """Write a flow by paths through it, as in `start > ask > done` and `ask:failure > sorry`."""
    names: dict[str, None] = {}
    edges: list[Edge] = []
    for path in paths:
        stops = [stop.split(":") for stop in path.split(" > ")]
        names.update(dict.fromkeys(stop[0] for stop in stops))
        for source, target in pairwise(stops):
            edges.append(Edge(source[0], target[0], source[1] if source[1:] else None))
    drawn = tuple(
        msgspec.structs.replace(nodes[each], id=each) if each in nodes else Node(each, ENDS[each])
        for each in names
    )
    return Flow(f"flow_{name}", 1, kind, Graph(drawn, tuple(edges)), settings, name)


def login(name: str, /, *paths: str, **nodes: Node) -> Flow:
    """Write a login flow, whose nodes `who`, `password` and `code` need not be written."""
    usual = {
        "who": node("identifier_input"),
        "password": node("password_input"),
        "code": node("mfa_verification"),
    }
    return flow(name, *paths, kind=FlowType.LOGIN, settings=NO_SETTINGS, **usual | nodes)


def trigger(name: str, point: TriggerPoint, /, *paths: str, **nodes: Node) -> Flow:
    """Write a flow that runs at `point` of others."""
    settings = Settings(trigger=Trigger(point))
    return flow(name, *paths, kind=FlowType.TRIGGER, settings=settings, **nodes)


def library(*flows: Flow, invariants: tuple[Invariant, ...] = ()) -> Library:
    """Hold these flows, and run those of them that are triggers, in their order."""
    triggers = tuple(each for each in flows if each.type is FlowType.TRIGGER)
    return Library({each.name: each for each in flows}, triggers, invariants)


def program(written: Flow, beside: Library = ALONE, *, running: bool = False) -> Program:
    """Compile a flow, and load its bytes."""
    data = encode(compile_flow(written, NODE_TYPES, beside, running=running))
    return load(data, NODE_TYPES, expecting=name_of(data))


def told(dialogue: Generator[Question[Any], Any, R], world: World) -> R:
    """Play a dialogue to its end, with `world` for its answers."""
    answer: object = None
    while True:
        try:
            question = dialogue.send(answer)
        except StopIteration as stop:
            result: R = stop.value
            return result
        answer = world.answer(question)


class Walk:
    """A session that goes from turn to turn, stored and read back in between."""

    def __init__(
        self,
        made: Program,
        world: World | None = None,
        facts: Facts = NOTHING_KNOWN,
        watch: Watch | None = None,
    ) -> None:
        """Begin."""
        self.program = made
        self.world = world or World()
        self._watch = watch
        session = Session(SESSION, "default", made.plan, made.type, made.start, 1, 2, 3)
        session = msgspec.structs.replace(session, facts=facts)
        self.turn = told(begin(made, session, NOW, watch), self.world)

    def asked(self) -> list[str]:
        """Name the inputs that are waited for."""
        shown = self.turn.shown
        assert isinstance(shown, Stay)
        view = shown.view
        found = [*view.required, *view.optional]
        waiting = list(view.components)
        while waiting:
            component = waiting.pop(0)
            waiting = [*component.components, *waiting]
            if component.type == "INPUT":
                found.append(component.id)
        # What comes back from a provider, and by a mailed link, is in no view.
        if "state" in self.turn.session.kept:
            found += ["state", "code"]
        if LINK in self.turn.session.kept:
            found.append("token")
        return list(dict.fromkeys(found))

    def sends(self, **inputs: Json) -> Turn:
        """Submit `inputs` to the node that waits."""
        return self._send(Submission("", inputs))

    def follows(self, token: str = CODE) -> Turn:
        """Follow the link that was mailed, on another device."""
        return self._send(Submission("", {"token": token}, elsewhere=True))

    def _send(self, submission: Submission) -> Turn:
        dialogue = advance(self.program, self.stored(), submission, NOW, self._watch)
        self.turn = told(dialogue, self.world)
        return self.turn

    def stored(self) -> Session:
        """The session as it was left, read back from its bytes."""
        assert not self.turn.session.over
        data = msgspec.msgpack.encode(self.turn.session)
        return msgspec.msgpack.decode(data, type=Session)

    @property
    def at(self) -> str:
        """The node that waits, or that the flow ended at."""
        return self.program.steps[self.turn.session.node].id

    @property
    def path(self) -> list[str]:
        """What the last turn passed, as in `ask`, `check:true`."""
        return [
            f"{each.node}:{each.outcome}" if each.outcome else each.node for each in self.turn.path
        ]

    @property
    def succeeded(self) -> bool | None:
        """How it ended; None where it has not."""
        return getattr(self.turn.shown, "succeeded", None)
