"""A world for walks: it answers from a few people that a test names, and keeps what it was asked.

Everybody's password is `PASSWORD`, their code `CODE`, and a recovery code `RECOVERY_CODE`. Who
comes back from a provider sends `{"state": "state", "code": "<account>"}`, and a passkey is
`{"tokenResponse": '{"id": "<account>"}'}`.

It is never asked what the test did not expect.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

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
from libs.common.flow.federation import BeginSignIn, Begun, Came, FinishSignIn, LinkExternal
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
    Verdict,
    VerifyEmail,
    WriteUser,
    Written,
)
from libs.common.flow.signins import EndSignIn, EndSignIns, KeepSignIn
from libs.common.flow.turn import External, Question, Surroundings
from libs.common.flow.world import new_user

NOW = Surroundings(time=1_790_000_000, ip="192.0.2.7")
PASSWORD, CODE, RECOVERY_CODE = "correct horse", "123456", "abcde-fghij"
TICKED = "a-ticked-box"
"""What a captcha's service gives to whom it takes for no program."""
INVITATION, INVITED = "an invitation", Invited("invitation-1", {"role": "editor"})
OFFER = TotpOffer("c2VhbGVk", "JBSWY3DPEHPK3PXP", "otpauth://totp/", "data:image/svg+xml,")


class World:
    """Answers what a walk asks: everybody's password is `PASSWORD`, and their code `CODE`."""

    def __init__(self, **users: Mapping[str, Json]) -> None:
        """Know `users`, by their account; they are called `<account>@example.com`."""
        self.users: dict[str, Mapping[str, Json]] = dict(users)
        self.asked: list[Question[Any]] = []
        self.reached: Reached | None = Reached({})
        """What is answered by whoever is called."""
        self._agreed: set[tuple[str, str]] = set()

    def answer(self, question: Question[Any]) -> object:
        """Answer `question`, and remember it."""
        self.asked.append(question)
        match question:
            case FindAccount(identifier=identifier):
                account = identifier.removesuffix("@example.com")
                return account if account in self.users else None
            case CheckPassword():
                return _verdict(question.account, question.password.reveal() == PASSWORD)
            case CheckTotp() | CheckCode():
                return _verdict(question.account, question.code.reveal() == CODE)
            case VerifyEmail():
                return self._verify(question)
            case BeginSignIn() | FinishSignIn() | LinkExternal():
                return self._provide(question)
            case SeekPasskey() | OfferPasskey():
                return self._offer(question)
            case CheckPasskey():
                return self._check(question)
            case KeepPasskey():
                return self._keep(question)
            case LoadUser():
                return self.users.get(question.account)
            case HashPassword():
                return "$argon2id$"
            case MayLeadTo():
                # As an executor does for which the operator has named no origin.
                return question.url.startswith("/")
            case WriteUser():
                return self._write(question)
            case ShowCaptcha() | CheckCaptcha():
                return self._judge(question)
            case CallAction() | CallWebhook():
                return self.reached
            case _:
                return self._of_accounts(question)

    def _judge(self, question: ShowCaptcha | CheckCaptcha) -> Widget | Judgement:
        if isinstance(question, ShowCaptcha):
            return Widget("TURNSTILE", "key")
        ticked = question.response.reveal() == TICKED
        return Judgement.PASSED if ticked else Judgement.REFUSED

    def _of_accounts(self, question: Question[Any]) -> object:
        match question:
            case CheckRecoveryCode():
                right = question.code.reveal() in (RECOVERY_CODE, CODE)
                return _verdict(question.account, right)
            case OfferTotp():
                return OFFER
            case EnrolTotp():
                return self._enrol_totp(question)
            case MakeRecoveryCodes():
                return RecoveryCodes((RECOVERY_CODE,), ("00",))
            case KeepRecoveryCodes():
                return self._enrol(question.account, "recovery_code")
            case KeepConsent():
                self._agreed.add((question.account, question.purpose))
                return True
            case RecallConsent():
                return (question.account, question.purpose) in self._agreed
            case DeleteUser():
                return self.users.pop(question.account, None) is not None
            case EndSignIn() | EndSignIns():
                return True
            case KeepSignIn():
                return question.account in self.users
            case IsBreached() | IsEnrolled() | HasRecoveryCodes() | MadePasskey():
                return False
            case CheckInvitation():
                return INVITED if question.token.reveal() == INVITATION else None
            case _:
                msg = f"nobody answers {question}"
                raise AssertionError(msg)

    def _provide(self, question: BeginSignIn | FinishSignIn | LinkExternal) -> object:
        if isinstance(question, BeginSignIn):
            return Begun("https://provider.invalid/", "state", "nonce", "verifier")
        if isinstance(question, LinkExternal):
            return True
        subject = question.code.reveal()
        known = subject if subject in self.users else None
        return Came(External("https://provider.invalid", subject), {}, known)

    def _verify(self, question: VerifyEmail) -> Verdict:
        account = question.account
        verdict = _verdict(account or question.to, question.code.reveal() == CODE)
        if verdict is Verdict.RIGHT and account in self.users:
            self.users[account] = {**self.users[account], "email_verified": True}
        return verdict

    def _offer(self, question: SeekPasskey | OfferPasskey) -> Ceremony | None:
        if isinstance(question, SeekPasskey) and question.account is not None:
            known = self.users.get(question.account, {})
            if "webauthn" not in known.get("mfa_methods", ()):
                return None
        return Ceremony("challenge", {})

    def _check(self, question: CheckPasskey) -> Shown | None:
        account = msgspec.json.decode(question.response.reveal())["id"]
        return Shown(account, bound=True, verified=True) if account in self.users else None

    def _keep(self, question: KeepPasskey) -> bool:
        return self._enrol(question.account, "webauthn")

    def _enrol_totp(self, question: EnrolTotp) -> Verdict:
        verdict = _verdict(question.account, question.code.reveal() == CODE)
        if verdict is Verdict.RIGHT:
            self._enrol(question.account, "totp")
        return verdict

    def _enrol(self, account: str, method: str) -> bool:
        known = self.users[account]
        methods = [*dict.fromkeys((*known.get("mfa_methods", ()), method))]
        self.users[account] = {**known, "mfa_enabled": True, "mfa_methods": methods}
        return True

    def _write(self, question: WriteUser) -> Written | Taken:
        email = str(question.attributes.get("email", ""))
        account = question.account or email.removesuffix("@example.com")
        if question.account is None and account in self.users:
            return Taken("email")
        known = self.users.get(account) or new_user(NOW.time)
        verified = {"email_verified": True} if question.verified else {}
        self.users[account] = {**known, **question.attributes, **verified}
        return Written(account)

    def wrote(self) -> list[WriteUser]:
        """All that it was asked to write."""
        return [each for each in self.asked if isinstance(each, WriteUser)]


def _verdict(account: str | None, right: bool) -> Verdict:
    return Verdict.RIGHT if right and account is not None else Verdict.WRONG
