"""Which face a path is of: each has its own words for the same things, and for what goes wrong."""

from __future__ import annotations

import enum
import re
from collections.abc import Mapping
from typing import Final


class Face(enum.StrEnum):
    """An API in the words of one page."""

    ADMIN = "admin"
    V2 = "v2"
    V3 = "v3"
    OAUTH = "oauth"


PREFIXES: Final[Mapping[Face, str]] = {
    Face.ADMIN: "/api/admin",
    Face.V2: "/api/v2",
    Face.V3: "/api/v3",
    Face.OAUTH: "/oauth",
}
"""Where each lies; what lies nowhere there is of the first."""

_OF_TENANT = re.compile("/t/[^/]*(?=/)")


def face_of(path: str) -> Face:
    """Return the face that a path is of, which may be another tenant's."""
    rest = _OF_TENANT.sub("", path, count=1) if path.startswith("/t/") else path
    for face, prefix in PREFIXES.items():
        if rest == prefix or rest.startswith(f"{prefix}/"):
            return face
    return Face.ADMIN
