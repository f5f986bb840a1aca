"""The world that a script describes: it answers what nodes ask, and notes what they would write.

It has one account at most when a run begins. Nothing leaves it, and no secret stays in it.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping
from types import MappingProxyType
from typing import Any, Final, TypeAlias, TypeVar

import msgspec

from libs.common.flow.accounts import (
    CheckInvitation,
    CheckRecoveryCode,
    DeleteUser,
    EnrolTotp,
    HasRecoveryCodes,
    Invited,
    IsBreached,
    IsEnrolled,
    KeepConsent,
    KeepRecoveryCodes,
    MakeRecoveryCodes,
    OfferTotp,
    RecallConsent,
    RecoveryCodes,
    TotpOffer,
)
from libs.common.flow.calls import CallAction, CallWebhook, Reached
from libs.common.flow.captchas import CheckCaptcha, Judgement, ShowCaptcha, Widget
from libs.common.flow.federation import (
    BeginSignIn,
    Begun,
    Came,
    FinishSignIn,
    LinkExternal,
)
from libs.common.flow.identifier import KINDS
from libs.common.flow.model import Json
from libs.common.flow.passkeys import (
    Ceremony,
    CheckPasskey,
    KeepPasskey,
    MadePasskey,
    OfferPasskey,
    SeekPasskey,
    Shown,
)
from libs.common.flow.questions import (
    CheckCode,
    CheckPassword,
    CheckTotp,
    FindAccount,
    HashPassword,
    LoadUser,
    MayLeadTo,
    Taken,
    Uninvited,
    Verdict,
    VerifyEmail,
    WriteUser,
    Written,
)
from libs.common.flow.script import SUCCESS, Cue, Persona
from libs.common.flow.signins import EndSignIn, EndSignIns, KeepSignIn
from libs.common.flow.turn import External, Question
from libs.common.secret import MASK

R = TypeVar("R")

ACCOUNT: Final = "simulated-account"
"""The `id` of an account whose persona does not say it."""
PASSKEY: Final = "webauthn"
"""Among `user.mfa_methods` of who has a passkey."""
NO_CEREMONY: Final = Ceremony("", {})
"""Nobody has an authenticator here."""
BEGUN: Final = Begun("https://provider.invalid/", "simulated", "", "")
"""Where a provider is, and the `state` that comes back."""
SOMEBODY: Final = External("https://provider.invalid", "simulated-subject")


OFFER: Final = TotpOffer("", MASK, "", "")
"""Nobody has an app here."""


class Write(msgspec.Struct, frozen=True, tag="WriteUser"):
    """An account that would have been written."""

    account: str
    new: bool
    attributes: Mapping[str, Json]
    password: str | None
    """Masked; None where none would have been."""


class Deletion(msgspec.Struct, frozen=True, tag="DeleteUser"):
    """An account that would have been deleted."""

    account: str


class World:
    """What there is, as far as a run can tell."""

    def __init__(self, persona: Persona) -> None:
        self.account: str | None = None
        """The persona's; None where they have none."""
        self.written: list[Write | Deletion] = []
        """In order; whoever shows them takes them away."""
        self._users: dict[str, Mapping[str, Json]] = {}
        self._consents: dict[tuple[str, str], int | None] = {}
        self._time = persona.request.time
        if persona.user is not None:
            id = persona.user.get("id")
            self.account = id if isinstance(id, str) else ACCOUNT
            methods = [] if persona.user.get("mfa_enabled") is False else ["totp"]
            self._users[self.account] = {
                "mfa_methods": methods,
                **persona.user,
                "id": self.account,
            }

    def find(self, question: FindAccount) -> str | None:
        """Find the account that was written by that name, or else the persona's."""
        for id, user in self._users.items():
            if any(user.get(kind) == question.identifier for kind in question.kinds):
                return id
        return self.account

    def load(self, question: LoadUser) -> Mapping[str, Json] | None:
        """Return what is known of an account."""
        return self._users.get(question.account)

    def come(self, _question: FinishSignIn) -> Came:
        """Come back as the persona, whose account is known to the provider."""
        return Came(SOMEBODY, {}, self.account)

    def seek_passkey(self, question: SeekPasskey) -> Ceremony | None:
        """Have a passkey shown, by whoever was named if they have one."""
        if question.account is None:
            return NO_CEREMONY
        known = self._users.get(question.account, {})
        return NO_CEREMONY if PASSKEY in (known.get("mfa_methods") or ()) else None

    def show_passkey(self, question: CheckPasskey) -> Shown | None:
        """Show the persona's passkey, of the kind that moves with them from device to device."""
        verified = question.verification == "required"
        return None if self.account is None else Shown(self.account, bound=False, verified=verified)

    def keep_passkey(self, question: KeepPasskey) -> bool:
        """Keep a passkey."""
        self.enrol(question.account, PASSKEY)
        return True

    def enrol(self, account: str, method: str) -> None:
        """Give an account a factor."""
        known = self._users.get(account, {})
        methods = [*(known.get("mfa_methods") or ())]
        if method not in methods:
            methods.append(method)
        self._users[account] = {**known, "mfa_enabled": True, "mfa_methods": methods}

    def enrol_totp(self, question: EnrolTotp) -> Verdict:
        """Give an account an authenticator, whatever its code."""
        self.enrol(question.account, "totp")
        return Verdict.RIGHT

    def keep_codes(self, question: KeepRecoveryCodes) -> bool:
        """Give an account recovery codes."""
        self.enrol(question.account, "recovery_code")
        return True

    def keep_consent(self, question: KeepConsent) -> bool:
        """Remember a consent."""
        self._consents[question.account, question.purpose] = question.until
        return True

    def recall_consent(self, question: RecallConsent) -> bool:
        """Say whether one was given in this run."""
        key = question.account, question.purpose
        until = self._consents.get(key)
        return key in self._consents and (until is None or until > question.at)

    def delete(self, question: DeleteUser) -> bool:
        """Delete an account."""
        self._users.pop(question.account, None)
        self.written.append(Deletion(question.account))
        return True

    def keep_sign_in(self, question: KeepSignIn) -> bool:
        """Begin a sign-in, of an account that there is."""
        return question.account in self._users

    def verify_email(self, question: VerifyEmail) -> Verdict:
        """Take the code; the address that it went to is verified."""
        account = question.account
        if account in self._users:
            self._users[account] = {**self._users[account], "email_verified": True}
        return Verdict.RIGHT

    def write(self, question: WriteUser) -> Written:
        """Write an account."""
        # As the directory does, so that the same visit again writes the same account.
        account = question.account or question.key
        known = self._users.get(account) or new_user(self._time)
        verified = {"email_verified": True} if question.verified else {}
        self._users[account] = {**known, **question.attributes, "id": account, **verified}
        hashed = question.password_hash is not None
        self.written.append(
            Write(account, question.account is None, question.attributes, MASK if hashed else None)
        )
        return Written(account)


