"""Signs what is sent to others, so that they know who sent it, and when.

    Gatehouse-Signature: t=1795271830,v1=5257a869e7ec…,v1=6ffbb59b2300…

Each `v1` is an HMAC-SHA256, in hex, over the time, a full stop and the body as it was sent; `t` is
in Unix seconds. There is one for each key while keys are being rotated, and any one that is right
will do. A receiver refuses what is older than some minutes: so that what was overheard is of no
use for long.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterable
from typing import Final

from libs.common.chassis.seal import Keys
from libs.common.secret import Secret

SIGNATURE: Final = "Gatehouse-Signature"

_WEBHOOKS: Final = b"webhooks"


def sign(secrets: Iterable[Secret], at: int, body: bytes) -> str:
    """Return the value of the header for `body`, sent `at` Unix seconds."""
    return ",".join((f"t={at}", *(f"v1={_digest(secret, at, body)}" for secret in secrets)))


def webhook_secrets(keys: Keys, tenant: str) -> tuple[Secret, ...]:
    """Return what calls of a tenant are signed with that have no secret of their own.

    One for each key of the deployment, so that they are rotated with those.
    """
    return tuple(Secret(each.hex()) for each in keys.digests(_WEBHOOKS, tenant.encode()))


def _digest(secret: Secret, at: int, body: bytes) -> str:
    signed = b"%d.%b" % (at, body)
    return hmac.new(secret.reveal().encode(), signed, hashlib.sha256).hexdigest()
