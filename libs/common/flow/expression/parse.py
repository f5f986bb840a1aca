"""Reads the text of an expression into its tree.

Precedence climbing over a list of tokens, in time linear in the text. Whatever recurses counts
in `nesting`, so that no text can exhaust the stack.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final, NamedTuple

from libs.common.flow.expression.functions import FUNCTIONS
from libs.common.flow.expression.grammar import BINDING, LOOSEST, clash
from libs.common.flow.expression.tokens import ExpressionError, Token, string_value, tokens
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
    Operator,
    Root,
)
from libs.common.flow.expression.values import read_number

MAX_CHARACTERS: Final = 2_000
MAX_NODES: Final = 200
MAX_DEPTH: Final = 24
"""Of the tree, and of brackets in one another."""

_OPERATORS: Final[Mapping[str, Operator]] = MappingProxyType(
    {"==": "===", "!=": "!==", **{each: each for each in BINDING}}
)

_KEYWORDS: Final[Mapping[str, bool | None]] = MappingProxyType(
    {"true": True, "false": False, "null": None}
)

_ADVICE: Final[Mapping[str, str]] = MappingProxyType(
    {
        "in": "`in` needs a value on its left",
        "and": "`and` is not an operator; write `&&`",
        "or": "`or` is not an operator; write `||`",
        "not": "`not` is not an operator; write `!`",
        "undefined": "`undefined` is not a value; write `has(path)` or `path ?? default`",
    }
)


def parse(text: str) -> Expr:
    """The tree of `text`, or raise `ExpressionError` at its first mistake."""
    if len(text) > MAX_CHARACTERS:
        raise ExpressionError(
            f"the expression has {len(text)} characters; at most {MAX_CHARACTERS} are allowed",
            MAX_CHARACTERS,
        )
    return _Parser(text).whole()


def _too_deep(at: Token) -> ExpressionError:
    advice = (
        f"the expression nests deeper than {MAX_DEPTH}; use `in`, or split it over several nodes"
    )
    return ExpressionError(advice, at.position)


def _is_path(tree: Expr) -> bool:
    while isinstance(tree, Member | Index):
        tree = tree.of
    return isinstance(tree, Root)


class _Part(NamedTuple):
    """A sub-expression, and what the tree alone does not tell of it."""

    tree: Expr
    depth: int
    bare: bool = True
    """Whether it stands without parentheses around it."""


class _Parser:
    def __init__(self, text: str) -> None:
        self._tokens = iter(tokens(text))
        self._next = next(self._tokens)
        self._nodes = 0

    def whole(self) -> Expr:
        if self._ended():
            raise ExpressionError("the expression is empty; write a value, such as `true`", 0)
        part = self._choice(0)
        if not self._ended():
            raise self._unexpected("an operator or the end")
        return part.tree

    def _choice(self, nesting: int) -> _Part:
        if nesting >= MAX_DEPTH:
            raise _too_deep(self._next)
        condition = self._operation(LOOSEST, nesting)
        at = self._next
        if not self._took("?"):
            return condition
        then = self._choice(nesting + 1)
        self._expect(":")
        otherwise = self._choice(nesting + 1)
        tree = Choice(condition.tree, then.tree, otherwise.tree)
        return self._node(tree, at, condition, then, otherwise)

    def _operation(self, floor: int, nesting: int) -> _Part:
        """A run of operators that bind at least as tightly as `floor`, left to right."""
        left = self._unary(nesting)
        while True:
            at = self._next
            operator = _OPERATORS.get(at.text)
            if operator is None or BINDING[operator] < floor:
                return left
            self._advance()
            right = self._operation(BINDING[operator] + 1, nesting)
            for side in (left, right):
                advice = clash(operator, side.tree) if side.bare else None
                if advice is not None:
                    raise ExpressionError(advice, at.position)
            left = self._node(Binary(operator, left.tree, right.tree), at, left, right)

    def _unary(self, nesting: int) -> _Part:
        marks: list[Token] = []
        while self._next.text == "!":
            marks.append(self._advance())
        part = self._access(nesting)
        for mark in reversed(marks):
            part = self._node(Not(part.tree), mark, part)
        return part

    def _access(self, nesting: int) -> _Part:
        """A value and the `.name` and `[…]` behind it."""
        part = self._value(nesting)
        while True:
            at = self._next
            # `?.` says what `.` does anyway: what null or something missing would hold is missing.
            optional = self._took("?.")
            if self._took("["):
                key = self._choice(nesting + 1)
                self._expect("]")
                if isinstance(key.tree, Constant) and isinstance(key.tree.value, str):
                    part = self._node(Member(part.tree, key.tree.value), at, part)
                else:
                    part = self._node(Index(part.tree, key.tree), at, part, key)
            elif optional or self._took("."):
                part = self._node(Member(part.tree, self._attribute()), at, part)
            else:
                return part

    def _attribute(self) -> str:
        if self._next.kind != "name":
            raise self._unexpected("the name of an attribute")
        name = self._advance()
        if self._next.text == "(":
            advice = f"there are no methods; write `{name.shown}(…)` with the value as argument"
            raise ExpressionError(advice, name.position)
        return name.text

    def _value(self, nesting: int) -> _Part:
        token = self._next
        if token.kind == "number":
            self._advance()
            number = read_number(token.text)
            if number is None:
                raise ExpressionError(f"{token.shown} is out of range or too long", token.position)
            return self._node(Constant(number), token)
        if token.kind == "string":
            self._advance()
            return self._node(Constant(string_value(token)), token)
        if token.kind == "name" and token.text not in _ADVICE:
            return self._named(self._advance(), nesting)
        if self._took("("):
            inner = self._choice(nesting + 1)
            self._expect(")")
            return inner._replace(bare=False)
        if self._took("["):
            items = self._list("]", nesting)
            return self._node(Items(tuple(item.tree for item in items)), token, *items)
        raise self._unexpected("a value")

    def _named(self, name: Token, nesting: int) -> _Part:
        """A keyword, a call or a root."""
        if name.text in _KEYWORDS:
            return self._node(Constant(_KEYWORDS[name.text]), name)
        if not self._took("("):
            return self._node(Root(name.text), name)
        if name.text not in FUNCTIONS:
            advice = f"there is no function `{name.shown}`; there are {', '.join(FUNCTIONS)}"
            raise ExpressionError(advice, name.position)
        arguments = self._list(")", nesting)
        parameters = FUNCTIONS[name.text].parameters
        if len(arguments) != len(parameters):
            advice = (
                f"write `{FUNCTIONS[name.text].signature}`; this has {len(arguments)} arguments"
            )
            raise ExpressionError(advice, name.position)
        for parameter, argument in zip(parameters, arguments, strict=True):
            if parameter.path and not _is_path(argument.tree):
                advice = f"`{name.text}` takes an attribute path, such as `user.email`"
                raise ExpressionError(advice, name.position)
        tree = Call(name.text, tuple(argument.tree for argument in arguments))
        return self._node(tree, name, *arguments)

    def _list(self, close: str, nesting: int) -> list[_Part]:
        """Values with commas between them, up to `close`."""
        found: list[_Part] = []
        while not self._took(close):
            if found and not self._took(","):
                raise self._unexpected(f"`,` or `{close}`")
            found.append(self._choice(nesting + 1))
        return found

    def _node(self, tree: Expr, at: Token, *parts: _Part) -> _Part:
        self._nodes += 1
        if self._nodes > MAX_NODES:
            advice = f"the expression has more than {MAX_NODES} parts; split it over several nodes"
            raise ExpressionError(advice, at.position)
        depth = 1 + max((part.depth for part in parts), default=0)
        if depth > MAX_DEPTH:
            raise _too_deep(at)
        return _Part(tree, depth)

    def _ended(self) -> bool:
        return self._next.kind == "end"

    def _advance(self) -> Token:
        token = self._next
        self._next = next(self._tokens, token)
        return token

    def _took(self, symbol: str) -> bool:
        if self._next.text != symbol:
            return False
        self._advance()
        return True

    def _expect(self, symbol: str) -> None:
        if not self._took(symbol):
            raise self._unexpected(f"`{symbol}`")

    def _unexpected(self, wanted: str) -> ExpressionError:
        token = self._next
        found = f"not `{token.shown}`" if token.text else "but the expression ends here"
        advice = _ADVICE.get(token.text, f"expected {wanted}, {found}")
        return ExpressionError(advice, token.position)
