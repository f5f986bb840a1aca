"""Answers about who is signed in."""

from __future__ import annotations

from libs.common.flow.signins import EndSignIn, EndSignIns, KeepSignIn
from services.executor.directory.signins import sid_of
from services.executor.handlers.world import World


async def keep(world: World, tenant: str, question: KeepSignIn) -> bool:
    """Answer `KeepSignIn`."""
    sid = sid_of(question.session)
    kept = await world.sign_ins.keep(
        tenant,
        sid,
        question.account,
        auth_time=question.auth_time,
        amr=question.amr,
        acr=question.acr,
    )
    if not kept:
        return False
    # Only then: who deletes the account from here on finds the sign-in, and ends it.
    if await world.directory.load(tenant, question.account) is None:
        await world.sign_ins.end(tenant, sid)
        return False
    return True


async def end(world: World, tenant: str, question: EndSignIn) -> bool:
    """Answer `EndSignIn`."""
    await world.sign_ins.end(tenant, question.sign_in)
    return True


async def end_all(world: World, tenant: str, question: EndSignIns) -> bool:
    """Answer `EndSignIns`."""
    await world.sign_ins.end_all(tenant, question.account, but=question.but)
    return True
