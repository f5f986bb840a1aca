"""Who asks for a change: from where, in which request, and on what condition."""

from __future__ import annotations

import msgspec

from services.management.etags import ALWAYS, Condition
from services.management.idempotency import Turn


class Author(msgspec.Struct, frozen=True):
    """Goes along with a change into its transaction, which is where all of it is used."""

    subject: str
    """Of their token; it is kept with what they write, and in the audit log."""
    address: str | None = None
    """Where the request came from."""
    request: str | None = None
    """Its `X-Request-Id`."""
    condition: Condition = ALWAYS
    """What has to hold of the thing that the request names when it is changed."""
    turn: Turn | None = None
    """That of the key that the request came with."""
