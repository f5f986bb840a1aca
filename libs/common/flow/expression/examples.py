"""Examples of the language: what the reference shows, and the tests run."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

import msgspec

from libs.common.flow.expression.values import Json, Value


class Example(msgspec.Struct, frozen=True):
    """An expression, and what it comes to with `SAMPLE`."""

    text: str
    gives: Value


SAMPLE: Final[Mapping[str, Json]] = MappingProxyType(
    {
        "user": {
            "email": "ada@example.com",
            "email_verified": False,
            "logins_count": 3,
            "role": "staff",
            "roles": ["staff", "ops"],
            "last_login": 1_799_136_000,
            "locale": None,
        },
        "request": {"time": 1_800_000_000, "ip": "10.1.2.3", "user_agent": "Firefox/140.0"},
        "inputs": {"age": "18", "plan": "free"},
    }
)
"""What the examples read. Nothing says whether this user has `mfa_enabled`."""
