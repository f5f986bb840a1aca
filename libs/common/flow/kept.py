"""Decides what of a value, and of an answer to a question, the step log may keep.

What was typed never is, nor an identifier, an address or a secret. What is kept of a user is true
or false, or what nobody types of themselves: their roles, how they verify, how often and when they
came.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, Final

import msgspec

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
from libs.common.flow.captchas import CheckCaptcha, Judgement, ShowCaptcha
from libs.common.flow.expression.values import kind
from libs.common.flow.federation import BeginSignIn, FinishSignIn, LinkExternal
from libs.common.flow.model import Json
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
    Taken,
    Uninvited,
    Verdict,
    VerifyEmail,
    WriteUser,
    Written,
)
from libs.common.flow.record import (
    Answered,
    Masked,
    Redacted,
)
from libs.common.flow.signins import EndSignIn, EndSignIns, KeepSignIn
from libs.common.flow.turn import (
    Question,
)

# What is kept of values.

SLUGS: Final = frozenset({"role", "roles", "groups", "permissions", "mfa_methods"})
"""What a user is, or may do: names that a deployment gives."""
NUMBERS: Final = frozenset({"logins_count", "last_login", "created_at", "updated_at"})
_SLUG: Final = re.compile(r"[A-Za-z][A-Za-z0-9_.:-]{0,49}")
_LOCALE: Final = re.compile(r"[A-Za-z]{2,3}([-_][A-Za-z]{4})?([-_][A-Za-z]{2})?")
_LONGEST_LIST: Final = 50
_MOST_ATTRIBUTES: Final = 100
_LONGEST_WORD: Final = 100


def mask(value: Json) -> Masked | None:
    """Keep the kind of `value`; null is told, since it says that there is nothing."""
    return None if value is None else Masked(kind(value) or "unknown")


def redact_user(user: Mapping[str, Json]) -> dict[str, Redacted] | None:
    """Keep what may be of an account's attributes; nothing where they are very many."""
    if len(user) > _MOST_ATTRIBUTES:
        return None
    return {name: _of_user(name, value) for name, value in user.items()}


def _of_user(name: str, value: Json) -> Redacted:
    if value is None or isinstance(value, bool):
        return value
    if name in NUMBERS and isinstance(value, int | float):
        return value
    if name in SLUGS:
        if _is_slug(value):
            slug: str = value
            return slug
        if isinstance(value, list | tuple) and len(value) <= _LONGEST_LIST:
            return tuple(value) if all(map(_is_slug, value)) else mask(value)
    # A user may type anything there, but then it does not look like one.
    if name == "locale" and isinstance(value, str) and _LOCALE.fullmatch(value):
        return value
    return mask(value)


def _is_slug(value: Json) -> bool:
    return isinstance(value, str) and _SLUG.fullmatch(value) is not None


def of_author(value: Json) -> Redacted:
    """Keep what the author of a flow wrote, where it is short."""
    if value is None or isinstance(value, bool | int | float):
        return value
    return value if isinstance(value, str) and len(value) <= _LONGEST_WORD else mask(value)


def of_run(value: Json) -> Redacted:
    """Keep what somebody may have typed."""
    return value if isinstance(value, bool) else mask(value)


# What is kept of answers.


class _Keeping(msgspec.Struct, frozen=True):
    """How the answer to a question is kept."""

    name: str
    keep: Callable[[Any], str | bool]
    personal: bool
    """The answer is about the account or the identifier that the run has named, or about what is
    to be written: with another it could be another."""


def _there(answer: object) -> bool:
    return answer is not None


def _verdict(answer: Verdict | Judgement) -> str:
    return answer.name


def _written(answer: Written | Taken | Uninvited) -> str:
    if isinstance(answer, Taken):
        return f"taken:{answer.attribute}"
    return "written" if isinstance(answer, Written) else "uninvited"


KEEPING: Final[Mapping[type[Question[Any]], _Keeping]] = MappingProxyType(
    {
        kind: _Keeping(kind.__name__, keep, personal)
        for kind, keep, personal in (
            (FindAccount, _there, False),
            (CheckPassword, _verdict, True),
            (CheckTotp, _verdict, True),
            (CheckCode, _verdict, True),
            (VerifyEmail, _verdict, True),
            (LoadUser, _there, True),
            (BeginSignIn, _there, False),
            (FinishSignIn, _there, False),
            (LinkExternal, bool, True),
            (SeekPasskey, _there, True),
            (CheckPasskey, _there, False),
            (OfferPasskey, _there, True),
            (KeepPasskey, bool, True),
            (MadePasskey, bool, True),
            (HashPassword, _there, False),
            (CheckRecoveryCode, _verdict, True),
            (OfferTotp, _there, True),
            (EnrolTotp, _verdict, True),
            (IsEnrolled, bool, True),
            (MakeRecoveryCodes, _there, True),
            (KeepRecoveryCodes, bool, True),
            (HasRecoveryCodes, bool, True),
            (RecallConsent, bool, True),
            (KeepConsent, bool, True),
            (DeleteUser, bool, True),
            (CheckInvitation, _there, False),
            (IsBreached, bool, False),
            (KeepSignIn, bool, True),
            (EndSignIn, bool, True),
            (EndSignIns, bool, True),
            (WriteUser, _written, True),
            (MayLeadTo, bool, False),
            (CallAction, _there, True),
            (CallWebhook, _there, True),
            (ShowCaptcha, _there, False),
            (CheckCaptcha, _verdict, False),
        )
    }
)
"""Every question there is."""

PERSONAL: Final = frozenset(each.name for each in KEEPING.values() if each.personal)


def answered(question: Question[Any], answer: Any) -> Answered:  # noqa: ANN401 - as the question declares
    """Say what is kept of `answer`."""
    keeping = KEEPING[type(question)]
    kept = keeping.keep(answer)
    if isinstance(question, LoadUser) and answer is not None:
        return Answered(keeping.name, kept, redact_user(answer))
    return Answered(keeping.name, kept)
