"""One-time codes and links: what a name stands for, under a key of the deployment's.

No code is stored anywhere, not even as a hash. Who reads Redis, NATS or a session learns names;
six digits under a plain hash would be found in a moment.

What a link holds is sealed: the session, which whoever is sent it must not read, and 128 bits that
its name stands for. Both are of one tenant.
"""

from __future__ import annotations

import base64
import binascii
import hmac
import uuid
from typing import Final

import msgspec

from libs.common.chassis.seal import Keys, Unsealable
from libs.common.flow.questions import Code, Link
from libs.common.secret import Secret

_PURPOSE: Final = b"one-time code"
_LINK: Final = b"link"
_NEXT: Final = b"followed link"
_ID_BYTES: Final = 16


class Followed(msgspec.Struct, frozen=True):
    """A link that was made here, for one session."""

    session: str
    """The one that it was sent in."""
    next: str
    """The one that it leads to: always the same, so that a turn which is run again does again what
    it did; and told to nobody but by the answer."""

    def __repr__(self) -> str:
        """Say nothing: either is a handle."""
        return "Followed(***)"


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

    def token(self, tenant: str, link: Link, to: str) -> str:
        """Return what `link` holds that is sent `to` there: another each time, and all are right.

        Characters that need no escape in a URL.
        """
        held = uuid.UUID(link.session).bytes + self._secrets(tenant, link, to)[0]
        sealed = self._keys.box(tenant, "").seal(_LINK, held)
        return base64.urlsafe_b64encode(sealed).rstrip(b"=").decode()

    def follow(self, tenant: str, token: Secret) -> Followed | None:
        """Say which session a token was made in, and leads to; None where it was not made here.

        Whether it is right is not known by that.
        """
        held = self._open(tenant, token)
        if held is None:
            return None
        named = tenant.encode() + b"\0" + held
        following = uuid.UUID(bytes=self._keys.digests(_NEXT, named)[0], version=4)
        return Followed(str(uuid.UUID(bytes=held[:_ID_BYTES])), str(following))

    def is_token(self, tenant: str, link: Link, to: str, token: Secret) -> bool:
        """Whether this is what `link` holds that was sent `to` there."""
        held = self._open(tenant, token) or b""
        right = False
        for secret in self._secrets(tenant, link, to):
            right |= hmac.compare_digest(secret, held[_ID_BYTES:])
        return right

    def _open(self, tenant: str, token: Secret) -> bytes | None:
        text = token.reveal()
        try:
            sealed = base64.b64decode(text + "=" * (-len(text) % 4), b"-_", validate=True)
            return self._keys.box(tenant, "").open(_LINK, sealed)
        except (binascii.Error, ValueError, Unsealable):
            return None

    def _secrets(self, tenant: str, link: Link, to: str) -> list[bytes]:
        # Of the address too, as a code.
        return self._keys.digests(_LINK, f"{tenant}\0{link.name}\0{to}".encode())

    def _all(self, tenant: str, code: Code, to: str) -> list[str]:
        # Of the address too: else whoever changes theirs could verify another's by an old code.
        named = f"{tenant}\0{code.length}\0{code.name}\0{to}".encode()
        digests = self._keys.digests(_PURPOSE, named)
        # Of 128 bits: that some codes are likelier than others cannot be noticed.
        return [
            str(int.from_bytes(digest) % 10**code.length).zfill(code.length) for digest in digests
        ]
