"""Answers about passkeys.

A passkey that nobody has, one that answers wrongly and one that is a copy are all as good as none;
which it was is told to nobody.
"""

from __future__ import annotations

from typing import Final

import structlog
from structlog.typing import FilteringBoundLogger

from libs.common.flow.identifier import KINDS
from libs.common.flow.passkeys import (
    Ceremony,
    CheckPasskey,
    KeepPasskey,
    MadePasskey,
    OfferPasskey,
    SeekPasskey,
    Shown,
)
from services.executor import ceremonies
from services.executor.handlers.world import World

log: Final[FilteringBoundLogger] = structlog.get_logger()


async def seek(world: World, tenant: str, question: SeekPasskey) -> Ceremony | None:
    """Answer `SeekPasskey`."""
    site, account = world.sites.of(tenant), question.account
    known = () if account is None else await world.passkeys.list(tenant, account, site.id)
    if account is not None and not known:
        return None
    return ceremonies.seek(site, known, question.verification, question.seconds)


async def check(world: World, tenant: str, question: CheckPasskey) -> Shown | None:
    """Answer `CheckPasskey`."""
    site, response = world.sites.of(tenant), question.response
    claimed = ceremonies.claimed(response)
    kept = None if claimed is None else await world.passkeys.find(tenant, claimed.id, site.id)
    if claimed is None or kept is None:
        return None
    if claimed.handle not in (None, ceremonies.handle_of(kept.account)):
        return None
    signed = ceremonies.check(
        site, response, question.challenge, kept.public_key, question.verification
    )
    if signed is None:
        return None
    if not await world.passkeys.use(tenant, claimed.id, signed.sign_count, question.attempt):
        log.warning("passkey_copied")
        return None
    return Shown(kept.account, bound=kept.bound, verified=signed.verified)


async def offer(world: World, tenant: str, question: OfferPasskey) -> Ceremony | None:
    """Answer `OfferPasskey`."""
    site, account = world.sites.of(tenant), question.account
    user = await world.directory.load(tenant, account)
    known = await world.passkeys.list(tenant, account, site.id)
    if user is None or len(known) >= question.most:
        return None
    # What the user's own device shows them, to tell their accounts apart.
    name = next((str(user[kind]) for kind in KINDS if user.get(kind)), account)
    return ceremonies.offer(site, known, name, question)


async def keep(world: World, tenant: str, question: KeepPasskey) -> bool:
    """Answer `KeepPasskey`."""
    site = world.sites.of(tenant)
    made = ceremonies.made(site, question.response, question.challenge, question.verification)
    if made is None:
        return False
    return await world.passkeys.keep(
        tenant,
        question.account,
        site.id,
        made,
        most=question.most,
        session=question.session,
        first=question.first,
    )


async def made(world: World, tenant: str, question: MadePasskey) -> bool:
    """Answer `MadePasskey`."""
    return await world.passkeys.made_in(tenant, question.account, question.session)
