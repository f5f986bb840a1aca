"""The ways of nodes that wait for the user."""

from __future__ import annotations

import re
import uuid
from abc import abstractmethod
from types import MappingProxyType
from urllib.parse import parse_qs, urlsplit

import pyotp

from libs.common.chassis.tokens import digest
from libs.common.flow.model import FlowType, Node
from libs.common.secret import Secret
from libs.common.wire.providers import Captcha as CaptchaConfig
from tests.authenticator import Authenticator
from tests.integration.executor.answers.stage import (
    CALLBACK,
    CAPTCHA_SECRET,
    GOOGLE,
    SOLVED,
    fresh_email,
)
from tests.integration.executor.answers.way import (
    BEFORE,
    LATE_SECONDS,
    WHO,
    Sent,
    SignedIn,
    Way,
    credential,
)
from tests.integration.executor.conftest import PASSWORD
from tests.integration.executor.test_accounts import around, never
from tests.integration.executor.test_codes import wrong as another
from tests.integration.executor.test_passkeys import MAKE_ONE, ORIGIN, enrolled, request
from tests.mailbox import text_of
from tests.walks import asks, node

UNKNOWN = Sent(action="no such button")


class IdentifierInput(Way):
    kind = FlowType.LOGIN
    paths = ("start > before > it > password > done",)
    nodes = MappingProxyType({"password": node("password_input")})

    def it(self) -> Node:
        return WHO

    async def prepare(self) -> None:
        await self.stage.house.person(self.email)

    async def right(self) -> Sent:
        return Sent({"email": self.email})

    async def wrong(self) -> Sent:
        return Sent({"email": "no address"})

    async def nobody(self) -> Sent:
        return Sent({"email": fresh_email()})


class PasswordInput(SignedIn):
    paths = ("start > before > who > it > done",)

    def it(self) -> Node:
        return node("password_input", attempts=1 if self.situation == "last" else 5)

    async def before(self) -> list[Sent]:
        email = fresh_email() if self.situation == "nobody" else self.email
        return [BEFORE, Sent({"email": email})]

    async def right(self) -> Sent:
        return Sent({"password": PASSWORD})

    async def wrong(self) -> Sent:
        return Sent({"password": "another"})

    nobody = right
    last = wrong


class Totp(SignedIn):
    """A node that wants a code of an authenticator."""

    @abstractmethod
    def totp(self) -> pyotp.TOTP: ...

    async def right(self) -> Sent:
        return Sent({"code": self.totp().now()})

    async def wrong(self) -> Sent:
        return Sent({"code": never(self.totp())})

    async def late(self) -> Sent:
        sent = await super().late()
        # By chance it would be right again.
        while sent.inputs["code"] in around(self.totp(), self.stage.clock.time()):
            self.stage.clock.ahead += LATE_SECONDS
        return sent


class MfaVerification(Totp):
    enrolled: pyotp.TOTP

    def totp(self) -> pyotp.TOTP:
        return self.enrolled

    def it(self) -> Node:
        return node("mfa_verification", methods=["email" if self.by_mail else "totp"])

    @property
    def by_mail(self) -> bool:
        return self.situation.startswith("mailed") or self.situation == "resend"

    async def prepare(self) -> None:
        self.account, totp = await self.stage.house.person(self.email, totp=True)
        assert totp is not None
        self.enrolled = totp
        if self.by_mail:
            await self.stage.house.pool.execute(
                "UPDATE users SET email_verified = true WHERE id = $1", self.account
            )

    async def mailed(self) -> Sent:
        return Sent({"code": await self.mailed_code()})

    async def mailed_wrong(self) -> Sent:
        return Sent({"code": another(await self.mailed_code())})

    async def mailed_late(self) -> Sent:
        sent = await self.mailed()
        self.stage.clock.ahead += LATE_SECONDS
        return sent

    async def resend(self) -> Sent:
        return Sent(action="resend")


class Webauthn(Way):
    kind = FlowType.LOGIN
    key: Authenticator

    def it(self) -> Node:
        return node("webauthn")

    async def prepare(self) -> None:
        await self.stage.house.person(self.email)
        await self.stage.house.publish(MAKE_ONE, FlowType.MFA_SETUP)
        self.key = await enrolled(self.stage.here, self.email)

    async def right(self) -> Sent:
        return credential(self.key.show(request(self.step)))

    async def wrong(self) -> Sent:
        return credential(Authenticator(ORIGIN).show(request(self.step)))


class SocialProviderSelect(Way):
    kind = FlowType.REGISTRATION
    paths = ("start > before > it > done", "it:new_user > done")

    def it(self) -> Node:
        return node("social_provider_select", providers=[GOOGLE], callback=CALLBACK)

    async def prepare(self) -> None:
        await self.stage.google()

    async def right(self) -> Sent:
        google = await self.stage.google()
        return Sent(await google.sign_in(self.step.data["url"], self.name))

    async def wrong(self) -> Sent:
        back = (await self.right()).inputs
        (state,) = parse_qs(urlsplit(self.step.data["url"]).query)["state"]
        return Sent({**back, "state": state[::-1]})


