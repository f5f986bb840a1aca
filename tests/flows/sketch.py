"""A graph in the making, drawn from its end: each part is told what comes after it.

So every node leads to an end. Each circle is closed by a part of its own, which waits in it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TypeAlias, TypeVar

from hypothesis import strategies as st

from libs.common.flow.model import (
    Edge,
    Flow,
    FlowType,
    Graph,
    Json,
    Mode,
    Node,
    Policy,
    Position,
    Settings,
)

T = TypeVar("T")

CONDITIONS = (
    "true",
    "false",
    "flow.type === 'login'",
    "inputs.colour === 'red'",
    "(inputs.colour ?? 'blue') === 'blue'",
    "has(facts.mark)",
    "(facts.mark ?? 'none') === 'red'",
    "user.mfa_enabled",
    "(user.role ?? 'member') === 'admin'",
)
"""True, false, or without an answer, by what has been found out so far."""

VALUES = ("'red'", "7", "inputs.colour ?? 'none'", "flow.type", "user.role", "[1, 'two', null]")

MODES: st.SearchStrategy[Mode] = st.sampled_from(("any", "all"))
POLICIES: st.SearchStrategy[tuple[Policy, ...]] = st.lists(
    st.builds(Policy, st.sampled_from(CONDITIONS), st.booleans()), min_size=1, max_size=2
).map(tuple)
_LOOKED_AT = st.sampled_from(((True, False), (False, True), (True, True)))
_POSITIONS = st.none() | st.builds(Position, st.integers(-9, 9), st.sampled_from((0.5, -2.25)))


class Sketch:
    """A graph in the making."""

    def __init__(
        self,
        draw: st.DrawFn,
        kind: FlowType,
        parts: Sequence[Part],
        slugs: Sequence[str] = (),
        changing: Iterable[str] = (),
    ) -> None:
        """Draw a flow of type `kind` from `parts`; it may call `slugs`."""
        self.draw = draw
        self.kind = kind
        self.slugs = slugs
        self.changing = frozenset(changing)
        """Of those, the ones that change who one is."""
        self.changes_who = False
        """This one does."""
        # A trigger forgets nobody: it could run in a login, after the proof.
        self.may_forget = kind not in (FlowType.LOGIN, FlowType.TRIGGER)
        self._all_parts = parts
        self._nodes: list[Node] = []
        self._edges: list[Edge] = []

    def flow(self, name: str, proof: Sequence[Part], settings: Settings) -> Flow:
        """Draw it all; a login begins with one of `proof`, and others may, but for triggers."""
        end = self.node("success", **self.one_of(({}, {"auto_login": True}, {"auto_login": False})))
        if self.draw(st.booleans()):
            self.node("failure")
        entry = self.parts(end, 2)
        if self.kind is FlowType.LOGIN:
            self.may_forget = True
            entry = self.parts(self.one_of(proof[:-1])(self, entry, 0), 1)
        elif self.kind is not FlowType.TRIGGER and self.draw(st.booleans()):
            entry = self.one_of(proof)(self, entry, 0)
        start = self.node("start")
        self.edge(start, entry)
        graph = Graph(tuple(reversed(self._nodes)), tuple(self._edges))
        return Flow(f"flow_{name}", 1, self.kind, graph, settings, name)

    def parts(self, then: str, depth: int) -> str:
        """Draw a few parts, which may branch `depth` times, before `then`."""
        for _ in range(self.draw(st.integers(0, 3))):
            then = self.one_of(self._all_parts)(self, then, depth)
        return then

    def one_of(self, choices: Sequence[T]) -> T:
        """Draw one of `choices`."""
        return self.draw(st.sampled_from(choices))

    def gated(self, kind: str, **config: Json) -> str:
        """Add a node that may have policies, and may say where it leads if they do not pass."""
        if self.one_of((True, False, False)):
            return self.closed(kind, **config)
        return self.node(kind, **config)

    def closed(self, kind: str, **config: Json) -> str:
        """Add a node that has policies."""
        on_plan, on_run = self.draw(_LOOKED_AT)
        return self._add(kind, config, self.draw(POLICIES), self.draw(MODES), on_plan, on_run)

    def node(self, kind: str, **config: Json) -> str:
        """Add a node."""
        return self._add(kind, config)

    def _add(
        self,
        kind: str,
        config: Mapping[str, Json],
        policies: tuple[Policy, ...] = (),
        mode: Mode = "any",
        on_plan: bool = True,
        on_run: bool = False,
    ) -> str:
        name = f"{kind}-{len(self._nodes)}"
        position = self.draw(_POSITIONS)
        node = Node(name, kind, config, position, None, policies, mode, on_plan, on_run)
        self._nodes.append(node)
        return name

    def maybe(self, source: str, target: str, *outcomes: str) -> None:
        """Draw edges for outcomes that fall to the flow's failure, or leave them to that."""
        for outcome in outcomes:
            if self.draw(st.booleans()):
                self.edge(source, target, outcome)

    def edge(self, source: str, target: str, outcome: str | None = None) -> None:
        """Draw an edge; without an outcome it is the default's."""
        self._edges.append(Edge(source, target, outcome))


Part: TypeAlias = Callable[[Sketch, str, int], str]
"""(sketch, what comes after, how often it may branch) → the node that it begins with."""


def text(name: str) -> dict[str, Json]:
    """Write a field of a prompt."""
    return {"name": name, "type": "text", "label": name}
