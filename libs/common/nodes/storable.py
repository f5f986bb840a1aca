"""What may be kept of a value with the session, which is stored at each step."""

from __future__ import annotations

from typing import Final

import msgspec

from libs.common.flow.expression.values import Value, unusable

LARGEST: Final = 4_096
"""Bytes of a value in msgpack."""


def is_storable(value: Value) -> bool:
    """Tell whether `value` is data, and small enough."""
    if unusable(value) is not None:
        return False
    try:
        return len(msgspec.msgpack.encode(value)) <= LARGEST
    except OverflowError:
        # JSON and expressions can have a whole number that msgpack has no room for.
        return False
