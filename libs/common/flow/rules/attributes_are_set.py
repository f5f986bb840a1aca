"""What an expression reads of `facts` has been set by then, whichever path was taken."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Mapping

import msgspec

from libs.common.errors import Problem
from libs.common.flow.expression import FUNCTIONS, Expr
from libs.common.flow.expression.tree import Binary, Call, Choice, children, static_path
from libs.common.flow.model import FlowType
from libs.common.flow.rules.config import expressions_in, policies_in, read_gate
from libs.common.flow.rules.drawing import Drawing
from libs.common.flow.rules.paths import EXAMPLES, Chart, Way, arrows, explore
from libs.common.flow.rules.ways import chart

ROOT = "facts"


class Read(msgspec.Struct, frozen=True):
    """An attribute of `facts` without which an expression comes to nothing."""

    attribute: str
    node: str
    path: str
    """Where the expression is."""


def attributes_are_set(drawing: Drawing) -> Iterator[Problem]:
    """Find each read of a fact that some path has certainly not set.

    What may be set inside a flow that is called, or by a trigger, counts as set.
    """
    # A trigger finds what the flow that it runs in has set.
    if drawing.flow.type is FlowType.TRIGGER:
        return
    for path, expression in policies_in(read_gate(drawing.flow.settings).gate):
        for attribute in needed(expression.tree):
            yield _too_early(attribute, None, path)
    reads: list[Read] = []
    for name, place in drawing.in_reach():
        gate = place.gate.gate
        # What could not be told when the session started is looked at again.
        if gate is not None and gate.on_plan and not gate.on_run:
            for path, expression in policies_in(gate):
                for attribute in needed(expression.tree):
                    yield _too_early(attribute, name, path)
        late = policies_in(gate) if gate is not None and gate.on_run else ()
        for path, expression in (*late, *expressions_in(place.reading.lowered)):
            reads.extend(Read(attribute, name, path) for attribute in needed(expression.tree))
    if reads:
        yield from _lacked(reads, chart(drawing))


def needed(expr: Expr) -> Iterator[str]:
    """Find each attribute of `facts` without which `expr` is missing whatever else is known.

    It may do without what is on the right of `&&`, `||` and `??` or in a branch of `?:`; and it
    is prepared to find missing what is on the left of `??` or in `has`.
    """
    path = static_path(expr)
    if path is not None:
        yield from path[1:2] if path[0] == ROOT else ()
        return
    inner: Iterable[Expr] = children(expr)
    match expr:
        case Binary(operator="&&" | "||", left=left):
            inner = (left,)
        case Binary(operator="??"):
            inner = ()
        case Choice(condition=condition):
            inner = (condition,)
        case Call(function=name, arguments=arguments):
            parameters = FUNCTIONS[name].parameters
            inner = (
                argument
                for parameter, argument in zip(parameters, arguments, strict=True)
                if not parameter.path
            )
        case _:
            pass
    for each in inner:
        yield from needed(each)


def _too_early(attribute: str, node: str | None, path: str) -> Problem:
    name = f"{ROOT}.{attribute}"
    late = "" if node is None else "set 're_evaluate_policies', or "
    message = (
        f"`{name}` is read when the session starts, and nothing is set then; "
        f"{late}write `{name} ?? ...`"
    )
    return Problem("attribute_not_set", message, node_id=node, path=path)


def _lacked(reads: Iterable[Read], ways: Chart) -> Iterator[Problem]:
    bits = {name: 1 << index for index, name in enumerate({each.attribute: 0 for each in reads})}
    lacking = _lacking(ways, bits)
    examples = 0
    for each in dict.fromkeys(reads):
        if not lacking.get(each.node, 0) & bits[each.attribute]:
            continue
        name = f"{ROOT}.{each.attribute}"
        mend = f"set it on the way, or write `{name} ?? ...`"
        examples += 1
        path = _path(ways, each) if examples <= EXAMPLES else None
        shown = f"{arrows(path)} comes" if path is not None else "A path comes"
        message = f"{shown} here with `{name}` not set; {mend}"
        yield Problem(
            "attribute_not_set", message, node_id=each.node, path=each.path, counter_example=path
        )


def _lacking(ways: Chart, bits: Mapping[str, int]) -> Mapping[str, int]:
    """Find what some path to a node has certainly not set, as bits."""
    start = next(iter(ways))
    every = sum(bits.values())
    lacking = {start: every}
    waiting = deque([start])
    while waiting:
        name = waiting.popleft()
        for way in ways[name]:
            if way.ending is None:
                before = lacking.get(way.target)
                found = (every if way.forgets else lacking[name]) & ~_set_on(way, bits)
                if before is None or found & ~before:
                    lacking[way.target] = found | (before or 0)
                    waiting.append(way.target)
    return lacking


def _set_on(way: Way, bits: Mapping[str, int]) -> int:
    found = 0
    for root, *attribute in way.writes:
        if root == ROOT:
            found |= bits.get(attribute[0], 0) if attribute else -1
    return found


def _path(ways: Chart, read: Read) -> tuple[str, ...]:
    """Return the shortest path that comes to `read` with nothing set for it."""
    bits = {read.attribute: 1}

    def follow(way: Way, lacking: bool) -> Iterator[bool]:
        yield (lacking or way.forgets) and not _set_on(way, bits)

    walk = explore(ways, [True], follow)
    return walk.path((read.node, True))
