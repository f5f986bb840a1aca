"""Codes of authenticator apps (TOTP, RFC 6238), each good once.

What an account shares with its authenticator is sealed wherever it is stored.
"""

from __future__ import annotations

import hmac
from collections.abc import Callable
from typing import Final

import pyotp

from libs.common.chassis.redis_line.port import RedisLine
from libs.common.secret import Secret
from services.executor.seal import Keys

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
    """Checks codes."""

    def __init__(self, keys: Keys, line: RedisLine, clock: Callable[[], float]) -> None:
        """Remember in Redis which codes are spent; `clock` gives Unix seconds."""
        self._keys = keys
        self._line = line
        self._clock = clock
        # So that looking for the code of nobody is the same work.
        self._nobodys = pyotp.random_base32()

    def step_of(self, tenant: str, account: str | None, sealed: bytes | None, code: Secret) -> int:
        """Say in which time step this is the account's code; 0 if in none that counts now."""
        secret = self._nobodys
        if account is not None and sealed is not None:
            secret = self._keys.box(tenant, account).open(_PURPOSE, sealed).decode()
        totp = pyotp.TOTP(secret)
        now = int(self._clock()) // STEP_SECONDS
        found = 0
        for step in range(now - DRIFT, now + DRIFT + 1):
            # No early way out: the time would say how far the clocks are apart.
            if hmac.compare_digest(totp.generate_otp(step).encode(), code.reveal().encode()):
                found = step
        return found if sealed is not None else 0

    async def spend(self, tenant: str, account: str, step: int, attempt: str) -> bool:
        """Spend the code of `step`; false where another attempt has spent it."""
        key = f"gh:totp:{{{tenant}:{account}}}:{step}"
        before = await self._line.execute(
            b"SET", key, attempt, b"NX", b"GET", b"EX", _SPENT_SECONDS
        )
        # The same attempt again is a turn that died and is run anew.
        return before is None or before == attempt.encode()
