"""What an expression can give: a value of the language, `MISSING`, or a `Fault`.

A fault's reason names kinds, never values: what is compared may be a secret.
"""

import enum
import math
import re
from collections.abc import Mapping, Sequence
from types import MappingProxyType, NoneType
from typing import Final, Literal, TypeAlias

import msgspec

Kind: TypeAlias = Literal["null", "boolean", "number", "string", "list", "map"]

Json: TypeAlias = "bool | int | float | str | Sequence[Json] | Mapping[str, Json] | None"
"""Data. A list is a Python list or tuple, a map a dict; subclasses are foreign (see `kind`)."""


class Missing(enum.Enum):
    """The type of `MISSING`."""

    MISSING = "missing"


MISSING: Final = Missing.MISSING
"""What reading an attribute that is not there gives. Unlike null, no author can write it."""


class Fault(msgspec.Struct, frozen=True):
    """What an operation gives that its operands' kinds do not allow."""

    reason: str


Value: TypeAlias = "Json | Missing | Fault"
Scope: TypeAlias = Mapping[str, Json]
"""The roots by name, as `user` and `request`."""

_KINDS: Final[Mapping[type, Kind]] = MappingProxyType(
    {
        NoneType: "null",
        bool: "boolean",
        int: "number",
        float: "number",
        str: "string",
        list: "list",
        tuple: "list",
        dict: "map",
    }
)

NOUNS: Final[Mapping[Kind | None, str]] = MappingProxyType(
    {
        None: "something foreign",
        "null": "null",
        "boolean": "a boolean",
        "number": "a number",
        "string": "a string",
        "list": "a list",
        "map": "a map",
    }
)
"""How messages name each kind."""

NUMBER: Final = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?")
"""A number as JSON writes it (RFC 8259, section 6)."""

LONGEST_NUMBER: Final = 32
"""Characters; more than any number that JSON readers agree about."""

FOREIGN: Final = Fault("reads something that is not null, boolean, number, string, list or map")


def kind(value: object) -> Kind | None:
    """The kind of `value`, or None where it is missing, a fault or foreign to the language.

    NaN and the infinities are foreign: they are not JSON, and NaN is not even equal to itself.
    """
    if type(value) is float and not math.isfinite(value):
        return None
    return _KINDS.get(type(value))


def read_number(text: str) -> int | float | None:
    """The number that `text` writes, or None if it writes none, or one out of range.

    A float must be finite, an integer one that every JSON reader keeps exactly
    (RFC 8259, section 6).
    """
    # The length is looked at first, since the time of int() grows with its square.
    if len(text) > LONGEST_NUMBER or NUMBER.fullmatch(text) is None:
        return None
    if any(mark in text for mark in ".eE"):
        return float(text) if math.isfinite(float(text)) else None
    return int(text) if abs(int(text)) < 2**53 else None


def unusable(*values: Value) -> Missing | Fault | None:
    """What an operation on `values` spreads: the first of them that it cannot use, if any."""
    for value in values:
        if kind(value) is None:
            return value if isinstance(value, Missing | Fault) else FOREIGN
    return None


def truth(value: Value) -> bool | None:
    """True or False for a boolean, None for all else, on which the caller leaves by `error`."""
    return value if isinstance(value, bool) else None
