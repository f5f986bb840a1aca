"""How the node of a row is reached and answered; what it is called by is the node type's name."""

from __future__ import annotations

import json
import re
import uuid
from abc import ABC, abstractmethod
from collections.abc import Mapping
from email.message import EmailMessage
from types import MappingProxyType
from typing import Any

import msgspec

from libs.common.flow.model import ALONE, FlowType, Json, Library, Node
from tests.integration.executor.answers.stage import Stage, fresh_email
from tests.integration.executor.conftest import PASSWORD, Executor, Reply
from tests.mailbox import text_of
from tests.walks import NO_SETTINGS, flow, node

LATE_SECONDS = 1000
"""By how much the clock is put on."""


class Sent(msgspec.Struct, frozen=True):
    """What a step is answered with."""

    inputs: Mapping[str, Json] = {}
    action: str = ""


BEFORE = Sent({"seen": True})
"""Answers the step that each flow begins with, and is no answer to any other."""


class Way(ABC):
    """A flow with a node of some type in it, and somebody who walks it.

    A subclass draws the flow, and says what is sent in each situation by a method of its name.
    """

    kind = FlowType.REGISTRATION
    paths: tuple[str, ...] = ("start > before > it > done",)
    nodes: Mapping[str, Node] = MappingProxyType({})
    """Those of the flow, but for `it`."""

    def __init__(self, stage: Stage, situation: str) -> None:
        self.stage = stage
        self.situation = situation
        self.email = fresh_email()
        self.name = f"row-{uuid.uuid4().hex[:12]}"
        """Of what is registered for this row."""
        self.steps: list[Reply] = []

    @abstractmethod
    def it(self) -> Node:
        """Draw the node."""

    def beside(self) -> Library:
        """Draw what the tenant has beside the flow."""
        return ALONE

    async def prepare(self) -> None:  # noqa: B027 - most flows need nobody
        """Have there be whatever and whoever the flow needs."""

    async def before(self) -> list[Sent]:
        """Say what the steps are answered with that lead to the one that decides."""
        return [BEFORE]

    async def right(self) -> Sent:
        return Sent()

    @abstractmethod
    async def wrong(self) -> Sent: ...

    async def late(self) -> Sent:
        sent = await self.right()
        self.stage.clock.ahead += LATE_SECONDS
        return sent

    async def happened(self) -> bool:
        """Whether the right answer has had its effect; waits for what comes later."""
        return True

    @property
    def step(self) -> Reply:
        """The step that is current."""
        return self.steps[-1]

    async def publish(self) -> None:
        """Have the flow run."""
        nodes = {"before": node("dummy"), **self.nodes, "it": self.it()}
        used = {stop.partition(":")[0] for path in self.paths for stop in path.split(" > ")}
        drawn = flow(
            "row",
            *self.paths,
            kind=self.kind,
            settings=NO_SETTINGS,
            **{name: each for name, each in nodes.items() if name in used},
        )
        await self.stage.house.publish(drawn.graph, self.kind, beside=self.beside())

    async def walk(self) -> None:
        """Come to the step that decides."""
        await self.prepare()
        await self.publish()
        self.steps.append(await self.stage.here.start(self.kind.wire or ""))
        for sent in await self.before():
            self.steps.append(await self.send(sent))
            assert self.step.body["flowStatus"] == "INCOMPLETE", self.step.body

    async def send(
        self, sent: Sent, executor: Executor | None = None, tenant: str = "default", **more: Json
    ) -> Reply:
        """Answer the session's step, by its name: two clicks that look alike are two so."""
        named = {"flowId": self.step.body["flowId"], "stepId": self.step.body["stepId"]}
        body: dict[str, Json] = {"actionId": sent.action, "inputs": dict(sent.inputs)}
        path = f"/t/{tenant}/flow/execute"
        at = executor or self.stage.here
        return await at.post(path, **{**named, **body, **more})

    async def mailed_code(self) -> str:
        """Return the code that the last letter has."""
        (found,) = re.findall(r"\b\d{6}\b", text_of(await self.letter()))
        return str(found)

    async def letter(self) -> EmailMessage:
        """Return the letter to this row's address, once it is there."""
        box = self.stage.box
        while True:
            came = len(box.letters)
            for each in box.letters:
                if each["To"] == self.email:
                    return each
            await box.has(came + 1)


ASKS = node(
    "prompt",
    fields=[
        {"name": "colour", "type": "text", "label": "Colour"},
        {"name": "more", "type": "text", "label": "More", "required": False},
    ],
)
WHO = node("identifier_input")


class Passed(Way):
    """A node that does not wait: the step before it is answered."""

    paths: tuple[str, ...] = ("start > before > ask > it > done",)
    nodes = MappingProxyType({"ask": ASKS})

    async def right(self) -> Sent:
        return Sent({"colour": "red", "more": "yes"})

    async def wrong(self) -> Sent:
        """Leave out what the node reads."""
        return Sent({"colour": "red"})


class Unfailing(Passed):
    """A node that nothing goes wrong at."""

    async def wrong(self) -> Sent:
        return Sent()


class SignedIn(Way):
    """A node that somebody comes to who has given their password."""

    kind = FlowType.LOGIN
    paths: tuple[str, ...] = ("start > before > who > password > it > done",)
    nodes = MappingProxyType({"who": WHO, "password": node("password_input")})
    account: str

    async def prepare(self) -> None:
        self.account, _ = await self.stage.house.person(self.email)

    async def before(self) -> list[Sent]:
        return [BEFORE, Sent({"email": self.email}), Sent({"password": PASSWORD})]


class Proved(SignedIn):
    """A node that does not wait, and that somebody comes to with their password or without."""

    kind = FlowType.REGISTRATION
    paths: tuple[str, ...] = (
        "start > before > who > password > it > done",
        "password:failure > it",
    )
    nodes = MappingProxyType({"who": WHO, "password": node("password_input", attempts=1)})

    async def before(self) -> list[Sent]:
        return [BEFORE, Sent({"email": self.email})]

    async def right(self) -> Sent:
        return Sent({"password": PASSWORD})

    async def wrong(self) -> Sent:
        return Sent({"password": "another"})


def credential(made: dict[str, Any]) -> Sent:
    """Send what an authenticator answered."""
    return Sent({"tokenResponse": json.dumps(made)})
