"""What nodes ask about an account beside who it is: its further factors, its consents, its end.

Each is about somebody who certainly owns the account, but for `CheckRecoveryCode`, which is a guess
as others are, and `CheckInvitation` and `IsBreached`, who may have none yet.
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from libs.common.flow.model import Json
from libs.common.flow.questions import Verdict
from libs.common.flow.turn import Question
from libs.common.secret import Secret


class TotpOffer(msgspec.Struct, frozen=True):
    """An authenticator that is to be set up."""

    sealed: str
    """Its secret as a session may keep it, in base64."""
    secret: str
    """In base32, for who types it."""
    uri: str
    """The same for an app to read, `otpauth://totp/…`."""
    image: str
    """That as a QR code, in a URL of its own (RFC 2397)."""

    def __repr__(self) -> str:
        """Show nothing: all of it is the secret."""
        return "TotpOffer(***)"


class OfferTotp(Question[TotpOffer], frozen=True):
    """What does an app need to become the account's authenticator?"""

    account: str
    issuer: str
    """Under which the app lists it."""
    name: str
    """What the account is called there."""
    sealed: str | None = None
    """What was offered before, to be shown again."""

    def __repr__(self) -> str:
        """Show no name."""
        return f"OfferTotp(account={self.account!r})"


class EnrolTotp(Question[Verdict], frozen=True):
    """Does the authenticator show this code? If so, it is the account's from now on."""

    account: str
    sealed: str
    code: Secret
    attempt: str
    """As in `CheckTotp`, which takes none that was good here."""
    first: bool = True
    """Not if the account has a factor by now, but for this very one: none of them was shown."""


class IsEnrolled(Question[bool], frozen=True):
    """Is this very authenticator, as a session keeps it, the account's already?

    No other session has it, so that one has set it up, in a turn that died of something later.
    """

    account: str
    sealed: str


class RecoveryCodes(msgspec.Struct, frozen=True):
    """Codes that are to be an account's."""

    codes: tuple[str, ...]
    digests: tuple[str, ...]
    """What is kept of them, in hexadecimal."""

    def __repr__(self) -> str:
        """Show no code."""
        return f"RecoveryCodes({len(self.codes)})"


class MakeRecoveryCodes(Question[RecoveryCodes], frozen=True):
    """Which codes could the account's be?"""

    account: str
    count: int


class KeepRecoveryCodes(Question[bool], frozen=True):
    """Are these the account's codes from now on, and no others?"""

    account: str
    digests: tuple[str, ...]
    first: bool = True
    """As in `EnrolTotp`."""


class HasRecoveryCodes(Question[bool], frozen=True):
    """Are these very codes, as a session keeps them, the account's already? As `IsEnrolled`."""

    account: str
    digests: tuple[str, ...]


class CheckRecoveryCode(Question[Verdict], frozen=True):
    """Is this a code of the account's that nobody has used?"""

    account: str | None
    identifier: str | None
    code: Secret
    attempt: str
    """Names this submit, as in `CheckTotp`."""


class RecallConsent(Question[bool], frozen=True):
    """Has the account's owner agreed to this, and does it still hold?"""

    account: str
    purpose: str
    at: int
    """Unix seconds."""


class KeepConsent(Question[bool], frozen=True):
    """Is it remembered that the account's owner agrees to this?"""

    account: str
    purpose: str
    until: int | None
    """Unix seconds; None for good."""


class DeleteUser(Question[bool], frozen=True):
    """Is the account gone, with all that it had? It is as well where it was gone before."""

    account: str


class Invited(msgspec.Struct, frozen=True):
    """An invitation that is good."""

    id: str
    attributes: Mapping[str, Json]
    """What whoever invites has set of the user, identifiers in their normal form."""

    def __repr__(self) -> str:
        """Show nothing of the user."""
        return f"Invited({self.id!r})"


class CheckInvitation(Question[Invited | None], frozen=True):
    """Which invitation is this the token of? None for one that is used, expired, or none."""

    token: Secret


class IsBreached(Question[bool], frozen=True):
    """Is this password known from a breach? Not where nobody can tell."""

    password: Secret
