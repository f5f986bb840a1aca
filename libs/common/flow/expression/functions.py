"""The functions of the language, in one table that is their reference page too.

They are pure: the only clock is `request.time`, the Unix seconds that the executor puts into
the scope, so that a replay gives the same answer. They take time linear in their arguments,
give nothing larger than a small multiple of them, and never raise: an argument of another
kind is a `Fault`, a missing one makes the call missing.
"""

import ipaddress
import re
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, Final

import msgspec

from libs.common.flow.expression.values import MISSING, NOUNS, Fault, Json, Kind, Value, kind, unusable

SECONDS_A_DAY: Final = 86_400

NUMBER: Final = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?")
"""A number as an expression writes it: JSON's (RFC 8259, section 6)."""

LONGEST_NUMBER: Final = 32
"""Characters that `number` reads: longer than any number somebody types into a form."""


class Parameter(msgspec.Struct, frozen=True):
    name: str
    kinds: tuple[Kind, ...] = ()
    """The kinds accepted; any if empty."""
    path: bool = False
    """Whether the argument must be an attribute path, which then may be missing."""


class Function(msgspec.Struct, frozen=True):
    name: str
    parameters: tuple[Parameter, ...]
    result: Kind
    description: str
    example: str
    gives: Json
    """What `example` comes to."""
    run: Callable[..., Value]
    """Called with one value for each of `parameters`, of the kinds they accept, then of `reads`."""
    reads: tuple[tuple[str, str], ...] = ()
    """Attributes that the function reads besides its arguments."""

    @property
    def signature(self) -> str:
        """As `endsWith(text: string, end: string)`."""
        shown = (f"{each.name}: {' or '.join(each.kinds) or 'any'}" for each in self.parameters)
        return f"{self.name}({', '.join(shown)})"


def number(text: str) -> Value:
    if len(text) > LONGEST_NUMBER or NUMBER.fullmatch(text) is None:
        return Fault("`number` needs a string that is a number")
    return read_number(text)


def read_number(text: str) -> int | float:
    """The number that `text`, matched by `NUMBER`, stands for; infinite if it is too large."""
    return float(text) if any(mark in text for mark in ".eE") else int(text)
