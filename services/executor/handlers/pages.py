"""Answers about where people may be sent."""

from __future__ import annotations

from libs.common.flow.questions import MayLeadTo
from services.executor.handlers.world import World


async def may_lead_to(world: World, tenant: str, question: MayLeadTo) -> bool:
    """Answer `MayLeadTo`."""
    return await world.pages.allow(tenant, question.url)
