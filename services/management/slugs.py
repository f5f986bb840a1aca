"""Makes a slug of what a flow is called, for faces whose flows have no other name. Pure."""

from __future__ import annotations

import re
import unicodedata
from typing import Final

LONGEST: Final = 50
"""Characters of a slug (seed 001)."""
NAMELESS: Final = "flow"
"""The slug of a name that has no letter or digit which a slug could have."""

_REST = re.compile(r"[^a-z0-9]+")


def slug_of(name: str, suffix: str = "") -> str:
    """Return letters, digits and single hyphens that tell of `name`, then `suffix`."""
    # Decomposed, so that what is no letter of ASCII but the mark on one can be dropped.
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    slug = _REST.sub("-", plain.lower()).strip("-") or NAMELESS
    if not suffix:
        return slug[:LONGEST].rstrip("-")
    return f"{slug[: LONGEST - len(suffix) - 1].rstrip('-')}-{suffix}"
