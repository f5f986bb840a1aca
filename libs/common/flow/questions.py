"""All that a node can ask, and all that it can cause.

The executor answers with real accounts, simulation and tests from a script. Nothing here says
how. Where nobody has an identifier, `account` is None, and the answer costs what it costs for
an account that exists: otherwise its time would tell who has one.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from typing import Literal

import msgspec

from libs.common.flow.model import Json
from libs.common.flow.turn import Effect, Question
from libs.common.secret import Secret


class Verdict(enum.Enum):
    """What became of a guess."""

    RIGHT = enum.auto()
    WRONG = enum.auto()
    BLOCKED = enum.auto()
    """Not looked at: there have been too many wrong ones of late."""


class FindAccount(Question[str | None], frozen=True):
    """Which account is called so?"""

    kinds: tuple[str, ...]
    """Any of `email`, `username`, `phone`."""
    identifier: str
    """In its normal form."""


class CheckPassword(Question[Verdict], frozen=True):
    """Is this the account's password?"""

    account: str | None
    identifier: str | None
    """What was typed, which wrong tries are counted under; None where the run asked for none."""
    password: Secret


class CheckTotp(Question[Verdict], frozen=True):
    """Is this the code that the account's authenticator shows now (RFC 6238)?"""

    account: str | None
    identifier: str | None
    code: Secret
    attempt: str
    """Names this submit: a code is good once, but not spent by a repeat of the same submit."""


class Code(msgspec.Struct, frozen=True):
    """A one-time code by its name, from which the deployment's key makes its digits."""

    name: str
    """Of a visit to a node, so that no two have the same."""
    length: int
    """Digits."""
    kind: Literal["email", "phone"] = "email"
    """Of the address that it was sent to: it is a code of that, too."""


class Link(msgspec.Struct, frozen=True):
    """A link of one use by its name, from which the deployment's key makes what is secret of it."""

    session: str
    """The `flowId` that it was sent in. It is no part of what is mailed, as far as anybody can
    read it: who has it goes on as whoever began."""
    node: str
    revision: int
    """Of the session, when it was sent."""

    @property
    def name(self) -> str:
        """Unlike any other link's."""
        return f"{self.session}:{self.node}:{self.revision}"


class CheckCode(Question[Verdict], frozen=True):
    """Is this the code that was sent for the account?"""

    account: str | None
    identifier: str | None
    """What was typed, which wrong tries are counted under; None where the run asked for none."""
    sent: Code
    code: Secret


class VerifyEmail(Question[Verdict], frozen=True):
    """Is this what was mailed? Then the account's address is verified, if it went there.

    A code is of one address too, and so is a link: it is wrong where the account has another by
    now. A link is of so many bits that nobody counts wrong ones.
    """

    account: str | None
    identifier: str | None
    """As of `CheckCode`."""
    to: str | None
    """The address that it went to, where that is no account's."""
    sent: Code | Link
    code: Secret
    """What was typed, or came by the link."""

    def __repr__(self) -> str:
        """Show nothing of the address."""
        return f"VerifyEmail(account={self.account!r})"


class LoadUser(Question[Mapping[str, Json] | None], frozen=True):
    """What is known of the account? `user` in expressions; None where it is gone."""

    account: str


class HashPassword(Question[str], frozen=True):
    """What is the argon2id hash to store for this password?"""

    password: Secret


class Written(msgspec.Struct, frozen=True):
    """The user is written."""

    account: str


class Taken(msgspec.Struct, frozen=True):
    """Somebody else has this."""

    attribute: str
    """`email`, `username` or `phone`."""


class Uninvited(msgspec.Struct, frozen=True):
    """The invitation is good no more: it was used meanwhile, or has expired."""


class WriteUser(Question[Written | Taken | Uninvited], frozen=True):
    """Write the staged user: a new one, or onto `account`.

    The same `key` again writes onto the user that it made, so a repeat makes no second one.
    """

    key: str
    """A UUID of this node's visit in this session."""
    account: str | None
    attributes: Mapping[str, Json]
    password_hash: str | None
    verified: bool = False
    """That mail to the `email` among them reaches the user."""
    invitation: str | None = None
    """Used up with it, so that of two who come with it one is written."""

    def __repr__(self) -> str:
        """Show nothing of the user."""
        return f"WriteUser(key={self.key!r}, account={self.account!r})"


class MayLeadTo(Question[bool], frozen=True):
    """Is this the address of a page that people may be sent to?"""

    url: str


class SignedIn(Effect, frozen=True):
    """Somebody signed in: counts, and dates, the account's logins."""

    account: str
    at: int
    """Unix seconds."""
