"""What a node type is, and what a node is told when it runs.

A node type is one literal `NodeType` in a file of its own under `libs/common/nodes`. It
declares what it proves and where it can leave by, and the rules work from that; nobody else
may know a node type by name, but for the ends of a flow.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Generator, Mapping
from typing import Any, Final, Generic, Literal, TypeVar

import msgspec

from libs.common.errors import Problem
from libs.common.flow.expression import (
    SCHEMA,
    Expression,
    ExpressionError,
    Kind,
    Schema,
    Scope,
    check,
    parse,
)
from libs.common.flow.model import FlowType, Json, Named, TriggerPoint
from libs.common.flow.proof import Gain
from libs.common.flow.questions import LoadUser
from libs.common.flow.turn import Dialogue, Facts, Question, Submission, Surroundings, ask

START, SUCCESS, FAILURE = "start", "success", "failure"
"""The ends of a flow: the node types that the language itself knows."""

C = TypeVar("C", bound=msgspec.Struct)
L = TypeVar("L", bound=msgspec.Struct)


# In no cycle, as what it is made of.
class Visit(msgspec.Struct, frozen=True, gc=False):
    """One arrival at a node, or one submit to it."""

    session: str
    """The `flowId`."""
    revision: int
    node: str
    """The node's id."""
    flow: FlowType
    facts: Facts
    surroundings: Surroundings
    submitted: Submission | None = None
    """None when the node is reached; then it must not act on anything that was sent before."""
    tries: int = 0
    kept: Mapping[str, Json] = msgspec.field(default_factory=dict)


class InvalidConfig(Exception):
    """A config that decodes and still makes no sense; `problems` have code, message, path."""

    def __init__(self, *problems: Problem) -> None:
        """Carry all `problems` of the one config."""
        super().__init__(*(problem.message for problem in problems))
        self.problems = problems


def parse_expression(
    text: str, path: str, wanted: Kind | None = None, *, schema: Schema = SCHEMA
) -> Expression:
    """Parse what an author wrote at `path` of a config, or raise `InvalidConfig`.

    With `wanted`, an expression that certainly gives another kind is refused too. It may read the
    roots of `schema`.
    """
    try:
        tree = parse(text)
    except ExpressionError as error:
        message = f"{error.message} (at character {error.position + 1})"
        raise InvalidConfig(Problem("invalid_expression", message, path=path)) from error
    errors = [found for found in check(tree, schema, wanted) if found.severity == "error"]
    if errors:
        raise InvalidConfig(*(Problem(found.code, found.message, path=path) for found in errors))
    return Expression(tree)


class Site(msgspec.Struct, frozen=True):
    """What a node type may know of the flow when one of its nodes is compiled."""

    node: str
    flow: FlowType


@dataclasses.dataclass(frozen=True)
class Outcomes:
    """The names that a node can leave by; called with its config, it gives all of them."""

    fixed: tuple[str, ...]
    """Those of each node of the type."""
    named: tuple[str, str] | None = None
    """A list in the config, and the field by which each of its members names one more."""

    def __call__(self, config: object) -> tuple[str, ...]:
        """Return each once, those that the config names first."""
        if self.named is None:
            return self.fixed
        members, field = self.named
        more = (getattr(member, field) for member in getattr(config, members))
        return tuple(dict.fromkeys((*more, *self.fixed)))


