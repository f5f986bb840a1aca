"""Turns a tree into closures, once, so that running it costs a few calls.

A closure decides only the cases that are both frequent and certain, and hands the rest to the
operators, so it gives what the trace gives. It never raises, whatever the data; what it gives
for a mistake is a `Fault`.
"""

from collections.abc import Callable
from typing import TypeAlias, assert_never

from libs.common.flow.expression import operators
from libs.common.flow.expression.functions import call, operands
from libs.common.flow.expression.operators import Operation
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

Evaluate: TypeAlias = Callable[[Scope], Value]


def compile_expression(expr: Expr) -> Evaluate:
    """Make the function from a scope to the value of `expr`."""
    match expr:
        case Constant(value=value):
            return lambda _scope: value
        case Root(name=name):
            return lambda scope: scope.get(name, MISSING)
        case Member(of=Root(name=root), name=name):
            return _attribute(root, name)
        case Member(of=of, name=name):
            return _member(compile_expression(of), name)
        case Index(of=of, at=at):
            return _operation(operators.element, of, at)
        case Not(operand=operand):
            return _negated(compile_expression(operand))
        case Binary(operator="&&", left=left, right=right):
            return _both(compile_expression(left), compile_expression(right))
        case Binary(operator="||", left=left, right=right):
            return _either(compile_expression(left), compile_expression(right))
        case Binary(operator="??", left=left, right=right):
            return _otherwise(compile_expression(left), compile_expression(right))
        case Binary(operator=operator, left=left, right=right):
            return _operation(operators.BINARY[operator], left, right)
        case Choice(condition=condition, then=then, otherwise=otherwise):
            return _chosen(*map(compile_expression, (condition, then, otherwise)))
        case Items(items=items):
            return _listed(items)
        case Call(function=function):
            return _call(function, tuple(map(compile_expression, operands(expr))))
        case _:
            assert_never(expr)


def _attribute(root: str, name: str) -> Evaluate:
    def attribute(scope: Scope) -> Value:
        of = scope.get(root, MISSING)
        if type(of) is dict:
            found: Value = of.get(name, MISSING)
            return found
        return operators.member(of, name)

    return attribute


def _member(of: Evaluate, name: str) -> Evaluate:
    return lambda scope: operators.member(of(scope), name)


def _negated(operand: Evaluate) -> Evaluate:
    return lambda scope: operators.negated(operand(scope))


def _both(left: Evaluate, right: Evaluate) -> Evaluate:
    def both(scope: Scope) -> Value:
        first = left(scope)
        return False if first is False else operators.both(first, right(scope))

    return both


def _either(left: Evaluate, right: Evaluate) -> Evaluate:
    def either(scope: Scope) -> Value:
        first = left(scope)
        return True if first is True else operators.either(first, right(scope))

    return either


def _otherwise(left: Evaluate, right: Evaluate) -> Evaluate:
    def otherwise(scope: Scope) -> Value:
        first = left(scope)
        return (
            operators.otherwise(first, right(scope)) if first is None or first is MISSING else first
        )

    return otherwise


def _operation(operation: Operation, left: Expr, right: Expr) -> Evaluate:
    first, second = compile_expression(left), compile_expression(right)
    return lambda scope: operation(first(scope), second(scope))


def _chosen(condition: Evaluate, then: Evaluate, otherwise: Evaluate) -> Evaluate:
    def chosen(scope: Scope) -> Value:
        decided = condition(scope)
        if isinstance(decided, bool):
            return then(scope) if decided else otherwise(scope)
        return operators.chosen(decided, None, None)

    return chosen


def _listed(items: tuple[Expr, ...]) -> Evaluate:
    if all(isinstance(item, Constant) for item in items):
        constants = operators.listed(item.value for item in items if isinstance(item, Constant))
        return lambda _scope: constants
    parts = tuple(map(compile_expression, items))
    return lambda scope: operators.listed(part(scope) for part in parts)


def _call(name: str, arguments: tuple[Evaluate, ...]) -> Evaluate:
    return lambda scope: call(name, [argument(scope) for argument in arguments])
