"""Splits the text of an expression into tokens, in one pass that is linear in the text."""

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final, Literal, NamedTuple, TypeAlias

from libs.common.flow.expression.values import NUMBER

TokenKind: TypeAlias = Literal["number", "name", "string", "symbol", "end"]


class ExpressionError(Exception):
    """A text is not an expression. `message` says how to mend it."""

    def __init__(self, message: str, position: int) -> None:
        super().__init__(f"{message} (at character {position + 1})")
        self.message = message
        self.position = position
        """Characters before the place, so 0 is the first one."""


_SHOWN: Final = 40


class Token(NamedTuple):
    kind: TokenKind
    text: str
    position: int

    @property
    def shown(self) -> str:
        """The token as messages quote it: bounded, since a token can be the whole text."""
        return self.text if len(self.text) <= _SHOWN else f"{self.text[:_SHOWN]}…"


_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")

# Possessive, so that a string that is not closed fails at once.
_TOKEN: Final = re.compile(
    rf"""
    (?P<space>[ \t\r\n]+)
    |(?P<number>{NUMBER.pattern})
    |(?P<name>{_NAME.pattern})
    |(?P<string>"(?:[^"\\\r\n]|\\.)*+"|'(?:[^'\\\r\n]|\\.)*+')
    |(?P<symbol>===|!==|==|!=|<=|>=|&&|\|\||\?\?|\?\.|[!<>?:.,()\[\]])
    """,
    re.VERBOSE,
)

_NO_ARITHMETIC: Final = "there is no arithmetic in expressions"

_NOT_CLOSED: Final = "this string does not end on its line; close it, or write `\\n` for a new line"

_ADVICE: Final[Mapping[str, str]] = MappingProxyType(
    {
        '"': _NOT_CLOSED,
        "'": _NOT_CLOSED,
        "`": "strings stand between `\"` or `'`",
        "&": "`&` is not an operator; write `&&`",
        "|": "`|` is not an operator; write `||`",
        "=": "`=` is not an operator; write `===`",
        "+": _NO_ARITHMETIC,
        "-": f"`-` may only stand before a number; {_NO_ARITHMETIC}",
        "*": _NO_ARITHMETIC,
        "/": _NO_ARITHMETIC,
        "%": _NO_ARITHMETIC,
        "{": "there are no map literals; read an attribute instead",
        ";": "an expression is one value; join conditions with `&&` or `||`",
    }
)

_ESCAPE: Final = re.compile(r"\\(u[0-9A-Fa-f]{4}|.)")

_ESCAPED: Final[Mapping[str, str]] = MappingProxyType(
    {
        '"': '"',
        "'": "'",
        "\\": "\\",
        "/": "/",
        "b": "\b",
        "f": "\f",
        "n": "\n",
        "r": "\r",
        "t": "\t",
    }
)


def is_name(text: str) -> bool:
    """Whether `text` can stand behind a `.`, where keywords are names like any other."""
    return _NAME.fullmatch(text) is not None


def tokens(text: str) -> list[Token]:
    """The tokens of `text`, without white space, then one of kind "end"."""
    found: list[Token] = []
    position = 0
    while position < len(text):
        match = _TOKEN.match(text, position)
        if match is None:
            advice = _ADVICE.get(text[position], f"{text[position]!a} has no meaning here")
            raise ExpressionError(advice, position)
        if match.lastgroup != "space":
            found.append(Token(match.lastgroup, match[0], position))  # type: ignore[arg-type]  # the groups are the kinds
        position = match.end()
    found.append(Token("end", "", position))
    return found


def string_value(token: Token) -> str:
    """What a string token stands for, with the escapes of JSON (RFC 8259, section 7)."""

    def character(match: re.Match[str]) -> str:
        escape = match[1]
        if len(escape) > 1:
            return chr(int(escape[1:], 16))
        if escape not in _ESCAPED:
            where = token.position + 1 + match.start()
            raise ExpressionError(f"`{match[0]}` is not an escape; write `\\\\` for `\\`", where)
        return _ESCAPED[escape]

    value = _ESCAPE.sub(character, token.text[1:-1])
    try:
        # Joins the two halves that JSON's `\u` needs for one character beyond U+FFFF.
        return value.encode("utf-16", "surrogatepass").decode("utf-16")
    except UnicodeDecodeError:
        raise ExpressionError("this string has half a surrogate pair", token.position) from None
