"""The ways of nodes that set something up for the user."""

from __future__ import annotations

from types import MappingProxyType

import pyotp

from libs.common.flow.model import Node
from tests.authenticator import Authenticator
from tests.integration.executor.answers.waiting import UNKNOWN, Totp
from tests.integration.executor.answers.way import BEFORE, Sent, SignedIn, Way, credential
from tests.integration.executor.conftest import PASSWORD
from tests.integration.executor.test_accounts import texts
from tests.integration.executor.test_passkeys import ORIGIN, creation
from tests.walks import asks, node


class PasswordSetup(Way):
    paths = ("start > before > details > it > write > done",)
    nodes = MappingProxyType({"details": asks("email"), "write": node("user_write")})

    def it(self) -> Node:
        return node("password_setup")

    async def before(self) -> list[Sent]:
        return [BEFORE, Sent({"email": self.email})]

    async def right(self) -> Sent:
        return Sent({"password": PASSWORD, "confirmation": PASSWORD})

    async def wrong(self) -> Sent:
        return Sent({"password": PASSWORD, "confirmation": f"{PASSWORD}!"})

    async def short(self) -> Sent:
        return Sent({"password": "short", "confirmation": "short"})


class WebauthnSetup(SignedIn):
    def it(self) -> Node:
        return node("webauthn_setup")

    async def right(self) -> Sent:
        return credential(Authenticator(ORIGIN).make(creation(self.step)))

    async def wrong(self) -> Sent:
        return credential(Authenticator("https://evil.example").make(creation(self.step)))


class TotpSetup(Totp):
    def it(self) -> Node:
        return node("totp_setup")

    def totp(self) -> pyotp.TOTP:
        return pyotp.TOTP(texts(self.step)[1])


class RecoveryCodesSetup(SignedIn):
    def it(self) -> Node:
        return node("recovery_codes_setup")

    async def wrong(self) -> Sent:
        return UNKNOWN


WAYS: dict[str, type[Way]] = {
    "password_setup": PasswordSetup,
    "webauthn_setup": WebauthnSetup,
    "totp_setup": TotpSetup,
    "recovery_codes_setup": RecoveryCodesSetup,
}
"""By node type."""
