"""A second reading of the language: it walks the tree, plainly and slowly.

It is written from the description of the language and shares with the implementation its trees
and the two marks for what is no value, but no operator, so that the two can disagree. Only
functions are taken over: their own tests say what they do.
"""

# ruff: noqa: ANN401 - what is evaluated is data of any kind, and the marks of what is none

import math
from collections.abc import Sequence
from typing import Any

from libs.common.flow.expression.functions import FUNCTIONS
from libs.common.flow.expression.tree import (
    Binary,
    Call,
    Choice,
    Constant,
    Expr,
    Index,
    Items,
    Member,
    Not,
    Root,
)
from libs.common.flow.expression.values import MISSING, Fault, Scope

FAULT = Fault("whatever the reason")


def evaluate(expr: Expr, scope: Scope) -> Any:
    """What `expr` comes to; each fault is `FAULT`."""
    match expr:
        case Constant():
            return expr.value
        case Root():
            return scope.get(expr.name, MISSING)
        case Member():
            return _read(evaluate(expr.of, scope), expr.name)
        case Index():
            return _at(evaluate(expr.of, scope), evaluate(expr.at, scope))
        case Not():
            return _not(evaluate(expr.operand, scope))
        case Binary(operator="&&"):
            return _and(evaluate(expr.left, scope), evaluate(expr.right, scope))
        case Binary(operator="||"):
            # By De Morgan, which holds in three values as it does in two.
            sides = _not(evaluate(expr.left, scope)), _not(evaluate(expr.right, scope))
            return _not(_and(*sides))
        case Binary(operator="??"):
            left = evaluate(expr.left, scope)
            return evaluate(expr.right, scope) if left is MISSING or left is None else left
        case Binary():
            return _compared(expr.operator, evaluate(expr.left, scope), evaluate(expr.right, scope))
        case Choice():
            condition = evaluate(expr.condition, scope)
            if condition is True:
                return evaluate(expr.then, scope)
            return evaluate(expr.otherwise, scope) if condition is False else _spread(condition)
        case Items():
            items = tuple(evaluate(item, scope) for item in expr.items)
            return next((item for item in items if item is MISSING or item == FAULT), items)
        case Call():
            return _called(expr, scope)


def _kind(value: Any) -> str:
    if value is MISSING:
        return "missing"
    if isinstance(value, float) and not math.isfinite(value):
        return "fault"
    names = {bool: "boolean", int: "number", float: "number", str: "string", dict: "map"}
    names |= {list: "list", tuple: "list", type(None): "null"}
    return names.get(type(value), "fault")


def _spread(*values: Any) -> Any:
    """The first of `values` that is missing or a fault, and a fault if all could be used."""
    kinds = [_kind(value) for value in values]
    return MISSING if [k for k in kinds if k in ("missing", "fault")][:1] == ["missing"] else FAULT


def _usable(*values: Any) -> bool:
    return not {"missing", "fault"} & {_kind(value) for value in values}


def _read(of: Any, name: str) -> Any:
    if _kind(of) == "map":
        return of.get(name, MISSING)
    return MISSING if of is None else _spread(of)


def _at(of: Any, at: Any) -> Any:
    if of is None:
        return MISSING
    if not _usable(of, at):
        return _spread(of, at)
    if _kind(of) == "map" and _kind(at) == "string":
        return _read(of, at)
    if _kind(of) == "list" and _kind(at) == "number" and at % 1 == 0:
        return dict(enumerate(of)).get(at, MISSING)
    return FAULT


def _not(value: Any) -> Any:
    return {True: False, False: True}[value] if _kind(value) == "boolean" else _spread(value)


def _and(left: Any, right: Any) -> Any:
    for side in (left, right):
        if side is False:
            return False
    for side in (left, right):
        if side is not True:
            return _spread(side)
    return True


def _compared(operator: str, left: Any, right: Any) -> Any:
    if operator == "!==":
        return _not(_compared("===", left, right))
    if not _usable(left, right):
        return _spread(left, right)
    kinds = {_kind(left), _kind(right)}
    if operator == "===":
        return _equal(left, right)
    if operator == "in":
        if _kind(right) == "map":
            return left in list(right) if _kind(left) == "string" else FAULT
        return _any([_equal(left, item) for item in right]) if _kind(right) == "list" else FAULT
    if kinds not in ({"number"}, {"string"}):
        return FAULT
    return {"<": left < right, "<=": left <= right, ">": left > right, ">=": left >= right}[
        operator
    ]


def _equal(left: Any, right: Any) -> Any:
    if not _usable(left, right):
        return _spread(left, right)
    if left is None or right is None:
        return left is right
    if _kind(left) != _kind(right):
        return FAULT
    if _kind(left) == "list":
        pairs = list(zip(left, right, strict=False))
        return len(left) == len(right) and _all([_equal(*pair) for pair in pairs])
    if _kind(left) == "map":
        return set(left) == set(right) and _all([_equal(left[key], right[key]) for key in left])
    return left == right


def _all(results: Sequence[Any]) -> Any:
    whole: Any = True
    for result in results:
        whole = _and(whole, result)
    return whole


def _any(results: Sequence[Any]) -> Any:
    return _not(_all([_not(result) for result in results]))


def _called(expr: Call, scope: Scope) -> Any:
    function = FUNCTIONS[expr.function]
    arguments = [evaluate(argument, scope) for argument in expr.arguments]
    for parameter, argument in zip(function.parameters, arguments, strict=True):
        kind = _kind(argument)
        if kind == "missing" and not parameter.path:
            return MISSING
        if kind == "fault" or (
            kind != "missing" and parameter.kinds and kind not in parameter.kinds
        ):
            return FAULT
    if function.clock:
        now = _read(scope.get("request", MISSING), "time")
        if _kind(now) != "number":
            return _spread(now)
        arguments.append(now)
    result = function.run(*arguments)
    return FAULT if isinstance(result, Fault) else result
