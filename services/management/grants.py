"""Gives clients tokens for their secrets: RFC 6749, 4.4.

Whoever does not know a secret must not learn whether there is such a client: an unknown one takes
as long, and is refused in the same words.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Final

import msgspec

from libs.common.chassis.oauth import CHALLENGE
from libs.common.chassis.tokens import matches
from libs.common.errors import Invalid, Problem, Unauthenticated
from libs.common.secret import Secret
from libs.common.wire.clients import CLIENT_ID
from services.management.auth import CLIENTS, Tokens
from services.management.queries import QUERIES
from services.management.standing import proof_of
from services.management.store import Store

CLIENT_CREDENTIALS: Final = "client_credentials"

_NO_ID: Final = ""


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """What a client asks for, and what with."""

    client_id: str
    client_secret: Secret
    scopes: frozenset[str]
    """Those that it wants; none stands for all that it has."""
    confined: bool
    """Whether the token is to be good for one tenant alone."""


class Granted(msgspec.Struct, frozen=True):
    """A token."""

    token: Secret
    subject: str
    scopes: tuple[str, ...]
    seconds: int
    """How long it is good for."""


class Grants:
    """Gives tokens to the clients of all tenants."""

    def __init__(self, store: Store, tokens: Tokens, *, seconds: int) -> None:
        """Let a token be good for `seconds`."""
        self._store = store
        self._tokens = tokens
        self._seconds = seconds

    async def grant(self, tenant: str, wanted: Wanted) -> Granted:
        """Return a token for `tenant`, or for all where the client may have one.

        Raises `Unauthenticated` for a client that is none or a wrong secret, and `Invalid` for
        scopes that it has not.
        """
        # An id that was never given is looked for as well: not to would be faster.
        id = wanted.client_id if CLIENT_ID.fullmatch(wanted.client_id) else _NO_ID
        async with self._store.reading(tenant) as rows:
            found = await QUERIES.find_secret(rows.connection, tenant=tenant, client_id=id)
        if not matches(wanted.client_secret, None if found is None else found["secret_hash"]):
            raise Unauthenticated("the client is unknown, or its secret is wrong", CHALLENGE)
        scopes = tuple(s for s in found["scopes"] if not wanted.scopes or s in wanted.scopes)
        if wanted.scopes - set(scopes):
            problem = Problem("invalid_scope", "ask for scopes that the client has", path="scope")
            raise Invalid("the client lacks a scope that it asks for", (problem,))
        everywhere = found["every_tenant"] and not wanted.confined
        subject = f"{id}{CLIENTS}"
        token = self._tokens.mint(
            subject,
            scopes,
            tenant=None if everywhere else tenant,
            lifetime=timedelta(seconds=self._seconds),
            proof=proof_of(found["secret_hash"]),
        )
        return Granted(Secret(token), subject, scopes, self._seconds)
