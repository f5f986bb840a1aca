"""Tells what each sub-expression came to, for people who want to know why.

It evaluates everything, also what a closure skips, with the same operators. Its parts hold the
data that was read, so whoever shows them masks what must not be seen.
"""

from itertools import chain
from typing import assert_never

import msgspec

from libs.common.flow.expression import operators
from libs.common.flow.expression.functions import call, operands
from libs.common.flow.expression.text import to_text
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
from libs.common.flow.expression.values import MISSING, Scope, Value


class Part(msgspec.Struct, frozen=True):
    """A sub-expression and its value."""

    text: str
    value: Value
    depth: int
    """0 for the whole expression, one more than the part that this is an operand of."""


def trace(expr: Expr, scope: Scope) -> tuple[Part, ...]:
    """The whole expression first, each part before its operands, these from left to right."""
    return _trace(expr, scope, 0)


def _trace(expr: Expr, scope: Scope, depth: int) -> tuple[Part, ...]:
    below = [_trace(operand, scope, depth + 1) for operand in operands(expr)]
    value = _value(expr, scope, [parts[0].value for parts in below])
    return (Part(to_text(expr), value, depth), *chain.from_iterable(below))


def _value(expr: Expr, scope: Scope, values: list[Value]) -> Value:
    """The value of `expr`, whose operands have `values`."""
    match expr:
        case Constant(value=value):
            return value
        case Root(name=name):
            return scope.get(name, MISSING)
        case Member(name=name):
            return operators.member(values[0], name)
        case Index():
            return operators.element(*values)
        case Not():
            return operators.negated(*values)
        case Binary(operator=operator):
            return operators.BINARY[operator](*values)
        case Choice():
            return operators.chosen(*values)
        case Items():
            return operators.listed(values)
        case Call(function=function):
            return call(function, values)
        case _:
            assert_never(expr)
