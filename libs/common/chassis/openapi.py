"""What the OpenAPI documents of all services need to know of structs that msgspec encodes."""

from __future__ import annotations

from collections.abc import Iterable
from typing import get_args

import msgspec
from msgspec import UnsetType
from msgspec.structs import fields


def demanded(struct: type[msgspec.Struct], names: Iterable[str]) -> list[str]:
    """Return those of the `names` that msgspec demands of `struct` which are always encoded.

    msgspec demands all that have no default, as a decoder would; what is unset is not encoded.
    """
    left_out = {field.encode_name for field in fields(struct) if UnsetType in get_args(field.type)}
    return [name for name in names if name not in left_out]
