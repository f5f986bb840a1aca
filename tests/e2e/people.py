"""People with accounts, made as the executor's own command makes them, without a process each."""

from __future__ import annotations

import msgspec
import pyotp

from deploy.local.stack import Stack
from libs.common.chassis.config import load
from libs.common.secret import Secret
from services.executor.assertions import DEFAULT_TENANT
from services.executor.config import CredentialSettings
from services.executor.users import add


class Person(msgspec.Struct, frozen=True):
    id: str
    email: str
    authenticator: pyotp.TOTP | None


async def enrol(
    stack: Stack, email: str, password: str, *, totp: bool = False, tenant: str = DEFAULT_TENANT
) -> Person:
    """Make an account, with an authenticator if they have one."""
    settings = load(CredentialSettings, stack.settings["executor"])
    made = await add(settings, tenant, {"email": email}, Secret(password), totp=totp)
    secret = made.totp_secret
    return Person(made.id, email, None if secret is None else pyotp.TOTP(secret))
