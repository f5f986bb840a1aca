"""Calls over HTTP that nodes ask for: to a registered action, or to an address of the author's.

Whoever answers signs them, tries again, and gives up in time. What the other side answered is data
like any other: what it may set is for the node to say.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Final

import msgspec
from msgspec import Meta

from libs.common.flow.model import Json
from libs.common.flow.turn import Question

RESERVED: Final = (
    "connection|content-(encoding|length|type)|cookie|expect|gatehouse-.*|host|idempotency-key"
    "|proxy-.*|te|trailer|transfer-encoding|upgrade"
)
"""Names of headers that are ours to set, or that would change how a request is read."""

Url = Annotated[
    str,
    Meta(
        pattern=r"^https?://([A-Za-z0-9.-]+|\[[0-9A-Fa-f:.]+\])(:[0-9]{1,5})?"
        r"([/?][!$-;=?-Z_a-z~%@]*)?$(?!\n)",
        max_length=2_000,
    ),
]
HeaderName = Annotated[
    str, Meta(pattern=rf"^(?!(?i:{RESERVED})$)[A-Za-z0-9-]+$(?!\n)", max_length=100)
]
HeaderValue = Annotated[str, Meta(pattern=r"^[!-~]([ -~]*[!-~])?$(?!\n)", max_length=1_000)]
TrySeconds = Annotated[float, Meta(ge=0.1, le=5)]
Attempts = Annotated[int, Meta(ge=1, le=4)]


class Header(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A header of every request, in clear: it is no place for a secret."""

    name: HeaderName
    """None of those that say how a request is read, nor `Idempotency-Key`, `Cookie` or any that
    begins with `Gatehouse-`."""
    value: HeaderValue
    """Printable ASCII."""


Headers = Annotated[tuple[Header, ...], Meta(max_length=20)]


class Target(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where a call goes, and how long it is tried."""

    url: Url
    headers: Headers = ()
    timeout_seconds: TrySeconds = 2.0
    """For one try, from the look-up of the name to the last byte of the answer."""
    attempts: Attempts = 3
    """Tries in all. Another is made where there was no answer, or a 408, 425, 429 or 5xx."""


class Reached(msgspec.Struct, frozen=True):
    """The call was answered with a 2xx."""

    body: Json
    """Its JSON; None where it was empty."""

    def __repr__(self) -> str:
        """Show nothing of it."""
        return "Reached(***)"


class CallAction(Question[Reached | None], frozen=True):
    """What does the action of this id answer? None where it does not, or there is no such."""

    action: str
    key: str
    """Names this visit of the node: whoever is called does nothing twice for one key."""
    body: Mapping[str, Json]

    def __repr__(self) -> str:
        """Show nothing of what is sent."""
        return f"CallAction(action={self.action!r}, key={self.key!r})"


class CallWebhook(Question[Reached | None], frozen=True):
    """What is answered at `target`? None where nothing is that can be used."""

    target: Target
    key: str
    """As of `CallAction`."""
    body: Mapping[str, Json]

    def __repr__(self) -> str:
        """Show nothing of what is sent."""
        return f"CallWebhook(url={self.target.url!r}, key={self.key!r})"
