"""Seed 000's steps and the graph that is stored, each made of the other. Pure.

Steps are a chain: each leads to the next by the outcome that its type goes on by, and the last to
the success. Any other outcome is said in its step's options as `on_<outcome>`: `end` (the
success), `halt` (the failure), or the id of a step that comes later. One that is not said falls
where its node type lets it fall, but for a condition's `false`, which leads to the end.

    {"id": "unverified", "type": "condition", "options": {"expression": "!user.email_verified"}}
    {"id": "ask", "type": "mfa", "options": {"methods": ["totp"], "on_not_enrolled": "end"}}

The rest of the options is the node's config under the config's own names; a condition's expression
and an action's id alone are called otherwise. What there are no words for (label, position,
policies and how they are decided) stays with the node of the same id. A graph whose course cannot
be said is never shown as some of its steps.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import count
from typing import Annotated, Final, Literal

import msgspec
from msgspec import Meta
from msgspec.structs import replace

from libs.common.errors import Invalid, Problem
from libs.common.flow.model import Edge, Graph, Json, Node
from libs.common.flow.node import FAILURE, START, SUCCESS

StepType = Literal["condition", "action", "redirect", "mfa", "email", "sms"]

NODE_TYPES: Final[Mapping[StepType, str]] = {
    "condition": "condition",
    "action": "action",
    "redirect": "redirect",
    "mfa": "mfa_verification",
    "email": "send_email",
    "sms": "send_sms",
}
"""The node type of each type of step."""
_STEP_TYPES: Final[Mapping[str, StepType]] = {kind: step for step, kind in NODE_TYPES.items()}

CONDITION: Final = "condition"
"""The type of step, its node type, and the field of its config that is called otherwise here."""
EXPRESSION: Final = "expression"
ACTION: Final = "action"
"""As `CONDITION`."""
ACTION_ID: Final = "action_id"
FALSE: Final = "false"
"""The outcome of a condition that leads to the end where nothing is said."""
ON: Final = "on_"
END: Final = "end"
HALT: Final = "halt"
EMPTY: Final = Graph()

_OPTIONS: Final = {(CONDITION, CONDITION): EXPRESSION, (ACTION, ACTION): ACTION_ID}
"""Node type and field of its config → the option, where that is called otherwise."""
_FIELDS: Final = {(kind, option): field for (kind, field), option in _OPTIONS.items()}


class Step(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A step of seed 000."""

    id: Annotated[str, Meta(min_length=1, max_length=100)]
    type: StepType
    options: Mapping[str, Json] = msgspec.field(default_factory=dict)


class Unsayable(msgspec.Struct, frozen=True, omit_defaults=True):
    """Why a graph cannot be shown as steps."""

    reason: str
    node_id: str | None = None
    """The first node that is in the way."""


def steps_of(graph: Graph) -> tuple[Step, ...] | Unsayable:
    """Say a graph as steps, or why that cannot be."""
    try:
        return _said(graph)
    except _InTheWay as error:
        return error.what


def graph_of(steps: Sequence[Step], was: Graph = EMPTY) -> Graph:
    """Draw the graph that `steps` say, or raise `Invalid` with all that is wrong with them.

    Nodes and edges of `was` that are still meant stay where they are and as they were written: the
    steps that a graph is said as draw that graph again.
    """
    wrong = tuple(_mistakes(steps))
    if wrong:
        raise Invalid("the steps are not as expected", wrong)
    start, success, failure = (_end(kind, steps, was) for kind in (START, SUCCESS, FAILURE))
    meant = tuple(_courses(steps, start.id, success.id, failure.id))
    halts = failure in was.nodes or any(target == failure.id for _, _, target in meant)
    written = {node.id: node for node in reversed(was.nodes)}
    inner = (_node(step, written.get(step.id)) for step in steps)
    nodes = {node.id: node for node in (start, *inner, success, *((failure,) if halts else ()))}
    edges = _edges(meant, nodes, was)
    stayed = [nodes.pop(node.id) for node in was.nodes if node.id in nodes]
    return Graph((*stayed, *nodes.values()), edges)