def calls_nothing(_config: object) -> None:
    """Say that a node type never runs a flow, whatever its config."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class NodeType(Generic[C, L]):
    """A node type: what may be written of it, what it compiles to, what it does."""

    name: str
    summary: str
    """One sentence for the reference and the editor."""
    config: type[C]
    """What an author may write; the check, the JSON Schema and the reference page at once."""
    lowered: type[L]
    """What the plan holds of it."""
    lower: Callable[[C, Site], L]
    """Compile a config, or raise `InvalidConfig`."""
    run: Callable[[L, Visit], Dialogue]
    outcomes: Outcomes
    """The names it can leave by; none for the end of a flow."""
    default: str | None = "success"
    """The outcome that an edge without a condition is for."""
    fallbacks: frozenset[str] = frozenset({"failure"})
    """Outcomes that fall to the flow's failure where no edge takes them."""
    waits: frozenset[str] = frozenset()
    """Outcomes that it leaves by only after it has waited for the user. A type that names none
    never waits; one that names some may have waited whichever it leaves by."""
    proves: Callable[[C], Mapping[str, tuple[Gain, ...]]] = lambda _config: {}
    """What leaving by an outcome proves: one of these, and nobody knows which. Nothing where the
    outcome is not named; where it is named with none, no run leaves by it."""
    sends: bool = False
    """It sends messages."""
    wants: Literal["owner", "owner_if_named"] | None = None
    """Whom it does something for, and fails for all others: who is known to own an account, or
    anybody else who has named none."""
    refuses: bool = False
    """Where it runs, it may end the flow as failed."""
    writes: Callable[[C], tuple[tuple[str, ...], ...]] = lambda _config: ()
    """The attributes that expressions may find changed once the node is left, as paths from a
    root; a path stands for all below it."""
    unwritten: frozenset[str] = frozenset()
    """Outcomes that it leaves by with none of that written."""
    forgets: Callable[[C], frozenset[str]] = lambda _config: frozenset()
    """Outcomes that it may leave by with nothing left of what was set before, or typed."""
    reveals: Callable[[L], Mapping[str, tuple[tuple[Expression, bool], ...]]] = lambda _config: {}
    """What expressions certainly came to where it left by an outcome. Only of a type that never
    waits, writes nothing and has no points: all of it is true of one moment."""
    points: Callable[[L, Facts], tuple[TriggerPoint, ...]] = lambda _config, _facts: ()
    """The triggers that run when the node is reached, before it does."""
    reaches: Callable[[L], tuple[TriggerPoint, ...]] = lambda _config: ()
    """All triggers that could run before it or after."""
    calls: Callable[[C], str | None] = calls_nothing
    """The slug of the flow that it runs, of a node that answers `Enter`."""
    names: Callable[[C], tuple[Named, ...]] = lambda _config: ()
    """What of the tenant's, beside flows, it needs when it runs."""


AnyNodeType = NodeType[Any, Any]
NodeTypes = Mapping[str, AnyNodeType]


def gaining(**outcomes: tuple[Gain, ...]) -> Callable[[Any], Mapping[str, tuple[Gain, ...]]]:
    """Say that a node type proves this by each of `outcomes`, whatever its config."""
    return lambda _config: outcomes


PASSING: Final = frozenset({"client", "connection", "request", "stats", "configuration"})
"""The roots that are of one request: after the user was waited for they may hold anything."""

SKIPPED = "skipped"
"""How a node is left whose policies do not pass."""
UNDECIDED = "error"
"""How a node is left whose policies cannot be evaluated. It falls to the flow's failure: to skip a
second factor because nobody could tell would be to let the caller in."""


def fixed(*outcomes: str) -> Outcomes:
    """Say that a node type has these outcomes, whatever its config."""
    return Outcomes(outcomes)


_KNOWN: Final = frozenset({"facts", "inputs"})
"""The roots that are at hand wherever a node runs."""


def scope_for(visit: Visit, *expressions: Expression) -> Generator[Question[Any], Any, Scope]:
    """Gather the roots that `expressions` read; a root that nobody knows is missing.

    `user` is the account once the caller has proved to be its owner, or has just made it, and what
    is staged while nobody was named. In between it is missing, whether or not anybody has that
    name: a flow that branched on it would tell.
    """
    facts = visit.facts
    scope: dict[str, Json] = {"facts": facts.attributes, "inputs": facts.inputs}
    reads = _KNOWN
    for expression in expressions:
        if not expression.roots <= reads:
            reads |= expression.roots
    if reads is _KNOWN:
        return scope
    if "flow" in reads:
        scope["flow"] = {"type": visit.flow.value}
    if "request" in reads:
        scope["request"] = _request(visit.surroundings)
    if "client" in reads:
        scope["client"] = visit.surroundings.client
    if "user" in reads:
        user: Mapping[str, Json] | None = None
        if facts.owned:
            assert facts.account is not None  # noqa: S101 - owned says so
            user = yield from ask(LoadUser(facts.account))
        elif facts.identifier is None and facts.account is None:
            user = facts.staged
        if user:
            scope["user"] = user
    return scope


def _request(surroundings: Surroundings) -> dict[str, Json]:
    return {
        "time": surroundings.time,
        "ip": surroundings.ip,
        "user_agent": surroundings.user_agent,
        "language": surroundings.language,
    }
