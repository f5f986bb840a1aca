"""Answers about who there is."""

from __future__ import annotations

from collections.abc import Mapping

from libs.common.flow.model import Json
from libs.common.flow.questions import FindAccount, LoadUser, Taken, WriteUser, Written
from services.executor.handlers.world import World


async def find(world: World, tenant: str, question: FindAccount) -> str | None:
    """Answer `FindAccount`."""
    return await world.directory.find(tenant, question.kinds, question.identifier)


async def load(world: World, tenant: str, question: LoadUser) -> Mapping[str, Json] | None:
    """Answer `LoadUser`."""
    return await world.directory.load(tenant, question.account)


async def write(world: World, tenant: str, question: WriteUser) -> Written | Taken:
    """Answer `WriteUser`."""
    return await world.directory.write(
        tenant,
        question.key,
        question.account,
        question.attributes,
        question.password_hash,
        verified=question.verified,
    )
