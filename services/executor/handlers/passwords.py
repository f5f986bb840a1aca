"""Answers about passwords.

An account that does not exist, one without a password and one whose password is wrong cost the
same: one query, one bucket, one hash.
"""

from __future__ import annotations

from libs.common.flow.accounts import IsBreached
from libs.common.flow.questions import CheckPassword, HashPassword, Verdict
from services.executor.directory import NOBODY
from services.executor.handlers.world import World


async def check(world: World, tenant: str, question: CheckPassword) -> Verdict:
    """Answer `CheckPassword`."""
    account, identifier = question.account, question.identifier
    # Before the password is looked at, or many guesses at once would all be looked at.
    if not await world.passwords.take(tenant, account, identifier):
        return Verdict.BLOCKED
    if not await world.password_check.check(tenant, account or NOBODY, question.password):
        return Verdict.WRONG
    await world.passwords.refund(tenant, account, identifier)
    return Verdict.RIGHT


async def make_hash(world: World, _tenant: str, question: HashPassword) -> str:
    """Answer `HashPassword`."""
    return await world.hasher.hash(question.password)


async def is_breached(world: World, _tenant: str, question: IsBreached) -> bool:
    """Answer `IsBreached`."""
    return await world.breaches.has(question.password)
