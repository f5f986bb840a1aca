"""What the handlers work with."""

from __future__ import annotations

import dataclasses
from typing import Protocol

from libs.common.chassis.hasher import Hasher
from libs.common.chassis.outgoing import Outgoing
from services.executor.breaches import Breaches
from services.executor.calling import Caller
from services.executor.directory import Directory, Passwords
from services.executor.directory.externals import Externals
from services.executor.directory.passkeys import Passkeys
from services.executor.directory.signins import SignIns
from services.executor.handlers.authenticator import Authenticator
from services.executor.handlers.recovery import Recovery
from services.executor.minter import Minter
from services.executor.openid import OpenId
from services.executor.pages import Pages
from services.executor.registered import Registered
from services.executor.sites import Sites


class Guesses(Protocol):
    """How many wrong secrets of one kind may still be given for an identifier.

    It is the account's where there is no identifier.
    """

    async def take(self, tenant: str, account: str | None, identifier: str | None) -> bool:
        """Take one from those left, before the secret is looked at; false where none is."""

    async def refund(self, tenant: str, account: str | None, identifier: str | None) -> None:
        """Give back what was taken: the secret was right."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class World:
    """All that questions are answered from."""

    directory: Directory
    password_check: Passwords
    sign_ins: SignIns
    hasher: Hasher
    breaches: Breaches
    authenticator: Authenticator
    recovery: Recovery
    passwords: Guesses
    codes: Guesses
    """Few: who gets to try codes knows the password."""
    passkeys: Passkeys
    sites: Sites
    """Where passkeys are good."""
    sent_codes: Guesses
    """Apart from those: anybody may have a code sent, and try it."""
    minter: Minter
    externals: Externals
    openid: OpenId
    pages: Pages
    outgoing: Outgoing
    """For every address that a tenant chose."""
    registered: Registered
    caller: Caller
