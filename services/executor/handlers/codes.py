"""Answers about codes. An account without an authenticator costs the same as one with."""

from __future__ import annotations

from libs.common.flow.questions import CheckTotp, Verdict
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
