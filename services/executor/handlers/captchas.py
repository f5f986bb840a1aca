"""Answers about captchas: what is drawn, and what the service says that gave it out."""

from __future__ import annotations

from urllib.parse import urlencode

import msgspec
import structlog
from structlog.typing import FilteringBoundLogger

from libs.common.chassis.outgoing import Answer, NoAnswer
from libs.common.flow.captchas import CheckCaptcha, Judgement, ShowCaptcha, Widget
from libs.common.wire.providers import Captcha
from services.executor.handlers.world import World

SECONDS = 3.0
MOST_BYTES = 16 * 1024

_OK = 200

log: FilteringBoundLogger = structlog.get_logger()


class _Verified(msgspec.Struct, frozen=True):
    """What a `siteverify` endpoint answers."""

    success: bool
    hostname: str | None = None
    score: float | None = None


async def show(world: World, tenant: str, question: ShowCaptcha) -> Widget | None:
    """Answer `ShowCaptcha`."""
    found = await world.registered.captcha(tenant, question.provider)
    return None if found is None else Widget(found[0].variant, found[0].site_key)


async def check(world: World, tenant: str, question: CheckCaptcha) -> Judgement:
    """Answer `CheckCaptcha`."""
    found = await world.registered.captcha(tenant, question.provider)
    if found is None:
        return Judgement.UNKNOWN
    captcha, secret = found
    # Not the user's address as well: it is not needed, and is nobody's business.
    form = {"secret": secret.reveal(), "response": question.response.reveal()}
    try:
        answer = await world.outgoing.call(
            "POST",
            captcha.verify_url,
            seconds=SECONDS,
            most_bytes=MOST_BYTES,
            headers={"Content-Type": "application/x-www-form-urlencoded"},
            body=urlencode(form, errors="replace").encode(),
        )
        verified = _read(answer)
    except (NoAnswer, ValueError, RecursionError) as error:  # the last is of nested JSON
        reason = str(error) if isinstance(error, NoAnswer) else "it answers no verdict"
        log.warning("captcha_unknown", provider=question.provider, reason=reason)
        return Judgement.UNKNOWN
    return Judgement.PASSED if _passes(captcha, verified) else Judgement.REFUSED


def _read(answer: Answer) -> _Verified:
    if answer.status != _OK:
        raise ValueError(answer.status)
    return msgspec.json.decode(answer.body, type=_Verified)


def _passes(captcha: Captcha, verified: _Verified) -> bool:
    if not verified.success:
        return False
    if captcha.hostnames and verified.hostname not in captcha.hostnames:
        return False
    least = captcha.min_score
    return least is None or (verified.score is not None and verified.score >= least)
