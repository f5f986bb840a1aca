"""Answers about codes. An account without an authenticator costs the same as one with."""

from __future__ import annotations

from libs.common.flow.questions import CheckCode, CheckTotp, Code, Link, Verdict, VerifyEmail
from libs.common.secret import Secret
from services.executor.directory import NOBODY
from services.executor.handlers.world import World


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
    verdict, _ = await _check(
        world, tenant, account, identifier, None, question.sent, question.code
    )
    return verdict


async def verify_email(world: World, tenant: str, question: VerifyEmail) -> Verdict:
    """Answer `VerifyEmail`."""
    account, to, sent = question.account, question.to, question.sent
    if isinstance(sent, Link):
        verdict, address = await _check_link(world, tenant, account, to, sent, question.code)
    else:
        verdict, address = await _check(
            world, tenant, account, question.identifier or to, to, sent, question.code
        )
    if verdict is not Verdict.RIGHT or account is None:
        return verdict
    noted = await world.directory.verify_email(tenant, account, address)
    return Verdict.RIGHT if noted else Verdict.WRONG


async def _check_link(
    world: World, tenant: str, account: str | None, to: str | None, sent: Link, token: Secret
) -> tuple[Verdict, str]:
    """Judge what came by a link that went `to` there, or else to the account, as `_check` does."""
    user = await world.directory.load(tenant, account or NOBODY)
    address = to or (user or {}).get("email")
    right = world.minter.is_token(tenant, sent, str(address), token)
    if address is None or not right:
        return Verdict.WRONG, ""
    return Verdict.RIGHT, str(address)


async def _check(
    world: World,
    tenant: str,
    account: str | None,
    identifier: str | None,
    to: str | None,
    sent: Code,
    code: Secret,
) -> tuple[Verdict, str]:
    """Judge a code that went `to` there, or else to the account; say where it went."""
    if not await world.sent_codes.take(tenant, account, identifier):
        return Verdict.BLOCKED, ""
    user = await world.directory.load(tenant, account or NOBODY)
    address = to or (user or {}).get(sent.kind)
    # An address that nobody has: so that nobody's code takes as long to make.
    right = world.minter.is_right(tenant, sent, str(address), code)
    if address is None or not right:
        return Verdict.WRONG, ""
    await world.sent_codes.refund(tenant, account, identifier)
    return Verdict.RIGHT, str(address)