class OtpInput(Way):
    kind = FlowType.LOGIN
    paths = ("start > before > who > it > done",)
    nodes = MappingProxyType({"who": WHO})

    def it(self) -> Node:
        return node("otp_input")

    async def prepare(self) -> None:
        await self.stage.house.person(self.email)

    async def before(self) -> list[Sent]:
        return [BEFORE, Sent({"email": self.email})]

    async def right(self) -> Sent:
        return Sent({"code": await self.mailed_code()})

    async def wrong(self) -> Sent:
        return Sent({"code": another(await self.mailed_code())})

    async def resend(self) -> Sent:
        return Sent(action="resend")


class EmailVerification(OtpInput):
    kind = FlowType.ACCOUNT_RECOVERY

    def it(self) -> Node:
        method = "link" if self.situation.startswith("link") else "code"
        return node("email_verification", method=method, expires_minutes=5)

    async def link(self) -> Sent:
        return Sent({"token": await self.mailed_token()})

    async def link_wrong(self) -> Sent:
        return Sent({"token": (await self.mailed_token())[::-1]})

    async def link_late(self) -> Sent:
        sent = await self.link()
        self.stage.clock.ahead += LATE_SECONDS
        return sent

    async def link_waits(self) -> Sent:
        return Sent()

    async def link_followed(self) -> Sent:
        sent = await self.link()
        followed = await self.stage.there.post(inputs=dict(sent.inputs))
        assert followed.body["flowStatus"] == "COMPLETE"
        return sent

    async def mailed_token(self) -> str:
        """Return what the last letter's link holds."""
        (found,) = re.findall(r"#token=(\S+)", text_of(await self.letter()))
        return str(found)


class Invitation(Way):
    def it(self) -> Node:
        return node("invitation")

    async def prepare(self) -> None:
        await self.stage.house.pool.execute(
            "INSERT INTO invitations (id, tenant, token_hash, attributes, expires_at) "
            "VALUES ($1, 'default', $2, '{}', now() + interval '1 hour')",
            uuid.uuid4(),
            digest(Secret(self.name)),
        )

    async def right(self) -> Sent:
        return Sent({"invitation": self.name})

    async def wrong(self) -> Sent:
        return Sent({"invitation": "another"})

    async def late(self) -> Sent:
        await self.stage.house.pool.execute(
            "UPDATE invitations SET expires_at = now() WHERE token_hash = $1",
            digest(Secret(self.name)),
        )
        return await self.right()


class Prompt(Way):
    def it(self) -> Node:
        return asks("colour")

    async def right(self) -> Sent:
        return Sent({"colour": "red"})

    async def wrong(self) -> Sent:
        return Sent({"colour": ""})


class InternalPrompt(Way):
    def it(self) -> Node:
        return node("internal_prompt", params=[{"name": "origin", "values": ["example.com"]}])

    async def right(self) -> Sent:
        assert (self.step.body["type"], self.step.data) == (
            "INTERNAL_PROMPT",
            {"requiredParams": ["origin"]},
        )
        return Sent({"origin": "example.com"})

    async def wrong(self) -> Sent:
        return Sent({"origin": "evil.example"})

    async def nothing(self) -> Sent:
        return Sent()


class Consent(Way):
    def it(self) -> Node:
        return node("consent")

    async def wrong(self) -> Sent:
        return UNKNOWN

    async def declined(self) -> Sent:
        return Sent(action="decline")


class Captcha(Way):
    def it(self) -> Node:
        return node("captcha", provider=self.name)

    async def prepare(self) -> None:
        config = CaptchaConfig("site-key", f"{self.stage.outside.url}/siteverify")
        await self.stage.register_provider(self.name, "captcha", config, CAPTCHA_SECRET)

    async def right(self) -> Sent:
        return Sent({"captcha": SOLVED})

    async def wrong(self) -> Sent:
        return Sent({"captcha": "another"})

    async def late(self) -> Sent:
        self.stage.outside.captchas = "a later one"
        return await self.right()

    async def unknown(self) -> Sent:
        self.stage.outside.captchas = None
        return await self.right()


class Redirect(Way):
    def it(self) -> Node:
        return node("redirect", url="/terms")

    async def wrong(self) -> Sent:
        return Sent({"code": "any"}, "any")


class Dummy(Way):
    def it(self) -> Node:
        return node("dummy")

    async def wrong(self) -> Sent:
        return UNKNOWN


WAYS: dict[str, type[Way]] = {
    "identifier_input": IdentifierInput,
    "password_input": PasswordInput,
    "mfa_verification": MfaVerification,
    "webauthn": Webauthn,
    "social_provider_select": SocialProviderSelect,
    "otp_input": OtpInput,
    "email_verification": EmailVerification,
    "invitation": Invitation,
    "prompt": Prompt,
    "internal_prompt": InternalPrompt,
    "consent": Consent,
    "captcha": Captcha,
    "redirect": Redirect,
    "dummy": Dummy,
}
"""By node type."""
