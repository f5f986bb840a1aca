"""Who calls, and what they may do: bearer tokens of this deployment, or of issuers that it trusts.

The algorithms are pinned, so that no token can choose how it is checked: ours are signed with the
one key of this deployment, those of others with the keys that they publish. A refusal never says
which part of a token was wrong; that would help only who forges one.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Annotated, Final, Literal
from uuid import uuid4

import jwt
import msgspec
from msgspec import Meta

from libs.common.chassis.config import variable
from libs.common.chassis.startup import StartupFailure
from libs.common.errors import Denied, Unauthenticated
from libs.common.secret import Secret
from libs.common.wire.clients import Introspect
from services.management.issuers import Issuers
from services.management.keysets import PublicKey
from services.management.standing import Standings

ALGORITHM: Final = "HS256"
CLOCKS_APART: Final = 5.0
"""Seconds that the clocks of an issuer and a verifier may differ."""
LEAST_KEY_BYTES: Final = 32
"""As long as the hash (RFC 7518 3.2): a shorter key can be guessed from any token."""

_REFUSED: Final = "the token is not valid, or not any more"
_BROKEN: Final = (jwt.InvalidTokenError, UnicodeError, RecursionError, OverflowError)
"""What PyJWT raises for some token or other, besides its own errors for most."""
_TENANT: Final = "tenant"
"""The claim of our tokens that confines them."""
_PROOF: Final = "client_proof"
"""The claim of our tokens that ties them to their client's secret."""
CLIENTS: Final = "@clients"
"""After the id of a client, in the subject of its tokens."""

Scope = Literal[
    "read:flows",
    "create:flows",
    "update:flows",
    "delete:flows",
    "read:clients",
    "create:clients",
    "update:clients",
    "delete:clients",
    "read:providers",
    "create:providers",
    "update:providers",
    "delete:providers",
    "read:actions",
    "create:actions",
    "update:actions",
    "delete:actions",
    "read:users",
    "create:users",
    "update:users",
    "delete:users",
    "read:invitations",
    "create:invitations",
    "update:invitations",
    "delete:invitations",
    "read:tenants",
    "create:tenants",
    "update:tenants",
    "delete:tenants",
    "read:audit",
    "read:sessions",
    Introspect,
]
"""What a token may allow."""


class Caller(msgspec.Struct, frozen=True):
    """Somebody whose token is right."""

    subject: str
    scopes: frozenset[str]
    tenant: str | None
    """The only tenant they may touch; None for any."""
    proof: str | None = None
    """What the token says of the secret that it was given for; None where it was given for none."""

    def require(self, scope: Scope, tenant: str) -> None:
        """Raise `Denied` unless they may do what `scope` stands for in `tenant`."""
        if self.tenant is not None and self.tenant != tenant:
            raise Denied("the token is for another tenant")
        if scope not in self.scopes:
            # Auth0's deploy tool looks for these very words, and skips what it may not read.
            raise Denied(f"Insufficient scope, expected any of: {scope}")


class _Claims(msgspec.Struct, frozen=True):
    """What is read of a token once its signature, issuer, audience and times are right."""

    sub: Annotated[str, Meta(pattern=r"^[^\x00-\x1f\x7f]{1,255}$")]
    scope: str = ""
    """RFC 8693 4.2: with spaces."""
    permissions: tuple[str, ...] = ()
    """As Auth0 has it."""
    client_proof: str | None = None


TenantClaim = Annotated[str, Meta(pattern=r"^[!-~]{1,63}$")]


class Tokens:
    """Mints and verifies the tokens of one deployment."""

    def __init__(self, key: Secret, *, issuer: str, audience: str) -> None:
        """Raise `StartupFailure` for a key that is too short."""
        if len(key.reveal().encode()) < LEAST_KEY_BYTES:
            raise StartupFailure(
                f"{variable('admin_signing_key')} is too short; "
                f"it needs {LEAST_KEY_BYTES} bytes, and they should be random"
            )
        self._key = key
        self._issuer = issuer
        self._audience = audience

    def verify(self, token: str) -> Caller:
        """Return whom this deployment gave `token`, or raise `Unauthenticated`."""
        return _caller(
            token,
            self._key.reveal(),
            frozenset({ALGORITHM}),
            issuer=self._issuer,
            audience=self._audience,
            tenant_claim=_TENANT,
        )

    def mint(
        self,
        subject: str,
        scopes: Iterable[str],
        *,
        tenant: str | None,
        lifetime: timedelta,
        proof: str | None = None,
    ) -> str:
        """Sign a token that is valid from now on for `lifetime`.

        With a `proof`, `subject` is a client, and it is valid as long as that has the same secret.
        """
        now = datetime.now(UTC)
        claims = {
            "iss": self._issuer,
            "aud": self._audience,
            "sub": subject,
            "iat": now,
            "exp": now + lifetime,
            "jti": str(uuid4()),
            "scope": " ".join(scopes),
        }
        if tenant is not None:
            claims[_TENANT] = tenant
        if proof is not None:
            claims[_PROOF] = proof
        return jwt.encode(claims, self._key.reveal(), ALGORITHM)