def new_user(now: int) -> dict[str, Json]:
    """Return what is known of every account that has just been made, as executors know it."""
    return {
        **dict.fromkeys(KINDS),
        "email_verified": False,
        "logins_count": 0,
        "last_login": None,
        "created_at": now,
        "updated_at": now,
        "mfa_enabled": False,
        "mfa_methods": [],
    }


Part: TypeAlias = Callable[[World, Any], Any]
"""(world, question) → its answer."""


def _taken(_world: World, question: WriteUser) -> Taken:
    return Taken(next((kind for kind in KINDS if kind in question.attributes), KINDS[0]))


_GUESS: Final[Mapping[str, Part]] = {
    SUCCESS: lambda _world, _question: Verdict.RIGHT,
    "failure": lambda _world, _question: Verdict.WRONG,
    "blocked": lambda _world, _question: Verdict.BLOCKED,
}

_CALL: Final[Mapping[str, Part]] = {
    SUCCESS: lambda _world, _question: Reached({}),
    "failure": lambda _world, _question: None,
}

PARTS: Final[Mapping[type[Question[Any]], Mapping[str, Part]]] = MappingProxyType(
    {
        FindAccount: {
            SUCCESS: World.find,
            "failure": lambda _world, _question: None,
        },
        CheckPassword: _GUESS,
        CheckTotp: _GUESS,
        CheckCode: _GUESS,
        VerifyEmail: {**_GUESS, SUCCESS: World.verify_email},
        CheckRecoveryCode: _GUESS,
        OfferTotp: {SUCCESS: lambda _world, _question: OFFER},
        IsEnrolled: {SUCCESS: lambda _world, _question: False},
        HasRecoveryCodes: {SUCCESS: lambda _world, _question: False},
        MadePasskey: {SUCCESS: lambda _world, _question: False},
        EnrolTotp: {**_GUESS, SUCCESS: World.enrol_totp},
        MakeRecoveryCodes: {SUCCESS: lambda _world, _question: RecoveryCodes((MASK,), ())},
        KeepRecoveryCodes: {SUCCESS: World.keep_codes},
        RecallConsent: {SUCCESS: World.recall_consent},
        KeepConsent: {SUCCESS: World.keep_consent},
        DeleteUser: {SUCCESS: World.delete},
        IsBreached: {
            SUCCESS: lambda _world, _question: False,
            "breached": lambda _world, _question: True,
        },
        CheckInvitation: {
            SUCCESS: lambda _world, _question: Invited("simulated-invitation", {}),
            "failure": lambda _world, _question: None,
        },
        LoadUser: {SUCCESS: World.load},
        KeepSignIn: {SUCCESS: World.keep_sign_in},
        EndSignIn: {SUCCESS: lambda _world, _question: True},
        EndSignIns: {SUCCESS: lambda _world, _question: True},
        SeekPasskey: {SUCCESS: World.seek_passkey},
        CheckPasskey: {
            SUCCESS: World.show_passkey,
            "failure": lambda _world, _question: None,
        },
        OfferPasskey: {SUCCESS: lambda _world, _question: NO_CEREMONY},
        KeepPasskey: {
            SUCCESS: World.keep_passkey,
            "failure": lambda _world, _question: False,
        },
        BeginSignIn: {
            SUCCESS: lambda _world, _question: BEGUN,
            "failure": lambda _world, _question: None,
        },
        FinishSignIn: {
            SUCCESS: World.come,
            "new_user": lambda _world, _question: Came(SOMEBODY, {}, None),
            "failure": lambda _world, _question: None,
        },
        LinkExternal: {SUCCESS: lambda _world, _question: True},
        HashPassword: {SUCCESS: lambda _world, _question: MASK},
        WriteUser: {
            SUCCESS: World.write,
            "taken": _taken,
            "uninvited": lambda _world, _question: Uninvited(),
        },
        MayLeadTo: {
            SUCCESS: lambda _world, _question: True,
            "failure": lambda _world, _question: False,
        },
        CallAction: _CALL,
        CallWebhook: _CALL,
        ShowCaptcha: {SUCCESS: lambda _world, _question: Widget("TURNSTILE", "simulated")},
        CheckCaptcha: {
            SUCCESS: lambda _world, _question: Judgement.PASSED,
            "failure": lambda _world, _question: Judgement.REFUSED,
            "unknown": lambda _world, _question: Judgement.UNKNOWN,
        },
    }
)
"""What each question may be answered, by the word that a script has for it. One that has but
one answer is never looked for in the script."""


def is_scripted(question: Question[Any]) -> bool:
    """Whether a script may say what the answer is."""
    return len(PARTS[type(question)]) > 1


def answer(world: World, question: Question[Any], cue: Cue) -> Any:  # noqa: ANN401 -- as the question declares
    """Answer by `cue`; raise `Invalid` where that is no answer to `question`."""
    parts = PARTS[type(question)]
    part = parts.get(cue.answer.outcome)
    if part is None:
        choices = ", ".join(f"`{word}`" for word in parts)
        message = f"`{cue.answer.outcome}` answers nothing that this node asks; one of {choices}"
        raise cue.refused(message)
    answered = part(world, question)
    if not cue.answer.attributes:
        return answered
    if isinstance(answered, Reached):
        return Reached(dict(cue.answer.attributes))
    raise cue.refused("What this node asks has no attributes for an answer", ".attributes")


def drive(dialogue: Generator[Question[Any], Any, R], answers: Callable[[Question[Any]], Any]) -> R:
    """Let `answers` answer all that `dialogue` asks, and return what it comes to."""
    try:
        question = next(dialogue)
        while True:
            question = dialogue.send(answers(question))
    except StopIteration as done:
        result: R = done.value
        return result
