"""Whether somebody is still signed in, for who may ask: token introspection (RFC 7662).

Of a token that is not right, nothing is told but that: not whose it is, nor what is wrong with it.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final, Literal, TypeAlias

import aiosql
import asyncpg
import msgspec

from libs.common.chassis.oauth import CHALLENGE
from libs.common.chassis.postgres import asking_postgres
from libs.common.chassis.tokens import matches
from libs.common.errors import Denied, Unauthenticated
from libs.common.secret import Secret
from libs.common.wire.clients import CLIENT_ID, INTROSPECT
from services.executor.assertions import Assertions
from services.executor.directory import Directory
from services.executor.directory.signins import SignIn, SignIns

_QUERIES: Final[Any] = aiosql.from_path(Path(__file__).with_suffix(".sql"), "asyncpg")

SID: Final = "sid"
"""The `token_type_hint` of who asks about a sign-in by the `sid` of its assertions."""


class Inactive(msgspec.Struct, frozen=True):
    """Nothing that is right, or not any more (RFC 7662, 2.2)."""

    active: Literal[False] = False


class Active(msgspec.Struct, frozen=True, omit_defaults=True):
    """An assertion that is good, or a sign-in that stands."""

    active: Literal[True]
    sub: str
    """The account."""
    sid: str
    iss: str
    exp: int
    """When the assertion expires, or, of a `sid`, when the sign-in ends by itself; Unix seconds."""
    auth_time: int
    amr: tuple[str, ...]
    acr: str
    aud: str | None = None
    iat: int | None = None
    nbf: int | None = None
    jti: str | None = None


Introspected: TypeAlias = Active | Inactive


class Clients:
    """The clients of all tenants, as management keeps them."""

    def __init__(self, pool: asyncpg.Pool) -> None:
        """Use `pool`, whose owner closes it."""
        self._pool = pool

    async def admit(self, tenant: str, id: str, secret: Secret) -> None:
        """Return if this client may introspect in `tenant`.

        Raises `Unauthenticated` for one that is none here, and for a wrong secret, in the same
        words and at the same cost; `Denied` for one that lacks the scope; and `Unavailable`.
        """
        # An id that was never given is looked for as well: not to would be faster.
        named = id if CLIENT_ID.fullmatch(id) else ""
        async with asking_postgres():
            row = await _QUERIES.find_client(self._pool, tenant=tenant, client_id=named)
        if not matches(secret, None if row is None else row["secret_hash"]):
            raise Unauthenticated("the client is unknown, or its secret is wrong", CHALLENGE)
        if INTROSPECT not in row["scopes"]:
            raise Denied(f"the client lacks the scope {INTROSPECT}")


class Introspection:
    """Says what assertions, and sign-ins, are still worth."""

    def __init__(self, assertions: Assertions, sign_ins: SignIns, directory: Directory) -> None:
        self._assertions = assertions
        self._sign_ins = sign_ins
        self._directory = directory

    async def introspect(self, tenant: str, token: Secret, hint: str | None) -> Introspected:
        """Say what `token` is worth in `tenant` now; raise `Unavailable` where nobody knows.

        It is an assertion, unless `hint` is `SID`. Only then: a `sid` is in every assertion and in
        many a log, and who takes bearers and asks here about each must not take that for one.
        """
        if hint == SID:
            return await self._of_sign_in(tenant, token.reveal())
        try:
            asserted = self._assertions.verify(tenant, token)
        except Unauthenticated:
            return Inactive()
        found = None if asserted.late else await self._standing(tenant, asserted.sid)
        if found is None:
            return Inactive()
        return Active(
            active=True,
            sub=asserted.sub,
            sid=asserted.sid,
            iss=asserted.iss,
            exp=asserted.exp,
            auth_time=found.auth_time,
            amr=found.amr,
            acr=found.acr,
            aud=asserted.aud,
            iat=asserted.iat,
            nbf=asserted.nbf,
            jti=asserted.jti,
        )

    async def _of_sign_in(self, tenant: str, sid: str) -> Introspected:
        found = await self._standing(tenant, sid)
        if found is None:
            return Inactive()
        return Active(
            active=True,
            sub=found.account,
            sid=sid,
            iss=self._assertions.issuer(tenant),
            exp=found.ends_at,
            auth_time=found.auth_time,
            amr=found.amr,
            acr=found.acr,
        )

    async def _standing(self, tenant: str, sid: str) -> SignIn | None:
        """Find a sign-in that stands, of an account that is there and not blocked.

        That it is asked about is all that Gatehouse hears of its use.
        """
        found = await self._sign_ins.use(tenant, sid)
        if found is None or await self._directory.load(tenant, found.account) is None:
            return None
        return found
