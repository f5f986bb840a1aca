"""The ways of nodes that do not wait for the user."""

from __future__ import annotations

from types import MappingProxyType

from aiohttp import web

from libs.common.flow.calls import Target
from libs.common.flow.model import FlowType, Json, Library, Node
from libs.common.wire.registered import encode_target
from tests.integration.executor.answers.way import (
    ASKS,
    BEFORE,
    Passed,
    Proved,
    Sent,
    Unfailing,
    Way,
)
from tests.integration.executor.conftest import PASSWORD, Executor, Reply
from tests.walks import asks, checks, flow, library, node

DECIDED = "inputs.more === 'yes'"


class Start(Way):
    """What begins a session; the first one is there to be left alone."""

    paths = ("start > ask > done",)
    nodes = MappingProxyType({"ask": ASKS})

    def it(self) -> Node:
        return node("start")

    async def before(self) -> list[Sent]:
        return []

    async def right(self) -> Sent:
        return Sent({"flowType": "REGISTRATION"})

    async def wrong(self) -> Sent:
        return Sent({"flowType": "NO_SUCH_TYPE"})

    async def send(
        self, sent: Sent, executor: Executor | None = None, tenant: str = "default", **more: Json
    ) -> Reply:
        """Begin another session; or answer the first, where the step of one is named."""
        at, path = executor or self.stage.here, f"/t/{tenant}/flow/execute"
        named = {"flowId": self.step.body["flowId"]} if "stepId" in more else {}
        return await at.post(path, **sent.inputs, **named)


class Success(Unfailing):
    paths = ("start > before > ask > it",)

    def it(self) -> Node:
        return node("success")


class Failure(Unfailing):
    paths = ("start > before > ask > check", "check:true > done", "check:false > it")
    nodes = MappingProxyType({"ask": ASKS, "check": checks("inputs.colour === 'blue'")})

    def it(self) -> Node:
        return node("failure")


class Condition(Passed):
    paths = ("start > before > ask > it", "it:true > done", "it:false > done")

    def it(self) -> Node:
        return checks(DECIDED)


class Switch(Passed):
    paths = ("start > before > ask > it", "it:yes > done", "it > done")

    def it(self) -> Node:
        return node("switch", cases=[{"outcome": "yes", "when": DECIDED}])


class SetAttribute(Passed):
    def it(self) -> Node:
        return node("set_attribute", attribute="mark", value="inputs.more")


class Subflow(Passed):
    def it(self) -> Node:
        return node("subflow", flow="inner")

    def beside(self) -> Library:
        check = checks("(inputs.more ?? 'no') === 'yes'")
        paths = ("start > check", "check:true > done", "check:false > failed")
        return library(flow("inner", *paths, check=check))


class SendEmail(Passed):
    def it(self) -> Node:
        return node("send_email", to="inputs.more", subject="Hello", text="Hello")

    async def right(self) -> Sent:
        return Sent({"colour": "red", "more": self.email})

    async def happened(self) -> bool:
        return str((await self.letter())["Subject"]) == "Hello"


class SendSms(Passed):
    def it(self) -> Node:
        return node("send_sms", to="inputs.more", text=self.name)

    async def right(self) -> Sent:
        return Sent({"colour": "red", "more": f"+1202{int(self.name[-6:], 16) % 10**7:07}"})

    async def happened(self) -> bool:
        while await self.stage.outside.texts.get() != self.name:
            pass
        return True


class Webhook(Passed):
    @property
    def url(self) -> str:
        """Where the service is called."""
        return f"{self.stage.outside.url}/hook/{self.name}"

    @property
    def seconds(self) -> float:
        """How long the service may take."""
        return 0.2 if self.situation == "late" else 5.0

    def it(self) -> Node:
        return node("webhook", url=self.url, timeout_seconds=self.seconds, attempts=1)

    async def wrong(self) -> Sent:
        self.stage.outside.answers = [web.Response(status=400)]
        return await self.right()

    async def late(self) -> Sent:
        self.stage.outside.open.clear()
        return await self.right()

    async def denied(self) -> Sent:
        self.stage.outside.answers = [web.json_response({"outcome": "denied"})]
        return await self.right()

    async def happened(self) -> bool:
        return self.stage.outside.calls.count(f"/hook/{self.name}") == 1


class Action(Webhook):
    def it(self) -> Node:
        return node("action", action=self.name)

    async def prepare(self) -> None:
        target = Target(url=self.url, timeout_seconds=self.seconds, attempts=1)
        await self.stage.house.pool.execute(
            "INSERT INTO actions (tenant, id, display_name, config) "
            "VALUES ('default', $1, 'Some', $2)",
            self.name,
            encode_target(target),
        )


class UserWrite(Way):
    paths = ("start > before > details > it > done",)
    nodes = MappingProxyType({"details": asks("email", "password")})

    def it(self) -> Node:
        return node("user_write")

    async def before(self) -> list[Sent]:
        return [BEFORE]

    async def right(self) -> Sent:
        return Sent({"email": self.email, "password": PASSWORD})

    async def wrong(self) -> Sent:
        await self.stage.house.person(self.email)
        return await self.right()

    async def happened(self) -> bool:
        return await self.stage.house.directory.find("default", ("email",), self.email) is not None


class UserLogin(Proved):
    def it(self) -> Node:
        return node("user_login")


class UserLogout(Proved):
    """Where it is always reached by who has proved something, or what is forgotten there."""

    paths = ("start > before > who > password > it > done",)
    nodes = MappingProxyType({"who": node("identifier_input"), "password": node("password_input")})

    def it(self) -> Node:
        return node("user_logout")


class UserDelete(Proved):
    kind = FlowType.UNENROLLMENT

    def it(self) -> Node:
        return node("user_delete")

    async def happened(self) -> bool:
        return await self.stage.house.directory.load("default", self.account) is None


class Deny(Unfailing):
    def it(self) -> Node:
        return node("deny")


WAYS: dict[str, type[Way]] = {
    "start": Start,
    "success": Success,
    "failure": Failure,
    "condition": Condition,
    "switch": Switch,
    "subflow": Subflow,
    "set_attribute": SetAttribute,
    "send_email": SendEmail,
    "send_sms": SendSms,
    "webhook": Webhook,
    "action": Action,
    "user_write": UserWrite,
    "user_login": UserLogin,
    "user_logout": UserLogout,
    "user_delete": UserDelete,
    "deny": Deny,
}
"""By node type."""
