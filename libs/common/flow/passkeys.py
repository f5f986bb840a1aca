"""What a node asks about passkeys (Web Authentication Level 2, W3C).

A ceremony is one exchange with the user's authenticator: the executor gives a challenge, and what
is signed of it is checked against that very challenge. What a client sends back is no secret that
could be used twice, but it is kept out of everything like one.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, TypeAlias

import msgspec

from libs.common.flow.model import Json
from libs.common.flow.turn import Question
from libs.common.secret import Secret

Wish: TypeAlias = Literal["required", "preferred", "discouraged"]
"""How much a thing is wanted of an authenticator, in the words of the standard."""


class Ceremony(msgspec.Struct, frozen=True):
    """What a client needs to begin."""

    challenge: str
    """base64url. To be kept until what comes back is checked, and used for that once."""
    options: Mapping[str, Json]
    """What `PublicKeyCredential.parse…OptionsFromJSON` reads."""


class SeekPasskey(Question[Ceremony | None], frozen=True):
    """How does somebody show a passkey? None where `account` has none."""

    account: str | None
    """Whose passkeys are named to the client. None names none: the user picks, from those that
    their authenticator finds by itself."""
    verification: Wish
    seconds: int
    """How long the client may take."""


class Shown(msgspec.Struct, frozen=True):
    """A passkey was shown, and it is right."""

    account: str
    """Whose it is."""
    bound: bool
    """It never leaves its authenticator; else it may be copied to the user's other devices."""
    verified: bool
    """The authenticator made sure that it is its user who holds it."""


class CheckPasskey(Question[Shown | None], frozen=True):
    """Whose passkey is this? None where it proves nothing."""

    response: Secret
    """The credential as JSON."""
    challenge: str
    verification: Wish
    attempt: str
    """Names this submit: a passkey whose counter does not grow is a copy, but not in a repeat of
    the same submit."""


class OfferPasskey(Question[Ceremony | None], frozen=True):
    """How does the owner of `account` make a passkey? None where they may have no more of them."""

    account: str
    resident: Wish
    """Whether an authenticator has to find it by itself, with nobody named."""
    verification: Wish
    attachment: Literal["platform", "cross-platform"] | None
    """None for any authenticator."""
    most: int
    """Passkeys that an account may have."""
    seconds: int


class KeepPasskey(Question[bool], frozen=True):
    """Is the new passkey kept? Not one that is wrong, or somebody else's."""

    account: str
    response: Secret
    """The credential as JSON."""
    challenge: str
    verification: Wish
    most: int
    session: str
    """The one that it is made in."""
    first: bool = True
    """Not if the account has a factor by now, but for one that was made in this session: none of
    them was shown."""


class MadePasskey(Question[bool], frozen=True):
    """Has the account a passkey that was made in this session?

    It is asked by a session that knows of none, so that its turn died after the passkey was kept.
    """

    account: str
    session: str
