"""Who calls, and what they may do: bearer tokens signed with the key of this deployment.

The algorithm is pinned, so that no token can choose how it is checked. A refusal never says which
part of a token was wrong; that would help only who forges one.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Final, Literal
from uuid import uuid4

import jwt
import msgspec

from libs.common.chassis.config import variable
from libs.common.chassis.startup import StartupFailure
from libs.common.errors import Denied, Unauthenticated
from libs.common.secret import Secret

ALGORITHM: Final = "HS256"
LEAST_KEY_BYTES: Final = 32
"""As long as the hash (RFC 7518 3.2): a shorter key can be guessed from any token."""

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
]
"""What a token may allow."""


class Caller(msgspec.Struct, frozen=True):
    """Somebody whose token is right."""

    subject: str
    scopes: frozenset[str]
    tenant: str | None
    """The only tenant they may touch; None for any."""

    def require(self, scope: Scope, tenant: str) -> None:
        """Raise `Denied` unless they may do what `scope` stands for in `tenant`."""
        if self.tenant is not None and self.tenant != tenant:
            raise Denied("the token is for another tenant")
        if scope not in self.scopes:
            raise Denied(f"the token lacks the scope {scope}")


class _Claims(msgspec.Struct, frozen=True):
    """What is read of a token once its signature, issuer, audience and times are right."""

    sub: str
    scope: str = ""
    tenant: str | None = None


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

    def verify(self, authorization: str | None) -> Caller:
        """Return who sent this `Authorization` header, or raise `Unauthenticated`."""
        scheme, _, token = (authorization or "").partition(" ")
        if scheme.lower() != "bearer" or not token:
            raise Unauthenticated("send a bearer token")
        try:
            claims = msgspec.convert(
                jwt.decode(
                    token.strip(),
                    self._key.reveal(),
                    algorithms=[ALGORITHM],
                    issuer=self._issuer,
                    audience=self._audience,
                    options={"require": ["iss", "aud", "exp", "sub"]},
                ),
                _Claims,
            )
        except (jwt.InvalidTokenError, msgspec.ValidationError, UnicodeError) as error:
            raise Unauthenticated("the token is not valid, or not any more") from error
        return Caller(claims.sub, frozenset(claims.scope.split()), claims.tenant)

    def mint(
        self, subject: str, scopes: Iterable[Scope], *, tenant: str | None, lifetime: timedelta
    ) -> str:
        """Sign a token that is valid from now on for `lifetime`."""
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
            claims["tenant"] = tenant
        return jwt.encode(claims, self._key.reveal(), ALGORITHM)
