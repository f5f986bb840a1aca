"""Random flows that are valid, each with what its tenant has beside it and somebody to walk it.

    @given(flows())
    def test_something(case: Case) -> None:
        played = play(case)

`flows()` makes a `Case`:

- `case.flow` is of a type that a client can start, and `validate(case.flow, NODE_TYPES,
  case.library)` finds no error in it. It branches and switches, asks, sets attributes, signs in,
  writes users, asks for codes, sends people to other pages, attaches and forgets who they are,
  denies, calls flows and goes round in circles that wait; any of its nodes may have policies.
- `case.library` holds the flows that it may call, and triggers. Each is valid by itself, so all of
  them can be saved and activated for real: `flows` in the order of the library, then `triggers` in
  theirs.
- `case.visitor` is who walks it: whether they have an account (`ACCOUNT`, `EMAIL`, `PASSWORD`, in
  `visitor.users()`), and what they send. The session ends, or their patience does.

`play(case)` walks it with no server, and tells what was sent, at each step, and what was passed.
Somebody who plays the same against real servers makes the accounts of `visitor.users()`, asks
`visitor.sends(turn, names)` for what is sent in answer to a view with inputs of these `names`,
and puts the code that the authenticator shows in place of `CODE`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

import msgspec
from hypothesis import strategies as st

from libs.common.flow.model import (
    Edge,
    Flow,
    FlowType,
    Graph,
    Json,
    Library,
    Mode,
    Node,
    Policy,
    Position,
    Settings,
    Trigger,
    TriggerPoint,
)
from libs.common.flow.turn import Passed, Turn
from tests.walks import CODE, PASSWORD, Walk, World, program

ACCOUNT = "alice"
EMAIL, NEW_EMAIL = "alice@example.com", "sasha@example.com"
WRONG_CODE = "000000"
COLOURS = ("red", "blue")

TYPES = (
    FlowType.LOGIN,
    FlowType.REGISTRATION,
    FlowType.PASSWORD_RESET,
    FlowType.MFA_SETUP,
)
POINTS = tuple(point for point in TriggerPoint if point is not TriggerPoint.SEND_PHONE_MESSAGE)

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

PAGES = ("/terms", "https://elsewhere.example/terms")
"""One of the site that shows the flow, and one of an origin that nobody has named."""

VALUES = ("'red'", "7", "inputs.colour ?? 'none'", "flow.type", "user.role", "[1, 'two', null]")


class Visitor(msgspec.Struct, frozen=True):
    """Who walks a flow, and how well they do."""

    known: bool
    """They have an account."""
    role: str
    enrolled: bool
    """The account has an authenticator."""
    luck: tuple[bool, ...]
    """Whether what they send is right, submit by submit; then they walk away."""

    def users(self) -> dict[str, dict[str, Json]]:
        """The accounts that there are, by their ids."""
        if not self.known:
            return {}
        methods = ["totp"] if self.enrolled else []
        about = {"role": self.role, "mfa_enabled": self.enrolled, "mfa_methods": methods}
        return {ACCOUNT: {"email": EMAIL, **about}}

    def sends(self, turn: int, names: Iterable[str]) -> dict[str, Json]:
        """What is sent at submit number `turn`, from 0, where `names` are asked for."""
        right = self.luck[turn]
        said: dict[str, Json] = {
            "email": EMAIL if right else NEW_EMAIL,
            "password": PASSWORD if right else "wrong battery",
            "code": CODE if right else WRONG_CODE,
            "origin": "https://app.example" if right else "",
        }
        # A text is right in two ways, and wrong where it is missing.
        colour = {"colour": COLOURS[turn % 2]} if right else {}
        known = {**said, **colour}
        return {name: known[name] for name in names if name in known}


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
    walk = Walk(program(case.flow, case.library), World(**case.visitor.users()))
    turns = [walk.turn]
    inputs: list[Mapping[str, Json]] = []
    while not walk.turn.session.over and len(inputs) < len(case.visitor.luck):
        inputs.append(case.visitor.sends(len(inputs), walk.asked()))
        turns.append(walk.sends(**inputs[-1]))
    return Played(tuple(turns), tuple(inputs))


def flows() -> st.SearchStrategy[Case]:
    """Make cases; the docstring of the module says what may be relied on."""
    return _cases()


@st.composite
def _cases(draw: st.DrawFn) -> Case:
    callable_flows: list[Flow] = []
    changing: set[str] = set()
    for index in range(draw(st.integers(0, 3))):
        kind = draw(st.sampled_from(TYPES[1:]))
        sketch = _Sketch(draw, kind, [each.name for each in callable_flows], changing)
        made = sketch.flow(f"inner-{index}")
        if sketch.changes_who:
            changing.add(made.name)
        callable_flows.append(made)
    quiet = [each.name for each in callable_flows if each.name not in changing]
    triggers = []
    for index in range(draw(st.integers(0, 3))):
        point = draw(st.sampled_from(POINTS))
        sketch = _Sketch(draw, FlowType.TRIGGER, quiet, changing)
        triggers.append(sketch.flow(f"hook-{index}", Settings(trigger=Trigger(point))))
    kind = draw(st.sampled_from((FlowType.LOGIN, *TYPES)))
    # A login that names somebody else after the proof, or nobody, would sign in nobody.
    slugs = quiet if kind is FlowType.LOGIN else [each.name for each in callable_flows]
    made = _Sketch(draw, kind, slugs, changing).flow("main", draw(_SETTINGS))
    library = Library({each.name: each for each in callable_flows}, tuple(triggers))
    return Case(made, library, draw(_VISITORS))


_VISITORS: st.SearchStrategy[Visitor] = st.builds(
    Visitor,
    known=st.sampled_from((True, True, False)),
    role=st.sampled_from(("member", "admin")),
    enrolled=st.sampled_from((True, True, False)),
    luck=st.lists(st.sampled_from((True,) * 7 + (False,)), min_size=4, max_size=16).map(tuple),
)
_MODES: st.SearchStrategy[Mode] = st.sampled_from(("any", "all"))
_SETTINGS = st.builds(
    Settings,
    policies=st.sampled_from(((), (Policy("true"), Policy("flow.type === 'none'", negate=True)))),
    policy_engine_mode=_MODES,
)
"""Everybody may run the flow: who may is another matter than where it leads them."""
_POLICIES: st.SearchStrategy[tuple[Policy, ...]] = st.lists(
    st.builds(Policy, st.sampled_from(CONDITIONS), st.booleans()), min_size=1, max_size=2
).map(tuple)
_LOOKED_AT = st.sampled_from(((True, False), (False, True), (True, True)))
_COLOUR: Json = {
    "name": "colour",
    "type": "dropdown",
    "label": "Colour",
    "options": [{"value": each} for each in COLOURS],
}
_SHOWN: st.SearchStrategy[list[Json]] = st.lists(
    st.sampled_from(
        (
            {"type": "typography", "text": "Choose"},
            {"type": "rich_text", "text": "<b>Choose</b>, as <a href='/why'>we say</a>."},
            {"type": "divider"},
            {"type": "image", "src": "https://cdn.example/wheel.png", "alt": "Colours"},
        )
    ),
    max_size=2,
)
"""What stands around an input."""
_POSITIONS = st.none() | st.builds(Position, st.integers(-9, 9), st.sampled_from((0.5, -2.25)))


class _Sketch:
    """A graph in the making, drawn from its end: each part is told what comes after it.

    So every node leads to an end. Each circle is closed by a part of its own, which waits in it.
    """

    def __init__(
        self, draw: st.DrawFn, kind: FlowType, slugs: list[str], changing: Iterable[str]
    ) -> None:
        """Draw a flow of type `kind`, which may call `slugs`; `changing` change who one is."""
        self.changes_who = False
        self._draw = draw
        self._kind = kind
        self._slugs = slugs
        self._changing = frozenset(changing)
        # A trigger forgets nobody: it could run in a login, after the proof.
        self._may_forget = kind not in (FlowType.LOGIN, FlowType.TRIGGER)
        self._nodes: list[Node] = []
        self._edges: list[Edge] = []

    def flow(self, name: str, settings: Settings = Settings()) -> Flow:  # noqa: B008 - frozen
        """Draw it all."""
        end = self._node("success", **self._ending())
        if self._draw(st.booleans()):
            self._node("failure")
        entry = self._parts(end, 2)
        if self._kind is FlowType.LOGIN:
            self._may_forget = True
            entry = self._parts(self._signs_in(entry), 1)
        elif self._kind is not FlowType.TRIGGER and self._draw(st.booleans()):
            entry = self._draw(st.sampled_from((self._signs_in, self._signs_up)))(entry)
        start = self._node("start")
        self._edge(start, entry)
        graph = Graph(tuple(reversed(self._nodes)), tuple(self._edges))
        return Flow(f"flow_{name}", 1, self._kind, graph, settings, name)

    def _ending(self) -> dict[str, Json]:
        may_sign_in = st.sampled_from(({}, {"auto_login": True}, {"auto_login": False}))
        return self._draw(may_sign_in)

    def _parts(self, then: str, depth: int) -> str:
        parts: list[Callable[[str, int], str]] = [
            self._sets,
            self._asks,
            self._asks_again,
            self._asks_app,
            self._asks_leave,
            self._asks_for_code,
            self._holds,
            self._leads_away,
            self._attaches,
            self._denies,
        ]
        parts += [self._forgets] if self._may_forget else []
        parts += [self._calls] * 3 if self._slugs else []
        parts += [self._branches, self._switches] if depth else []
        for _ in range(self._draw(st.integers(0, 3))):
            then = self._draw(st.sampled_from(parts))(then, depth)
        return then

    def _sets(self, then: str, _depth: int) -> str:
        value = self._draw(st.sampled_from(VALUES))
        node = self._gated("set_attribute", attribute="mark", value=value)
        self._edge(node, then)
        self._maybe(node, then, "error")
        return node

    def _asks(self, then: str, _depth: int) -> str:
        field = self._draw(st.sampled_from((_text("colour"), _COLOUR)))
        fields = [*self._draw(_SHOWN), field, *self._draw(_SHOWN)]
        node = self._gated("prompt", fields=fields)
        self._edge(node, then)
        return node

    def _asks_leave(self, then: str, _depth: int) -> str:
        node = self._gated("consent", text="May we?", remember=self._draw(st.booleans()))
        self._edge(node, then)
        self._maybe(node, then, "declined")
        return node

    def _asks_app(self, then: str, _depth: int) -> str:
        params = [{"name": "origin"}, {"name": "campaign", "required": False}]
        node = self._gated("internal_prompt", params=params, attributes=self._draw(st.booleans()))
        self._edge(node, then)
        return node

    def _asks_again(self, then: str, _depth: int) -> str:
        """Go round until the answer is another one."""
        ask = self._node("prompt", fields=[_text("colour")])
        check = self._node("condition", condition=self._draw(st.sampled_from(CONDITIONS)))
        self._edge(ask, check)
        self._edge(check, ask, "true")
        self._edge(check, then, "false")
        self._maybe(check, then, "error")
        return ask

    def _asks_for_code(self, then: str, _depth: int) -> str:
        node = self._gated("mfa_verification", attempts=2)
        self._edge(node, then)
        self._maybe(node, then, "not_enrolled")
        return node

    def _holds(self, then: str, _depth: int) -> str:
        node = self._gated("dummy")
        self._edge(node, then)
        return node

    def _leads_away(self, then: str, _depth: int) -> str:
        node = self._gated("redirect", url=self._draw(st.sampled_from(PAGES)))
        self._edge(node, then)
        self._maybe(node, then, "failure")
        return node

    def _attaches(self, then: str, _depth: int) -> str:
        node = self._gated("user_login")
        self._edge(node, then)
        # Nobody is attached who has proved nothing, which would end most walks here.
        self._edge(node, then, "failure")
        return node

    def _forgets(self, then: str, _depth: int) -> str:
        self.changes_who = True
        node = self._gated("user_logout")
        self._edge(node, then)
        return node

    def _denies(self, then: str, _depth: int) -> str:
        """Let nobody on but those whom the policies let skip it."""
        node = self._add(
            "deny", {}, self._draw(_POLICIES), self._draw(_MODES), *self._draw(_LOOKED_AT)
        )
        self._edge(node, then)
        return node

    def _calls(self, then: str, _depth: int) -> str:
        slug = self._draw(st.sampled_from(self._slugs))
        self.changes_who |= slug in self._changing
        node = self._gated("subflow", flow=slug)
        self._edge(node, then)
        self._maybe(node, then, "failure")
        return node

    def _branches(self, then: str, depth: int) -> str:
        node = self._node("condition", condition=self._draw(st.sampled_from(CONDITIONS)))
        self._edge(node, self._parts(then, depth - 1), "true")
        self._edge(node, self._parts(then, depth - 1), "false")
        self._maybe(node, then, "error")
        return node

    def _switches(self, then: str, depth: int) -> str:
        tested = self._draw(st.lists(st.sampled_from(CONDITIONS), min_size=1, max_size=3))
        cases = [{"outcome": f"case-{index}", "when": when} for index, when in enumerate(tested)]
        node = self._node("switch", cases=cases)
        for case in cases:
            self._edge(node, self._parts(then, depth - 1), case["outcome"])
        self._edge(node, then)
        return node

    def _signs_in(self, then: str) -> str:
        self.changes_who = True
        who = self._node("identifier_input")
        password = self._node("password_input", attempts=self._draw(st.integers(1, 3)))
        self._edge(who, password)
        code = self._draw(st.booleans())
        self._edge(password, self._asks_for_code(then, 0) if code else then)
        self._maybe(password, who, "failure")
        return who

    def _signs_up(self, then: str) -> str:
        password = {"name": "password", "type": "password", "label": "Password"}
        email = {"name": "email", "type": "email", "label": "Email"}
        ask = self._node("prompt", fields=[email, password])
        write = self._gated("user_write")
        self._edge(ask, write)
        self._edge(write, then)
        self._maybe(write, ask, "taken")
        return ask

    def _gated(self, kind: str, **config: Json) -> str:
        """Add a node that may have policies, and may say where it leads if they do not pass."""
        if self._draw(st.sampled_from((True, False, False))):
            on_plan, on_run = self._draw(_LOOKED_AT)
            gate = (self._draw(_POLICIES), self._draw(_MODES), on_plan, on_run)
            return self._add(kind, config, *gate)
        return self._node(kind, **config)

    def _node(self, kind: str, **config: Json) -> str:
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
        position = self._draw(_POSITIONS)
        node = Node(name, kind, config, position, None, policies, mode, on_plan, on_run)
        self._nodes.append(node)
        return name

    def _maybe(self, source: str, target: str, outcome: str) -> None:
        """Draw an edge for an outcome that falls to the flow's failure, or leave it to that."""
        if self._draw(st.booleans()):
            self._edge(source, target, outcome)

    def _edge(self, source: str, target: str, outcome: str | None = None) -> None:
        self._edges.append(Edge(source, target, outcome))


def _text(name: str) -> dict[str, Json]:
    return {"name": name, "type": "text", "label": name}
