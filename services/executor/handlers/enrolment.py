"""Answers about the factors that the owner of an account sets up."""

from __future__ import annotations

import base64

from libs.common.flow.accounts import (
    CheckRecoveryCode,
    EnrolTotp,
    HasRecoveryCodes,
    IsEnrolled,
    KeepRecoveryCodes,
    MakeRecoveryCodes,
    OfferTotp,
    RecoveryCodes,
    TotpOffer,
)
from libs.common.flow.questions import Verdict
from services.executor.directory import NOBODY
from services.executor.handlers.authenticator import image_of, uri_of
from services.executor.handlers.world import World


async def offer_totp(world: World, tenant: str, question: OfferTotp) -> TotpOffer:
    """Answer `OfferTotp`."""
    account, authenticator = question.account, world.authenticator
    sealed, secret = None, None
    if question.sealed is not None:
        sealed = base64.b64decode(question.sealed)
        secret = authenticator.read(tenant, account, sealed)
    if sealed is None or secret is None:
        sealed, secret = authenticator.make(tenant, account)
    uri = uri_of(secret, issuer=question.issuer, name=question.name)
    return TotpOffer(base64.b64encode(sealed).decode(), secret.reveal(), uri, image_of(uri))


async def enrol_totp(world: World, tenant: str, question: EnrolTotp) -> Verdict:
    """Answer `EnrolTotp`."""
    account, sealed = question.account, base64.b64decode(question.sealed)
    if not await world.codes.take(tenant, account, None):
        return Verdict.BLOCKED
    step = world.authenticator.step_of(tenant, account, sealed, question.code)
    # Spent here, so that the same code is no second factor right after.
    if not step or not await world.authenticator.spend(tenant, account, step, question.attempt):
        return Verdict.WRONG
    if not await world.directory.enrol_totp(tenant, account, sealed, first=question.first):
        return Verdict.WRONG
    await world.codes.refund(tenant, account, None)
    return Verdict.RIGHT


async def is_enrolled(world: World, tenant: str, question: IsEnrolled) -> bool:
    """Answer `IsEnrolled`."""
    # Sealed twice, no two are the same: it was stored from that very session.
    sealed = base64.b64decode(question.sealed)
    return await world.directory.totp_secret(tenant, question.account) == sealed


async def make_recovery_codes(
    world: World, tenant: str, question: MakeRecoveryCodes
) -> RecoveryCodes:
    """Answer `MakeRecoveryCodes`."""
    codes = tuple(world.recovery.make() for _ in range(question.count))
    digests = (world.recovery.digests(tenant, question.account, code)[0] for code in codes)
    return RecoveryCodes(codes, tuple(digest.hex() for digest in digests))


async def keep_recovery_codes(world: World, tenant: str, question: KeepRecoveryCodes) -> bool:
    """Answer `KeepRecoveryCodes`."""
    digests = tuple(map(bytes.fromhex, question.digests))
    return await world.directory.keep_recovery_codes(
        tenant, question.account, digests, first=question.first
    )


async def has_recovery_codes(world: World, tenant: str, question: HasRecoveryCodes) -> bool:
    """Answer `HasRecoveryCodes`."""
    digests = tuple(map(bytes.fromhex, question.digests))
    return await world.directory.has_recovery_codes(tenant, question.account, digests)


async def check_recovery_code(world: World, tenant: str, question: CheckRecoveryCode) -> Verdict:
    """Answer `CheckRecoveryCode`."""
    account, identifier = question.account, question.identifier
    if not await world.codes.take(tenant, account, identifier):
        return Verdict.BLOCKED
    digests = world.recovery.digests(tenant, account or NOBODY, question.code.reveal())
    if not await world.directory.spend_recovery_code(
        tenant, account or NOBODY, digests, question.attempt
    ):
        return Verdict.WRONG
    await world.codes.refund(tenant, account, identifier)
    return Verdict.RIGHT
