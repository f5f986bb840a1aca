"""Codes for the day on which an authenticator is lost, of which only keyed digests are kept.

Fifty random bits each: too few for a plain hash, which whoever reads the database could try them
all against; under a key of the deployment, and few tries, they are enough.
"""

from __future__ import annotations

import secrets
from typing import Final

from libs.common.chassis.seal import Keys

ALPHABET: Final = "23456789abcdefghjkmnpqrstuvwxyz"
"""Without those that look alike."""
LENGTH: Final = 10

_PURPOSE: Final = b"recovery"


class Recovery:
    """Makes codes, and tells them apart."""

    def __init__(self, keys: Keys) -> None:
        """`keys` must not be rotated out while codes from then are to be good."""
        self._keys = keys

    def make(self) -> str:
        """Make a code, as its owner reads it."""
        code = "".join(secrets.choice(ALPHABET) for _ in range(LENGTH))
        half = LENGTH // 2
        return f"{code[:half]}-{code[half:]}"

    def digests(self, tenant: str, account: str, code: str) -> list[bytes]:
        """Return what may be kept of a code, however it is typed: the first is what is kept now."""
        plain = "".join(letter for letter in code.lower() if letter in ALPHABET)
        return self._keys.digests(_PURPOSE, f"{tenant}\0{account}\0{plain}".encode())
