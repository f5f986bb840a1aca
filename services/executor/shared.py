"""Secrets that this deployment shares with other services, as settings have them."""

from __future__ import annotations

from typing import Final

from libs.common.secret import Secret

SHORTEST: Final = 32
"""Characters of one."""


def parse_shared(text: Secret | None) -> tuple[Secret, ...]:
    """Read secrets with commas between; raise `ValueError` for one that could be guessed."""
    if text is None:
        return ()
    found = [part.strip() for part in text.reveal().split(",")]
    if any(len(part) < SHORTEST for part in found):
        raise ValueError(f"has a secret of fewer than {SHORTEST} characters")
    return tuple(map(Secret, found))