class Callers:
    """Tells who calls by the token of whichever issuer it is."""

    def __init__(
        self,
        tokens: Tokens,
        standings: Standings,
        issuers: Issuers,
        *,
        audience: str,
        tenant_claim: str,
    ) -> None:
        """Take `tokens`, while their clients have `standings`, and those of `issuers`.

        The latter have to be for `audience`.
        `tenant_claim` says in the latter which tenant they are confined to.
        """
        self._tokens = tokens
        self._standings = standings
        self._issuers = issuers
        self._audience = audience
        self._tenant_claim = tenant_claim

    async def identify(self, authorization: str | None) -> Caller:
        """Return who sent this `Authorization` header.

        Raises `Unauthenticated`, and `Unavailable` where the keys of their issuer, or what their
        client is, are not known.
        """
        token = bearer_of(authorization)
        # What a token says of its issuer chooses only whose keys have to verify it.
        url, kid, algorithm = _claimed(token)
        issuer = self._issuers.get(url)
        if issuer is None:
            return await self._of_client(self._tokens.verify(token))
        key = await issuer.key(kid) if isinstance(kid, str) else None
        if key is None or algorithm not in key.algorithms:
            raise Unauthenticated(_REFUSED)
        caller = _caller(
            token,
            key.key,
            key.algorithms,
            issuer=issuer.url,
            audience=self._audience,
            tenant_claim=self._tenant_claim,
        )
        # Two issuers may know different people by the same name, and neither is one of ours.
        return msgspec.structs.replace(caller, subject=f"{issuer.url}|{caller.subject}")

    async def _of_client(self, caller: Caller) -> Caller:
        """Return `caller` with no more than their client may do today, if they are one."""
        if caller.proof is None:
            return caller
        scopes = await self._standings.scopes(caller.subject.removesuffix(CLIENTS), caller.proof)
        if scopes is None:
            raise Unauthenticated(_REFUSED)
        return msgspec.structs.replace(caller, scopes=caller.scopes & scopes)


def bearer_of(authorization: str | None) -> str:
    """Return the token of an `Authorization` header, or raise `Unauthenticated`."""
    scheme, _, token = (authorization or "").partition(" ")
    if scheme.lower() != "bearer" or not token:
        raise Unauthenticated("send a bearer token")
    return token.strip()


def _claimed(token: str) -> tuple[object, object, object]:
    """Return what a token says of its issuer, key and algorithm, of which nothing is proved."""
    try:
        whole = jwt.decode_complete(token, options={"verify_signature": False})
    except _BROKEN as error:
        raise Unauthenticated(_REFUSED) from error
    header = whole["header"]
    return whole["payload"].get("iss"), header.get("kid"), header.get("alg")


def _caller(
    token: str,
    key: str | PublicKey,
    algorithms: frozenset[str],
    *,
    issuer: str,
    audience: str,
    tenant_claim: str,
) -> Caller:
    """Verify `token`, and return who it is of; raise `Unauthenticated` for all that is wrong."""
    try:
        claims = jwt.decode(
            token,
            key,
            algorithms=sorted(algorithms),
            issuer=issuer,
            audience=audience,
            leeway=CLOCKS_APART,
            options={"require": ["iss", "aud", "exp", "sub"]},
        )
        known = msgspec.convert(claims, _Claims)
        # One that is there and names none must not open every tenant.
        tenant = (
            msgspec.convert(claims[tenant_claim], TenantClaim) if tenant_claim in claims else None
        )
    except (msgspec.ValidationError, *_BROKEN) as error:
        raise Unauthenticated(_REFUSED) from error
    scopes = frozenset((*known.scope.split(), *known.permissions))
    return Caller(known.sub, scopes, tenant, known.client_proof)
