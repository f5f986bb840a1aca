"""Answers of those whom a flow calls."""

from __future__ import annotations

from libs.common.flow.calls import CallAction, CallWebhook, Reached
from services.executor.handlers.world import World


async def action(world: World, tenant: str, question: CallAction) -> Reached | None:
    """Answer `CallAction`."""
    found = await world.registered.action(tenant, question.action)
    if found is None:
        return None
    target, secrets = found
    return await world.caller.call(tenant, target, secrets, question.key, question.body)


async def webhook(world: World, tenant: str, question: CallWebhook) -> Reached | None:
    """Answer `CallWebhook`."""
    secrets = world.registered.secrets(tenant)
    return await world.caller.call(tenant, question.target, secrets, question.key, question.body)
