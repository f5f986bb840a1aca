"""Tokens that whoever has them may use: 256 random bits, of which a hash is kept.

Nobody can try out what one may be, so the hash is a plain SHA-256: one that is slow on purpose
would only slow down who has the right one.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from typing import Final

from libs.common.secret import Secret

_BYTES: Final = 32


def make_token() -> Secret:
    """Make a token, of characters that need no escape in a URL."""
    return Secret(secrets.token_urlsafe(_BYTES))


def digest(token: Secret) -> bytes:
    """Return what is kept of a token."""
    # None of ours has such characters, but what is sent may.
    return hashlib.sha256(token.reveal().encode("utf-8", "surrogatepass")).digest()


def matches(token: Secret, kept: bytes | None) -> bool:
    """Whether `kept` is of `token`; where nothing is kept, it takes as long to say no."""
    right = hmac.compare_digest(digest(token), _NOBODY if kept is None else kept)
    return right and kept is not None


_NOBODY: Final = digest(Secret(""))
