"""Answers about codes. An account without an authenticator costs the same as one with."""

from __future__ import annotations

from libs.common.flow.questions import CheckCode, CheckTotp, Verdict
from services.executor.handlers.world import NOBODY, World


async def check_totp(world: World, tenant: str, question: CheckTotp) -> Verdict:
    """Answer `CheckTotp`."""
    account, identifier = question.account, question.identifier
    # Before the code is looked at: six digits are few.
    if not await world.codes.take(tenant, account, identifier):
        return Verdict.BLOCKED
    sealed = await world.directory.totp_secret(tenant, account or NOBODY)
    step = world.authenticator.step_of(tenant, account, sealed, question.code)
    if account is None or not step:
        return Verdict.WRONG
    # RFC 6238, 5.2: a code that was accepted is not accepted again.
    if not await world.authenticator.spend(tenant, account, step, question.attempt):
        return Verdict.WRONG
    await world.codes.refund(tenant, account, identifier)
    return Verdict.RIGHT


async def check_code(world: World, tenant: str, question: CheckCode) -> Verdict:
    """Answer `CheckCode`."""
    account, identifier = question.account, question.identifier
    if not await world.sent_codes.take(tenant, account, identifier):
        return Verdict.BLOCKED
    right = world.minter.is_right(tenant, question.sent, question.code)
    # Nobody was sent it: that the digits are right is luck.
    if account is None or not right:
        return Verdict.WRONG
    await world.sent_codes.refund(tenant, account, identifier)
    return Verdict.RIGHT
