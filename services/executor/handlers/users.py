"""Answers about who there is."""

from __future__ import annotations

from collections.abc import Mapping

from libs.common.chassis.tokens import digest
from libs.common.flow.accounts import (
    CheckInvitation,
    DeleteUser,
    Invited,
    KeepConsent,
    RecallConsent,
)
from libs.common.flow.model import Json
from libs.common.flow.questions import FindAccount, LoadUser, Taken, Uninvited, WriteUser, Written
from services.executor.handlers.world import World


async def find(world: World, tenant: str, question: FindAccount) -> str | None:
    """Answer `FindAccount`."""
    return await world.directory.find(tenant, question.kinds, question.identifier)


async def load(world: World, tenant: str, question: LoadUser) -> Mapping[str, Json] | None:
    """Answer `LoadUser`."""
    return await world.directory.load(tenant, question.account)


async def write(world: World, tenant: str, question: WriteUser) -> Written | Taken | Uninvited:
    """Answer `WriteUser`."""
    return await world.directory.write(
        tenant,
        question.key,
        question.account,
        question.attributes,
        question.password_hash,
        verified=question.verified,
        invitation=question.invitation,
    )


async def delete(world: World, tenant: str, question: DeleteUser) -> bool:
    """Answer `DeleteUser`."""
    await world.directory.delete(tenant, question.account)
    await world.sign_ins.end_all(tenant, question.account)
    return True


async def recall_consent(world: World, tenant: str, question: RecallConsent) -> bool:
    """Answer `RecallConsent`."""
    return await world.directory.recall_consent(
        tenant, question.account, question.purpose, question.at
    )


async def keep_consent(world: World, tenant: str, question: KeepConsent) -> bool:
    """Answer `KeepConsent`."""
    await world.directory.keep_consent(tenant, question.account, question.purpose, question.until)
    return True


async def check_invitation(world: World, tenant: str, question: CheckInvitation) -> Invited | None:
    """Answer `CheckInvitation`."""
    return await world.directory.find_invitation(tenant, digest(question.token))
