"""Answers about providers that people sign in with.

What goes wrong there is logged for operators, and is to the user all the same.
"""

from __future__ import annotations

from typing import Final

import structlog
from structlog.typing import FilteringBoundLogger

from libs.common.flow.federation import BeginSignIn, Begun, Came, FinishSignIn, LinkExternal
from libs.common.flow.turn import External
from services.executor.handlers.world import World
from services.executor.openid import Unbelievable

log: Final[FilteringBoundLogger] = structlog.get_logger()


async def begin(world: World, tenant: str, question: BeginSignIn) -> Begun | None:
    """Answer `BeginSignIn`."""
    client = await world.registered.openid(tenant, question.provider)
    if client is None:
        return None
    try:
        return await world.openid.begin(client, question.callback)
    except Unbelievable as error:
        log.warning("provider_refused", provider=question.provider, reason=str(error))
        return None


async def finish(world: World, tenant: str, question: FinishSignIn) -> Came | None:
    """Answer `FinishSignIn`."""
    client = await world.registered.openid(tenant, question.provider)
    if client is None:
        return None
    try:
        person = await world.openid.finish(
            client,
            question.callback,
            question.code,
            question.issuer,
            nonce=question.nonce,
            verifier=question.verifier,
        )
    except Unbelievable as error:
        log.warning("provider_refused", provider=question.provider, reason=str(error))
        return None
    external = External(client.config.issuer, person.subject)
    owner = await world.externals.find(tenant, external)
    if owner is not None and owner.blocked:
        # Not somebody new either: there would be another account each time.
        return None
    return Came(external, person.claims, None if owner is None else owner.account)


async def link(world: World, tenant: str, question: LinkExternal) -> bool:
    """Answer `LinkExternal`."""
    return await world.externals.link(tenant, question.account, question.external)
