"""What the roots of expressions hold, as far as Gatehouse knows it.

Known attributes have a kind, though any of them may be missing or null. A map that is open may
hold others; what it does not know is told of if it looks like a misspelt one. In a closed map it
always is.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final, TypeAlias

import msgspec

from libs.common.flow.expression.values import Kind


class Shape(msgspec.Struct, frozen=True):
    """What is known of a value."""

    kind: Kind | None = None
    """None where it may be anything."""
    attributes: Mapping[str, "Shape"] = MappingProxyType({})
    """What a map is known to hold."""
    closed: bool = False
    """Whether a map holds nothing but `attributes`."""


Schema: TypeAlias = Mapping[str, Shape]
"""The roots by name."""

_BOOLEAN: Final = Shape("boolean")
_NUMBER: Final = Shape("number")
_STRING: Final = Shape("string")
_LIST: Final = Shape("list")
_MAP: Final = Shape("map")
_EMPTY: Final = Shape("map", closed=True)
"""A root of seed 000 that nothing fills yet: whatever is read of it is missing, and warned of."""

SCHEMA: Final[Schema] = MappingProxyType(
    {
        "user": Shape(
            "map",
            {
                "id": _STRING,
                "email": _STRING,
                "email_verified": _BOOLEAN,
                "username": _STRING,
                "phone": _STRING,
                "name": _STRING,
                "given_name": _STRING,
                "family_name": _STRING,
                "locale": _STRING,
                "role": _STRING,
                "roles": _LIST,
                "groups": _LIST,
                "mfa_enabled": _BOOLEAN,
                "mfa_methods": _LIST,
                "logins_count": _NUMBER,
                "last_login": _NUMBER,
                "created_at": _NUMBER,
                "updated_at": _NUMBER,
            },
        ),
        "client": _EMPTY,
        "connection": _EMPTY,
        "request": Shape(
            "map",
            {"time": _NUMBER, "ip": _STRING, "user_agent": _STRING, "language": _STRING},
            closed=True,
        ),
        "stats": _EMPTY,
        "configuration": _EMPTY,
        "facts": _MAP,
        "inputs": _MAP,
        "flow": Shape("map", {"type": _STRING}, closed=True),
    }
)
