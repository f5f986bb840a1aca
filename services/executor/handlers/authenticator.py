"""Codes of authenticator apps (TOTP, RFC 6238), each good once.

What an account shares with its authenticator is sealed wherever it is stored.
"""

from __future__ import annotations

import hmac
from collections.abc import Callable
from typing import Final

import pyotp
import segno
import structlog
from structlog.typing import FilteringBoundLogger

from libs.common.chassis.redis_line.port import RedisLine
from libs.common.chassis.seal import Keys, Unsealable
from libs.common.secret import Secret

log: Final[FilteringBoundLogger] = structlog.get_logger()

STEP_SECONDS: Final = 30
DRIFT: Final = 1
"""Steps that an authenticator's clock may be off by (RFC 6238, 5.2)."""

_PURPOSE: Final = b"totp"
_SPENT_SECONDS: Final = STEP_SECONDS * (2 * DRIFT + 2)
"""Longer than any code is good for."""


def seal_secret(keys: Keys, tenant: str, account: str, secret: Secret) -> bytes:
    """Seal what an account's authenticator shares, in base32, as the directory keeps it."""
    return keys.box(tenant, account).seal(_PURPOSE, secret.reveal().encode())


class Authenticator:
    """Makes secrets, and checks codes."""

    def __init__(self, keys: Keys, line: RedisLine, clock: Callable[[], float]) -> None:
        """Remember in Redis which codes are spent; `clock` gives Unix seconds."""
        self._keys = keys
        self._line = line
        self._clock = clock
        # So that looking for the code of nobody is the same work.
        self._nobodys = pyotp.random_base32()

    def make(self, tenant: str, account: str) -> tuple[bytes, Secret]:
        """Make what an account could share with its authenticator: sealed, and as it is."""
        secret = Secret(pyotp.random_base32())
        return seal_secret(self._keys, tenant, account, secret), secret

    def read(self, tenant: str, account: str, sealed: bytes) -> Secret | None:
        """Return what was sealed for the account; None where it cannot be opened any more."""
        secret = self._open(tenant, account, sealed)
        return None if secret is None else Secret(secret)

    def step_of(self, tenant: str, account: str | None, sealed: bytes | None, code: Secret) -> int:
        """Say in which time step this is the account's code; 0 if in none that counts now."""
        secret = self._open(tenant, account, sealed)
        totp = pyotp.TOTP(self._nobodys if secret is None else secret)
        now = int(self._clock()) // STEP_SECONDS
        found = 0
        for step in range(now - DRIFT, now + DRIFT + 1):
            # No early way out: the time would say how far the clocks are apart.
            if hmac.compare_digest(totp.generate_otp(step).encode(), code.reveal().encode()):
                found = step
        return 0 if secret is None else found

    def _open(self, tenant: str, account: str | None, sealed: bytes | None) -> str | None:
        if account is None or sealed is None:
            return None
        try:
            return self._keys.box(tenant, account).open(_PURPOSE, sealed).decode()
        except Unsealable as error:
            # Its key was taken out of the deployment: no code can be right until it is back.
            log.error("authenticator_unsealable", reason=str(error))  # noqa: TRY400 -- a trace would tell no more than the reason
            return None

    async def spend(self, tenant: str, account: str, step: int, attempt: str) -> bool:
        """Spend the code of `step`; false where another attempt has spent it."""
        key = f"gh:totp:{{{tenant}:{account}}}:{step}"
        before = await self._line.execute(
            b"SET", key, attempt, b"NX", b"GET", b"EX", _SPENT_SECONDS
        )
        # The same attempt again is a turn that died and is run anew.
        return before is None or before == attempt.encode()


def uri_of(secret: Secret, *, issuer: str, name: str) -> str:
    """Return what an app reads `secret` from: `otpauth://totp/…`."""
    return pyotp.TOTP(secret.reveal()).provisioning_uri(name=name or None, issuer_name=issuer)


def image_of(uri: str) -> str:
    """Draw `uri` as a QR code, in a `data:` URL."""
    image: str = segno.make(uri, error="m", micro=False).svg_data_uri(scale=4, border=4)
    return image
