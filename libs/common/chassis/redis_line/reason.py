"""What a log may tell of why a Redis server was not reached.

Never a reply in which a server words its refusal: some quote the command, and a handshake has the
password in it.
"""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from typing import Final

from redis.asyncio.sentinel import MasterNotFoundError

_NAMES: Final = (62, 64)
"""OpenSSL's codes for a certificate of another host name, and of another address."""


def reason(error: BaseException) -> str | None:
    """Say why, where this side of the connection knows it: the network, TLS, Sentinel's lookup."""
    for each in _chain(error):
        if isinstance(each, ssl.SSLCertVerificationError):
            if each.verify_code in _NAMES:
                return f"{each.verify_message} (the host in the Redis URL)"
            return f"{each.verify_message} (ssl_ca_certs in the Redis URL)"
        if isinstance(each, MasterNotFoundError):
            # What redis-py says of each Sentinel: lost, late, or refused without a quotation. Any
            # other error reply ends its lookup, and comes up here as what it is.
            return str(each)
        if isinstance(each, OSError) and each.strerror:
            return each.strerror
    return None


def _chain(error: BaseException) -> Iterator[BaseException]:
    """Yield `error`, and what it came of."""
    at: BaseException | None = error
    while at is not None:
        yield at
        at = at.__cause__ or at.__context__
