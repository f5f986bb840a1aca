"""One-time codes: the digits that a name stands for, under a key of the deployment's.

No code is stored anywhere, not even as a hash. Who reads Redis, NATS or a session learns names;
six digits under a plain hash would be found in a moment.
"""

from __future__ import annotations

import hmac
from typing import Final

from libs.common.chassis.seal import Keys
from libs.common.flow.questions import Code
from libs.common.secret import Secret

_PURPOSE: Final = b"one-time code"


class Minter:
    """Makes codes, and knows them again."""

    def __init__(self, keys: Keys) -> None:
        """Make them under the first of `keys`, and know those of all: keys are rotated."""
        self._keys = keys

    def digits(self, tenant: str, code: Code, to: str) -> str:
        """Return what `code` looks like that is sent `to` there."""
        return self._all(tenant, code, to)[0]

    def is_right(self, tenant: str, code: Code, to: str, typed: Secret) -> bool:
        """Whether this is what `code` looks like that was sent `to` there."""
        right = False
        for digits in self._all(tenant, code, to):
            # No early way out, as for every secret.
            right |= hmac.compare_digest(digits.encode(), typed.reveal().encode())
        return right

    def _all(self, tenant: str, code: Code, to: str) -> list[str]:
        # Of the address too: else whoever changes theirs could verify another's by an old code.
        named = f"{tenant}\0{code.length}\0{code.name}\0{to}".encode()
        digests = self._keys.digests(_PURPOSE, named)
        # Of 128 bits: that some codes are likelier than others cannot be noticed.
        return [
            str(int.from_bytes(digest) % 10**code.length).zfill(code.length) for digest in digests
        ]
