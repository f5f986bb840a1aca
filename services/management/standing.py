"""Whether the client that a token was given to is still what it was then.

A token is stored nowhere, so its client is looked at instead: one that is gone, or has another
secret by now, has no tokens, and no token allows what its client may not do any more. What was read
is believed for some seconds, so that a caller costs one read in that time.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Awaitable, Callable
from typing import Final

import msgspec

KEPT_SECONDS: Final = 5.0


class Standing(msgspec.Struct, frozen=True):
    """What a client is today."""

    secret_hash: bytes
    scopes: tuple[str, ...]


class Standings:
    """What the clients are that called of late."""

    def __init__(
        self, find: Callable[[str], Awaitable[Standing | None]], clock: Callable[[], float]
    ) -> None:
        """`find` finds None for a client that is none; `clock` counts seconds."""
        self._find = find
        self._clock = clock
        self._known: dict[str, tuple[Standing, float]] = {}
        """By id, with the time until which it need not be asked for. Only who was given a token
        is looked for, so that ids which somebody makes up do not fill it."""

    async def scopes(self, id: str, proof: str) -> frozenset[str] | None:
        """Return what a client may do; None unless it has the secret that `proof` was made of.

        Raises `Unavailable` where that is not known.
        """
        standing, until = self._known.pop(id, (None, 0.0))
        if standing is None or self._clock() >= until:
            standing, until = await self._find(id), self._clock() + KEPT_SECONDS
        if standing is None:
            return None
        self._known[id] = (standing, until)
        if not hmac.compare_digest(proof_of(standing.secret_hash), proof):
            return None
        return frozenset(standing.scopes)


def proof_of(secret_hash: bytes) -> str:
    """Return what a token says of its client's secret, of which it tells nothing."""
    return hashlib.sha256(b"proof of a client's secret" + secret_hash).hexdigest()[:32]
