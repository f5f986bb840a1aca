"""What a node asks about captchas, which tell people from programs."""

from __future__ import annotations

import enum

import msgspec

from libs.common.flow.turn import Question
from libs.common.secret import Secret


class Judgement(enum.Enum):
    """What became of what the client sent."""

    PASSED = enum.auto()
    REFUSED = enum.auto()
    UNKNOWN = enum.auto()
    """The service that would know does not say."""


class Widget(msgspec.Struct, frozen=True):
    """What a client needs to draw a captcha."""

    variant: str
    """Whose it is, as `TURNSTILE`."""
    site_key: str


class ShowCaptcha(Question[Widget | None], frozen=True):
    """What is drawn for the captcha of this provider? None where there is no such."""

    provider: str


class CheckCaptcha(Question[Judgement], frozen=True):
    """Does the service of this provider say that a person sent this?

    It is good for one check. So where a turn is run again it is refused, and the user is asked
    once more.
    """

    provider: str
    response: Secret
