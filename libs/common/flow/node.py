"""What a node type is, and what a node is told when it runs.

A node type is one literal `NodeType` in a file of its own under `libs/common/nodes`. It
declares what it proves and where it can leave by, and the rules work from that; nobody else
may know a node type by name, but for the ends of a flow.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Generator, Mapping
from typing import Any, Generic, TypeVar

import msgspec

from libs.common.errors import Problem
from libs.common.flow.expression import (
    SCHEMA,
    Expression,
    ExpressionError,
    Kind,
    Scope,
    check,
    parse,
)
from libs.common.flow.model import FlowType, Json
from libs.common.flow.questions import LoadUser
from libs.common.flow.turn import Dialogue, Facts, Question, Submission, Surroundings, ask

START, SUCCESS, FAILURE = "start", "success", "failure"
"""The ends of a flow: the node types that the language itself knows."""

C = TypeVar("C", bound=msgspec.Struct)
L = TypeVar("L", bound=msgspec.Struct)


class Visit(msgspec.Struct, frozen=True):
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


def parse_expression(text: str, path: str, wanted: Kind | None = None) -> Expression:
    """Parse what an author wrote at `path` of a config, or raise `InvalidConfig`.

    With `wanted`, an expression that certainly gives another kind is refused too.
    """
    try:
        tree = parse(text)
    except ExpressionError as error:
        message = f"{error.message} (at character {error.position + 1})"
        raise InvalidConfig(Problem("invalid_expression", message, path=path)) from error
    errors = [found for found in check(tree, SCHEMA, wanted) if found.severity == "error"]
    if errors:
        raise InvalidConfig(*(Problem(found.code, found.message, path=path) for found in errors))
    return Expression(tree)


class Site(msgspec.Struct, frozen=True):
    """What a node type may know of the flow when one of its nodes is compiled."""

    node: str
    flow: FlowType


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
    outcomes: Callable[[C], tuple[str, ...]]
    """The names it can leave by; none for the end of a flow."""
    default: str | None = "success"
    """The outcome that an edge without a condition is for."""
    fallbacks: frozenset[str] = frozenset({"failure"})
    """Outcomes that fall to the flow's failure where no edge takes them."""
    waits: frozenset[str] = frozenset()
    """Outcomes that it leaves by only after it has waited for the user."""
    proves: Mapping[str, tuple[str, ...]] = dataclasses.field(default_factory=dict)
    """What leaving by an outcome proves, as `amr` values (RFC 8176)."""


AnyNodeType = NodeType[Any, Any]
NodeTypes = Mapping[str, AnyNodeType]


def fixed(*outcomes: str) -> Callable[[Any], tuple[str, ...]]:
    """Say that a node type has these outcomes, whatever its config."""
    return lambda _config: outcomes


def scope_for(visit: Visit, *expressions: Expression) -> Generator[Question[Any], Any, Scope]:
    """Gather the roots that `expressions` read; a root that nobody knows is missing.

    `user` is the account once the caller has proved to be its owner, or has just made it, and what
    is staged while nobody was named. In between it is missing, whether or not anybody has that
    name: a flow that branched on it would tell.
    """
    reads = {root for expression in expressions for root in expression.roots}
    facts = visit.facts
    scope: dict[str, Json] = {"facts": facts.attributes, "inputs": facts.inputs}
    if "flow" in reads:
        scope["flow"] = {"type": visit.flow.value}
    if "request" in reads:
        scope["request"] = msgspec.structs.asdict(visit.surroundings)
    if "user" in reads:
        user: Mapping[str, Json] | None = None
        if facts.account is not None and (facts.proved or facts.created):
            user = yield from ask(LoadUser(facts.account))
        elif facts.identifier is None and facts.account is None:
            user = facts.staged
        if user:
            scope["user"] = user
    return scope
