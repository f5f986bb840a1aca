"""What each operator does with values that are already there.

The closures and the trace both end here, so that they cannot disagree. Nothing here raises on
any data: an operator gives a value, `MISSING` or a `Fault`, and takes time linear in the data.
"""

import operator
from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType
from typing import Any, Final, TypeAlias

from libs.common.flow.expression.tree import Operator, Ordering
from libs.common.flow.expression.values import (
    MISSING,
    NOUNS,
    Fault,
    Json,
    Value,
    kind,
    unusable,
)

Operation: TypeAlias = Callable[[Value, Value], Value]

DATA_DEPTH: Final = 32
"""How many levels of lists and maps `===` goes down; below is a fault."""

_PLAIN: Final = frozenset((bool, int, str))


def member(of: Value, name: str) -> Value:
    """`of.name`. What null or something missing would hold is missing.

    An attribute of anything else than a map is a fault, so that `??` and `has` cannot hide that
    the data has another shape than the author thought.
    """
    if type(of) is dict:
        found: Value = of.get(name, MISSING)
        return found
    if of is None:
        return MISSING
    problem = unusable(of)
    return problem if problem is not None else _refused(f"`.{name}` needs a map", of)


def element(of: Value, at: Value) -> Value:
    """`of[at]`: an item of a list by its whole number from 0, or an attribute of a map."""
    if of is None:
        return MISSING
    problem = unusable(of, at)
    if problem is not None:
        return problem
    if isinstance(of, list | tuple):
        if isinstance(at, bool) or not isinstance(at, int | float) or at != int(at):
            return _refused("`[…]` on a list needs a whole number", at)
        return of[int(at)] if 0 <= at < len(of) else MISSING
    if isinstance(of, dict):
        if isinstance(at, str):
            return member(of, at)
        return _refused("`[…]` on a map needs a string", at)
    return _refused("`[…]` needs a list or a map", of)


def negated(operand: Value) -> Value:
    """`!operand`."""
    return not operand if isinstance(operand, bool) else _not_boolean("!", operand)


def both(left: Value, right: Value) -> Value:
    """`left && right`: false as soon as one side is, whatever the other is."""
    if left is False or right is False:
        return False
    if left is True and right is True:
        return True
    return _not_boolean("&&", left, right)


def either(left: Value, right: Value) -> Value:
    """`left || right`: true as soon as one side is, whatever the other is."""
    if left is True or right is True:
        return True
    if left is False and right is False:
        return False
    return _not_boolean("||", left, right)


def otherwise(left: Value, right: Value) -> Value:
    """`left ?? right`: `right` where `left` is missing or null. A fault is not absorbed."""
    return right if left is MISSING or left is None else left


def chosen(condition: Value, then: Value, otherwise: Value) -> Value:
    """`condition ? then : otherwise`."""
    if isinstance(condition, bool):
        return then if condition else otherwise
    return _not_boolean("?", condition)


def listed(items: Iterable[Value]) -> Value:
    """`[items]`. A list with something missing in it is missing."""
    kept: list[Json] = []
    for item in items:
        # `unusable` would do, but does not tell mypy that what is left is data.
        if isinstance(item, Fault) or item is MISSING:
            return item
        kept.append(item)
    return tuple(kept)


def same(left: Value, right: Value, depth: int = DATA_DEPTH) -> Value:
    """`left === right`. Null compares with anything; other unlike kinds are a fault.

    Lists and maps, down to `depth` levels, are compared as `&&` of what they hold.
    """
    if type(left) is type(right) and type(left) in _PLAIN:
        return left == right  # what the rest comes to as well, but this is the frequent case
    problem = unusable(left, right)
    if problem is not None:
        return problem
    kinds = kind(left), kind(right)
    if kinds[0] != kinds[1]:
        if "null" in kinds:
            return False
        return Fault(f"`===` compares {NOUNS[kinds[0]]} with {NOUNS[kinds[1]]}")
    if depth == 0:
        return Fault(f"`===` compares what nests deeper than {DATA_DEPTH}")
    if isinstance(left, list | tuple) and isinstance(right, list | tuple):
        if len(left) != len(right):
            return False
        return _all(same(*pair, depth - 1) for pair in zip(left, right, strict=True))
    if isinstance(left, dict) and isinstance(right, dict):
        if left.keys() != right.keys():
            return False
        return _all(same(left[key], right[key], depth - 1) for key in left)
    return left == right


def differs(left: Value, right: Value) -> Value:
    """`left !== right`."""
    result = same(left, right)
    return not result if isinstance(result, bool) else result


def within(needle: Value, haystack: Value) -> Value:
    """`needle in haystack`: a key of a map, or an item of a list.

    `x in [a, b]` is what `x === a || x === b` is.
    """
    problem = unusable(needle, haystack)
    if problem is not None:
        return problem
    if isinstance(haystack, list | tuple):
        result: Value = False
        for item in haystack:
            equal = same(needle, item)
            if equal is True:
                return True
            if result is False:
                result = equal
        return result
    if isinstance(haystack, dict):
        if isinstance(needle, str):
            return needle in haystack
        return _refused("`in` on a map needs a string", needle)
    return _refused("`in` needs a list or a map on its right", haystack)


def _ordered(symbol: Ordering, compare: Callable[[Any, Any], bool]) -> Operation:
    def order(left: Value, right: Value) -> Value:
        kinds = kind(left), kind(right)
        if kinds[0] == kinds[1] and kinds[0] in ("number", "string"):
            return compare(left, right)
        problem = unusable(left, right)
        if problem is not None:
            return problem
        nouns = f"{NOUNS[kinds[0]]} and {NOUNS[kinds[1]]}"
        return Fault(f"`{symbol}` orders two numbers or two strings, not {nouns}")

    return order


def _not_boolean(symbol: str, *operands: Value) -> Value:
    """What the first of `operands` that is no boolean comes to."""
    first = next(each for each in operands if not isinstance(each, bool))
    problem = unusable(first)
    return problem if problem is not None else _refused(f"`{symbol}` needs a boolean", first)


def _refused(need: str, value: Value) -> Fault:
    return Fault(f"{need}, not {NOUNS[kind(value)]}")


def _all(results: Iterable[Value]) -> Value:
    """False if any is, else the first that is no boolean, else True."""
    first: Value = True
    for result in results:
        if result is False:
            return False
        if first is True:
            first = result
    return first


BINARY: Final[Mapping[Operator, Operation]] = MappingProxyType(
    {
        "&&": both,
        "||": either,
        "??": otherwise,
        "===": same,
        "!==": differs,
        "<": _ordered("<", operator.lt),
        "<=": _ordered("<=", operator.le),
        ">": _ordered(">", operator.gt),
        ">=": _ordered(">=", operator.ge),
        "in": within,
    }
)
