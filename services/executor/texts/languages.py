"""Finds the language for a request: `Accept-Language` (RFC 9110, 12.5.4) by lookup (RFC 4647, 3.4).

Whatever a client sends, there is an answer; what cannot be read of it counts for nothing.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from typing import Final

_MOST: Final = 20
"""Ranges that are read; the rest of the header is not looked at."""
_RANGE: Final = re.compile(
    r"[ \t]*([A-Za-z]{1,8}(?:-[A-Za-z0-9]{1,8}){0,8}|\*)"
    r"(?:[ \t]*;[ \t]*[qQ]=(0(?:\.[0-9]{0,3})?|1(?:\.0{0,3})?))?[ \t]*"
)


def look_up(header: str, offered: Collection[str]) -> str | None:
    """Return which of the tags `offered`, in lower case, suits `header` best; None where none does.

    `*` suits nothing of its own: it means whatever is answered where nothing suits.
    """
    ranges = list(_ranges(header))
    refused = {tag for tag, weight in ranges if weight == 0}
    # Stable: of two that are as good, the first.
    for wanted, weight in sorted(ranges, key=lambda each: -each[1]):
        for tag in truncations(wanted):
            if weight == 0 or tag in refused:
                break
            if tag in offered:
                return tag
    return None


def truncations(tag: str) -> Iterator[str]:
    """List `tag`, and what is left of it as it becomes less and less particular."""
    parts = tag.split("-")
    while parts:
        yield "-".join(parts)
        parts.pop()
        # What begins an extension says nothing without it.
        while parts and len(parts[-1]) == 1:
            parts.pop()


def _ranges(header: str) -> Iterator[tuple[str, float]]:
    for part in header.split(",", _MOST)[:_MOST]:
        found = _RANGE.fullmatch(part)
        if found is not None:
            yield found[1].lower(), float(found[2] or 1)
