"""What a node asks about providers that people sign in with (OpenID Connect Core 1.0).

The user is sent away with what only this session knows, and comes back with a code that is worth
nothing without it. What the provider then says of them is theirs, and is kept out of logs.
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from libs.common.flow.model import Json
from libs.common.flow.turn import External, Question
from libs.common.secret import Secret


class Begun(msgspec.Struct, frozen=True):
    """Where the user is sent, and what is kept of it until they are back."""

    url: str
    state: str
    """Comes back with them, so that nobody is led back into a sign-in that somebody else began."""
    nonce: str
    """What the provider says of them says this too, so that it was said for this session."""
    verifier: str
    """What the code is worth nothing without (RFC 7636)."""

    def __repr__(self) -> str:
        """Say nothing of what only the session may know."""
        return "Begun(***)"


class BeginSignIn(Question[Begun | None], frozen=True):
    """Where does somebody sign in? None where there is no such provider, or it is away."""

    provider: str
    callback: str | None
    """Where the provider sends them back; None for the deployment's own page."""


class Came(msgspec.Struct, frozen=True):
    """Somebody came back, and is who they say."""

    external: External
    claims: Mapping[str, Json]
    """What else the provider says of them."""
    account: str | None
    """That is known to be theirs."""

    def __repr__(self) -> str:
        """Show nothing of what is said of them."""
        return f"Came({self.external!r}, account={self.account!r})"


class FinishSignIn(Question[Came | None], frozen=True):
    """Who came back? None where that cannot be believed.

    A code is good once: where a turn is run again it is None too, and the user begins anew.
    """

    provider: str
    callback: str | None
    code: Secret
    issuer: str | None
    """Who says to have sent them back (RFC 9207), where somebody does."""
    nonce: str
    verifier: Secret


class LinkExternal(Question[bool], frozen=True):
    """Is the account known by this from now on? Not where another one is, or it is blocked."""

    account: str
    external: External
