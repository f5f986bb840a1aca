"""What can be known of an expression before it runs: what it reads, and what cannot be right."""

import difflib
from collections.abc import Iterator
from typing import Final, Literal, assert_never

import msgspec

from libs.common.flow.expression.functions import FUNCTIONS, operands
from libs.common.flow.expression.schema import Schema, Shape
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
    static_path,
)
from libs.common.flow.expression.values import NOUNS, Kind, kind


class Finding(msgspec.Struct, frozen=True):
    """Something about an expression that its author should know."""

    severity: Literal["error", "warning"]
    code: Literal["invalid_expression", "unknown_attribute"]
    message: str


def roots(expr: Expr) -> frozenset[str]:
    """The roots that `expr` reads."""
    return frozenset(path[0] for path in paths(expr))


def paths(expr: Expr) -> tuple[tuple[str, ...], ...]:
    """Each attribute path that `expr` reads, once, in order.

    A path ends where an index follows that is not a string literal.
    """
    return tuple(dict.fromkeys(_paths(expr)))


def _paths(expr: Expr) -> Iterator[tuple[str, ...]]:
    path = static_path(expr)
    if path is not None:
        yield path
        return
    for operand in operands(expr):
        yield from _paths(operand)


def check(expr: Expr, schema: Schema, wanted: Kind | None = None) -> list[Finding]:
    """All that `schema` says against `expr`, each once, in the order of the text.

    With `wanted`, a whole that is certainly of another kind is an error as well.
    """
    checker = _Checker(schema)
    shape = checker.shape(expr)
    if wanted is not None:
        checker.needs("this place", expr, shape, wanted)
    return list(dict.fromkeys(checker.findings))


_ANYTHING: Final = Shape()

ALIKE: Final = 0.8
"""From 0 to 1: how much of two names is the same where one is likely the other, misspelt."""


class _Checker:
    """Infers what each sub-expression gives if it gives anything, and notes what cannot be."""

    def __init__(self, schema: Schema) -> None:
        self.findings: list[Finding] = []
        self._schema = schema

    def needs(self, what: str, operand: Expr, shape: Shape, *kinds: Kind) -> None:
        """Note a clash if `operand` is known to be of none of `kinds`."""
        if shape.kind is not None and shape.kind not in kinds:
            wanted = " or ".join(NOUNS[each] for each in kinds)
            self._clash(f"{what} needs {wanted}; `{to_text(operand)}` is {NOUNS[shape.kind]}")

    def shape(self, expr: Expr) -> Shape:
        match expr:
            case Constant(value=value):
                return Shape(kind(value))
            case Root(name=name):
                return self._root(name)
            case Member(of=of, name=name):
                return self._member(expr, of, name)
            case Index(of=of, at=at):
                return self._element(of, at)
            case Not(operand=operand):
                self._boolean("!", operand)
                return Shape("boolean")
            case Binary():
                return self._binary(expr)
            case Choice(condition=condition, then=then, otherwise=otherwise):
                self._boolean("?", condition)
                return _joined(self.shape(then), self.shape(otherwise))
            case Items(items=items):
                for item in items:
                    self.shape(item)
                return Shape("list")
            case Call(function=name, arguments=arguments):
                return self._call(name, arguments)
            case _:
                assert_never(expr)

    def _root(self, name: str) -> Shape:
        if name not in self._schema:
            known = ", ".join(f"`{root}`" for root in self._schema)
            self._clash(f"there is no `{name}`; an expression reads {known}")
        return self._schema.get(name, _ANYTHING)

    def _member(self, expr: Expr, of: Expr, name: str) -> Shape:
        parent = self.shape(of)
        self.needs(f"`.{name}`", of, parent, "map", "null")
        if name in parent.attributes:
            return parent.attributes[name]
        if parent.closed:
            known = ", ".join(f"`{attribute}`" for attribute in parent.attributes) or "nothing yet"
            self._unknown(expr, f"`{to_text(of)}` has {known}")
            return _ANYTHING
        # Tenants name attributes of their own, so only what looks like a slip is told of.
        for meant in difflib.get_close_matches(name, parent.attributes, n=1, cutoff=ALIKE):
            self._unknown(expr, f"did you mean `{to_text(Member(of, meant))}`?")
        return _ANYTHING

    def _element(self, of: Expr, at: Expr) -> Shape:
        parent, key = self.shape(of), self.shape(at)
        self.needs("`[…]`", of, parent, "list", "map", "null")
        if parent.kind == "list":
            self.needs("`[…]` on a list", at, key, "number")
        elif parent.kind == "map":
            self.needs("`[…]` on a map", at, key, "string")
        else:
            self.needs("`[…]`", at, key, "number", "string")
        return _ANYTHING

    def _binary(self, expr: Binary) -> Shape:
        match expr.operator:
            case "&&" | "||":
                self._boolean(expr.operator, expr.left)
                self._boolean(expr.operator, expr.right)
            case "??":
                return _joined(self.shape(expr.left), self.shape(expr.right))
            case "===" | "!==":
                shapes = self.shape(expr.left), self.shape(expr.right)
                self._alike(expr.operator, (expr.left, shapes[0]), (expr.right, shapes[1]))
            case "in":
                self._within(expr.left, expr.right)
            case _:
                self._ordered(expr)
        return Shape("boolean")

    def _within(self, needle: Expr, haystack: Expr) -> None:
        left = self.shape(needle)
        if isinstance(haystack, Items):
            # One look at each item: a second would double the time with every list in a list.
            for item in haystack.items:
                self._alike("in", (needle, left), (item, self.shape(item)))
            return
        right = self.shape(haystack)
        self.needs("the right of `in`", haystack, right, "list", "map")
        if right.kind == "map":
            self.needs("`in` on a map", needle, left, "string")

    def _ordered(self, expr: Binary) -> None:
        left, right = self.shape(expr.left), self.shape(expr.right)
        for side, shape in ((expr.left, left), (expr.right, right)):
            self.needs(f"`{expr.operator}`", side, shape, "number", "string")
        self._alike(expr.operator, (expr.left, left), (expr.right, right))

    def _call(self, name: str, arguments: tuple[Expr, ...]) -> Shape:
        function = FUNCTIONS[name]
        for parameter, argument in zip(function.parameters, arguments, strict=True):
            shape = self.shape(argument)
            if parameter.kinds:
                self.needs(f"`{name}`", argument, shape, *parameter.kinds)
        return Shape(function.result)

    def _boolean(self, operator: str, operand: Expr) -> None:
        self.needs(f"`{operator}`", operand, self.shape(operand), "boolean")

    def _alike(self, operator: str, left: tuple[Expr, Shape], right: tuple[Expr, Shape]) -> None:
        kinds = left[1].kind, right[1].kind
        if kinds[0] != kinds[1] and None not in kinds and "null" not in kinds:
            sides = [f"`{to_text(side)}`, {NOUNS[shape.kind]}" for side, shape in (left, right)]
            compared = f"`{operator}` compares {sides[0]}, with {sides[1]}"
            self._clash(f"{compared}; compare two of one kind")

    def _unknown(self, expr: Expr, advice: str) -> None:
        message = f"`{to_text(expr)}` is not known; {advice}"
        self.findings.append(Finding("warning", "unknown_attribute", message))

    def _clash(self, message: str) -> None:
        self.findings.append(Finding("error", "invalid_expression", message))


def _joined(one: Shape, other: Shape) -> Shape:
    """What a value is that has either of two shapes."""
    return one if one == other else Shape(one.kind if one.kind == other.kind else None)