def in_steps(problem: Problem, steps: Sequence[Step]) -> Problem:
    """Return a problem of the graph that `steps` say, with its path leading into `steps`."""
    node = problem.node_id if problem.edge is None else problem.edge.source
    place = next((place for place, step in enumerate(steps) if step.id == node), None)
    if place is None:
        return problem
    return replace(problem, path=f"steps[{place}]{_option(problem, steps[place])}")


def _option(problem: Problem, step: Step) -> str:
    if problem.edge is not None:
        outcome = problem.edge.condition
        return "" if outcome in (None, _onward(step.type)) else f".options.{ON}{outcome}"
    root, _, field = (problem.path or "").partition(".")
    if root != "config":
        return ""
    if not field:
        return ".options"
    return f".options.{_OPTIONS.get((step.type, field), field)}"


class _InTheWay(Exception):
    def __init__(self, reason: str, node: str | None = None) -> None:
        super().__init__(reason)
        self.what = Unsayable(reason, node)


def _onward(kind: str) -> str:
    """Name the outcome by which a step or node of this type leads to the next."""
    return "true" if kind == CONDITION else "success"


def _outcome(edge: Edge, kind: str) -> str | None:
    """Name what an edge from a node of this type is for; a condition goes nowhere by default."""
    if edge.condition is None:
        return None if kind == CONDITION else _onward(kind)
    return edge.condition


def _said(graph: Graph) -> tuple[Step, ...]:
    nodes = _by_id(graph)
    leads = _leads(graph, nodes)
    start, success = _only(graph, START), _only(graph, SUCCESS)
    failures = [node.id for node in graph.nodes if node.type == FAILURE]
    if len(failures) > 1:
        raise _InTheWay("steps have one failure, and here are several", failures[1])
    for end in (start.id, success.id, *failures):
        if set(leads[end]) - ({_onward(START)} if end == start.id else set()):
            raise _InTheWay("steps cannot say where this node leads", end)
    order: dict[str, Node] = {}
    at = start
    while (at := nodes[_next(at, leads)]) is not success:
        if at.type not in _STEP_TYPES:
            raise _InTheWay(f"no step is of the type '{at.type}'", at.id)
        if at.id in order:
            raise _InTheWay("steps cannot lead back", at.id)
        order[at.id] = at
    for name in nodes:
        if name not in (start.id, success.id, *failures, *order):
            raise _InTheWay("it is beside the chain that steps are", name)
    words = {success.id: END, **dict.fromkeys(failures, HALT)}
    steps: list[Step] = []
    for node in reversed(order.values()):
        steps.append(_step(node, leads[node.id], words))
        if node.id not in (END, HALT):
            words[node.id] = node.id
    return tuple(reversed(steps))


def _by_id(graph: Graph) -> dict[str, Node]:
    nodes: dict[str, Node] = {}
    for node in graph.nodes:
        if node.id in nodes:
            raise _InTheWay("several nodes have this id", node.id)
        nodes[node.id] = node
    return nodes


def _leads(graph: Graph, nodes: Mapping[str, Node]) -> dict[str, dict[str, str]]:
    """Return where each node leads, by outcome."""
    leads: dict[str, dict[str, str]] = {name: {} for name in nodes}
    for edge in graph.edges:
        if edge.source not in nodes:
            raise _InTheWay("an edge leads from this node, which is not there", edge.source)
        if edge.target not in nodes:
            raise _InTheWay("it leads to a node that is not there", edge.source)
        outcome = _outcome(edge, nodes[edge.source].type)
        if outcome is None:
            raise _InTheWay("an edge does not say which of its outcomes it is for", edge.source)
        if outcome in leads[edge.source]:
            raise _InTheWay(f"several edges are for its outcome '{outcome}'", edge.source)
        leads[edge.source][outcome] = edge.target
    return leads


def _only(graph: Graph, kind: str) -> Node:
    found = [node for node in graph.nodes if node.type == kind]
    if len(found) != 1:
        reason = f"steps have one {kind}, and here are {len(found) or 'none'}"
        raise _InTheWay(reason, found[1].id if found else None)
    return found[0]


def _next(node: Node, leads: Mapping[str, Mapping[str, str]]) -> str:
    outcome = _onward(node.type)
    if outcome not in leads[node.id]:
        raise _InTheWay(f"its outcome '{outcome}' leads nowhere", node.id)
    return leads[node.id][outcome]


