"""Who answers which question, in one look."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Generator, Mapping
from typing import Any, Final, TypeAlias, TypeVar

from libs.common.flow.accounts import (
    CheckInvitation,
    CheckRecoveryCode,
    DeleteUser,
    EnrolTotp,
    HasRecoveryCodes,
    IsBreached,
    IsEnrolled,
    KeepConsent,
    KeepRecoveryCodes,
    MakeRecoveryCodes,
    OfferTotp,
    RecallConsent,
)
from libs.common.flow.calls import CallAction, CallWebhook
from libs.common.flow.captchas import CheckCaptcha, ShowCaptcha
from libs.common.flow.federation import BeginSignIn, FinishSignIn, LinkExternal
from libs.common.flow.passkeys import (
    CheckPasskey,
    KeepPasskey,
    MadePasskey,
    OfferPasskey,
    SeekPasskey,
)
from libs.common.flow.questions import (
    CheckCode,
    CheckPassword,
    CheckTotp,
    FindAccount,
    HashPassword,
    LoadUser,
    MayLeadTo,
    VerifyEmail,
    WriteUser,
)
from libs.common.flow.signins import EndSignIn, EndSignIns, KeepSignIn
from libs.common.flow.turn import Question
from services.executor.handlers import (
    calls,
    captchas,
    codes,
    enrolment,
    federation,
    pages,
    passkeys,
    passwords,
    signins,
    users,
)
from services.executor.handlers.world import World

T = TypeVar("T")

Handler: TypeAlias = Callable[[World, str, Any], Awaitable[Any]]
"""(world, tenant, question) → its answer. Raises `Unavailable` where it cannot know."""
Hear: TypeAlias = Callable[[Question[Any], Any], None]
"""Told of a question and its answer."""

HANDLERS: Final[Mapping[type[Question[Any]], Handler]] = {
    FindAccount: users.find,
    CheckPassword: passwords.check,
    CheckTotp: codes.check_totp,
    BeginSignIn: federation.begin,
    FinishSignIn: federation.finish,
    LinkExternal: federation.link,
    SeekPasskey: passkeys.seek,
    CheckPasskey: passkeys.check,
    OfferPasskey: passkeys.offer,
    KeepPasskey: passkeys.keep,
    MadePasskey: passkeys.made,
    CheckCode: codes.check_code,
    VerifyEmail: codes.verify_email,
    LoadUser: users.load,
    HashPassword: passwords.make_hash,
    WriteUser: users.write,
    CheckRecoveryCode: enrolment.check_recovery_code,
    OfferTotp: enrolment.offer_totp,
    EnrolTotp: enrolment.enrol_totp,
    IsEnrolled: enrolment.is_enrolled,
    MakeRecoveryCodes: enrolment.make_recovery_codes,
    KeepRecoveryCodes: enrolment.keep_recovery_codes,
    HasRecoveryCodes: enrolment.has_recovery_codes,
    RecallConsent: users.recall_consent,
    KeepConsent: users.keep_consent,
    DeleteUser: users.delete,
    KeepSignIn: signins.keep,
    EndSignIn: signins.end,
    EndSignIns: signins.end_all,
    CheckInvitation: users.check_invitation,
    IsBreached: passwords.is_breached,
    MayLeadTo: pages.may_lead_to,
    CallAction: calls.action,
    CallWebhook: calls.webhook,
    ShowCaptcha: captchas.show,
    CheckCaptcha: captchas.check,
}


async def converse(
    world: World,
    tenant: str,
    dialogue: Generator[Question[Any], Any, T],
    question: Question[Any] | None = None,
    hear: Hear | None = None,
) -> T:
    """Answer what `dialogue` asks until it returns; `question` is the one that it waits at.

    `hear` is told of each answer.
    """
    try:
        asked = next(dialogue) if question is None else question
        while True:
            answer = await HANDLERS[type(asked)](world, tenant, asked)
            if hear is not None:
                hear(asked, answer)
            asked = dialogue.send(answer)
    except StopIteration as done:
        value: T = done.value
        return value
