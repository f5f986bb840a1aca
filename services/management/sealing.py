"""Seals what callers give in secret, so that executors alone can open it."""

from __future__ import annotations

from typing import Final

from msgspec import UnsetType

from libs.common.chassis.config import variable
from libs.common.chassis.seal import Keys
from libs.common.errors import Conflict, Invalid, Problem
from libs.common.secret import Secret

MOST_SECRET: Final = 1000
"""Characters of a secret."""


class Sealer:
    """Seals the secrets of things of one kind."""

    def __init__(self, keys: Keys | None, purpose: bytes, *, least: int = 1) -> None:
        """Take secrets of `least` characters or more; without `keys` none can be stored."""
        self._keys = keys
        self._purpose = purpose
        self._least = least

    def seal(self, tenant: str, id: str, secret: Secret | UnsetType | None) -> bytes | None:
        """Seal a `Secret` for the thing `id` of a tenant; None where there is none.

        Raises `Conflict` where there are no keys, and `Invalid` for what is too short or too long.
        """
        if not isinstance(secret, Secret):
            return None
        if self._keys is None:
            raise Conflict(f"no secret can be stored: {variable('credential_keys')} is not set")
        if not self._least <= len(secret.reveal()) <= MOST_SECRET:
            message = f"Expected {self._least} to {MOST_SECRET} characters"
            raise Invalid("the secret is none", (Problem("invalid", message, path="secret"),))
        return self._keys.box(tenant, id).seal(self._purpose, secret.reveal().encode())
