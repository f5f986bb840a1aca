"""Writes a tree as its author would, with no parentheses but those it needs."""

from typing import assert_never

import msgspec

from libs.common.flow.expression.grammar import BINDING, CHOICE, LOOSEST, TIGHTEST, clash
from libs.common.flow.expression.tokens import is_name
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


def to_text(expr: Expr) -> str:
    """The text of `expr`, which parses to `expr` again unless it has become too long for that."""
    match expr:
        case Constant(value=value):
            return _literal(value)
        case Root(name=name):
            return name
        case Member(of=of, name=name):
            return f"{_access(of)}.{name}" if is_name(name) else f"{_access(of)}[{_literal(name)}]"
        case Index(of=of, at=at):
            return f"{_access(of)}[{to_text(at)}]"
        case Not(operand=operand):
            return f"!{_within(operand, TIGHTEST)}"
        case Binary(operator=operator, left=left, right=right):
            sides = [
                f"({to_text(side)})" if clash(operator, side) else _within(side, floor)
                for side, floor in ((left, BINDING[operator]), (right, BINDING[operator] + 1))
            ]
            return f"{sides[0]} {operator} {sides[1]}"
        case Choice(condition=condition, then=then, otherwise=otherwise):
            return f"{_within(condition, LOOSEST)} ? {to_text(then)} : {to_text(otherwise)}"
        case Items(items=items):
            return f"[{', '.join(map(to_text, items))}]"
        case Call(function=function, arguments=arguments):
            return f"{function}({', '.join(map(to_text, arguments))})"
        case _:
            assert_never(expr)


def _literal(value: bool | float | str | None) -> str:
    # JSON's literals are literals of the language.
    return msgspec.json.encode(value).decode()


def _access(of: Expr) -> str:
    """`of` as it stands before a `.` or `[`."""
    return f"({to_text(of)})" if isinstance(of, Not) else _within(of, TIGHTEST)


def _within(expr: Expr, floor: int) -> str:
    """`expr` where only what binds at least as tightly as `floor` needs no parentheses."""
    if isinstance(expr, Binary):
        binding = BINDING[expr.operator]
    else:
        binding = CHOICE if isinstance(expr, Choice) else TIGHTEST
    return to_text(expr) if binding >= floor else f"({to_text(expr)})"