def _step(node: Node, leads: Mapping[str, str], words: Mapping[str, str]) -> Step:
    """Say a node as a step; `words` are for the nodes that it can be said to lead to."""
    options: dict[str, Json] = {}
    for field, value in node.config.items():
        if field.startswith(ON) or (node.type, field) in _FIELDS:
            raise _InTheWay(f"as an option its '{field}' would mean something else", node.id)
        options[_OPTIONS.get((node.type, field), field)] = value
    if node.type == CONDITION and FALSE not in leads:
        raise _InTheWay(f"its outcome '{FALSE}' leads nowhere", node.id)
    for outcome, target in leads.items():
        if outcome == _onward(node.type):
            continue
        if target not in words:
            raise _InTheWay(f"steps cannot say where its outcome '{outcome}' leads", node.id)
        if (node.type, outcome, words[target]) != (CONDITION, FALSE, END):
            options[ON + outcome] = words[target]
    return Step(node.id, _STEP_TYPES[node.type], options)


def _mistakes(steps: Sequence[Step]) -> Iterator[Problem]:
    """Find all that keeps steps from being a graph; what is wrong with the graph is for `rules`."""
    later = {step.id: place for place, step in enumerate(steps)}
    for place, step in enumerate(steps):
        at = f"steps[{place}]"
        if later[step.id] != place:
            yield Problem("duplicate_node_id", "a later step has the same id", path=f"{at}.id")
        for name, value in step.options.items():
            path = f"{at}.options.{name}"
            if (step.type, name) in _OPTIONS:
                message = f"here it is called `{_OPTIONS[step.type, name]}`"
                yield Problem("unknown_field", message, path=path)
            elif name == ON + _onward(step.type):
                message = "the step after this one says where it leads then"
                yield Problem("unknown_field", message, path=path)
            elif name.startswith(ON) and not (
                isinstance(value, str) and (value in (END, HALT) or later.get(value, -1) > place)
            ):
                message = f"expected `{END}`, `{HALT}`, or the id of a step that comes later"
                yield Problem("invalid_edge", message, path=path)


def _end(kind: str, steps: Sequence[Step], was: Graph) -> Node:
    """Return the end of this kind: as it was, or a new one with an id that nobody has."""
    taken = {step.id for step in steps}
    for node in was.nodes:
        if node.id not in taken and node.type == kind:
            return node
        # Of two nodes with one id, the first.
        taken.add(node.id)
    names = (kind if number == 1 else f"{kind}_{number}" for number in count(1))
    return Node(next(name for name in names if name not in taken), kind)


def _courses(
    steps: Sequence[Step], start: str, success: str, failure: str
) -> Iterator[tuple[str, str, str]]:
    """Say where each node leads by which outcome: source, outcome, target."""
    yield start, _onward(START), steps[0].id if steps else success
    following = [*(step.id for step in steps[1:]), success]
    words = {END: success, HALT: failure}
    for step, target in zip(steps, following, strict=False):
        yield step.id, _onward(step.type), target
        if step.type == CONDITION and ON + FALSE not in step.options:
            yield step.id, FALSE, success
        for name, word in step.options.items():
            if name.startswith(ON):
                yield step.id, name.removeprefix(ON), words.get(word) or word


def _node(step: Step, was: Node | None) -> Node:
    kind = NODE_TYPES[step.type]
    config = {
        _FIELDS.get((kind, name), name): value
        for name, value in step.options.items()
        if not name.startswith(ON)
    }
    if was is None:
        return Node(step.id, kind, config)
    return replace(was, type=kind, config=config)


def _edges(
    meant: Iterable[tuple[str, str, str]], nodes: Mapping[str, Node], was: Graph
) -> tuple[Edge, ...]:
    missing = dict.fromkeys(meant)
    edges: list[Edge] = []
    for edge in was.edges:
        if edge.source in nodes:
            outcome = _outcome(edge, nodes[edge.source].type)
            if (edge.source, outcome, edge.target) in missing:
                del missing[edge.source, str(outcome), edge.target]
                edges.append(edge)
    for source, outcome, target in missing:
        plain = Edge(source, target)
        said = _outcome(plain, nodes[source].type) == outcome
        edges.append(plain if said else Edge(source, target, outcome))
    return tuple(edges)
