"""What people typed, and what they were given, is nowhere to be found afterwards."""

from __future__ import annotations

import json
import uuid
from collections.abc import AsyncIterator, Iterable

import aiohttp
import asyncpg
import pyotp
import pytest_asyncio
from nats.aio.msg import Msg

from deploy.local.demo import add_account
from deploy.local.stack import Stack
from tests.answering import answering
from tests.e2e.conftest import in_logs
from tests.e2e.walker import Walker, ask
from tests.integration.executor.test_accounts import never
from tests.kept import in_postgres, in_redis, in_streams
from tests.patience import until
from tests.typed import holds

Found = Iterable[tuple[str, bytes]]
"""Where something is kept, and what."""


class Typed:
    """All that was typed and given in the journeys of this test."""

    def __init__(self) -> None:
        run = uuid.uuid4().hex[:12]
        self.secrets: dict[str, str] = {}
        self.codes: set[str] = set()
        self.flows: set[str] = set()
        self.new = self.password("chosen at registration")
        self.right = self.password("right")
        self.wrong = self.password("wrong")
        # With a character that no id has: seven of theirs are in enough of them by chance.
        self.short = f"~{uuid.uuid4().hex[:6]}"
        self.secrets["too short a password"] = self.short
        self.emails = [f"{who}-{run}@example.com" for who in ("new", "mfa", "nobody")]

    def password(self, what: str) -> str:
        made = f"{what} {uuid.uuid4().hex}"
        self.secrets[f"the {what} password"] = made
        return made

    def needles(self) -> dict[str, bytes]:
        codes = {f"the code {code}": code for code in self.codes}
        return {what: text.encode() for what, text in (self.secrets | codes).items()}

    def handles(self) -> dict[str, bytes]:
        """What identifies people and their sessions: no secret, but not for logs or metrics."""
        return {text: text.encode() for text in (*self.emails, *self.flows)}


@pytest_asyncio.fixture
async def heard(stack: Stack) -> AsyncIterator[list[tuple[str, bytes]]]:
    """Everything that anybody says over NATS during the test."""
    said: list[tuple[str, bytes]] = []

    async def hear(message: Msg) -> None:
        headers = json.dumps(message.headers or {}).encode()
        said.append((message.subject, message.data + headers))

    async with answering(stack.facts.nats_url, hear, ">"):
        yield said


@pytest_asyncio.fixture
async def typed(flows: None, stack: Stack, walker: Walker, heard: list[tuple[str, bytes]]) -> Typed:
    """Walk every kind of journey, right and wrong."""
    typed = Typed()
    new, mfa, nobody = typed.emails
    typed.secrets["the administrator's token"] = stack.facts.admin_token
    step = await walker.start("sign-up", "REGISTRATION")
    typed.flows.add(step.flow)
    step = await walker.submit(step, "submit-registration", email=new, password=typed.short)
    assert step.data["fieldErrors"]
    await walker.submit(step, "submit-registration", email=new, password=typed.new)

    for email in (new, nobody):
        step = await walker.at_password("login", email)
        typed.flows.add(step.flow)
        await walker.submit(step, password=typed.wrong)

    done = await walker.sign_in("login", new, typed.new)
    typed.flows.add(done.flow)
    typed.secrets["an assertion"] = done.data["userAssertion"]

    made = add_account(stack.settings["executor"], mfa, typed.right, totp=True)
    totp = pyotp.TOTP(made["totp_secret"])
    typed.secrets["the authenticator's secret"] = totp.secret
    typed.secrets["the authenticator's secret, as bytes"] = totp.byte_secret().hex()
    step = await walker.sign_in("login", mfa, typed.right)
    typed.flows.add(step.flow)
    step = await walker.submit(step, code=never(totp))
    assert step.asks == ["code"]
    code = totp.now()
    typed.codes.add(code)
    done = await walker.submit(step, code=code)
    typed.secrets["an assertion of two factors"] = done.data["userAssertion"]

    async def told() -> bool:
        return sum(subject == "gatehouse.effects" for subject, _ in heard) >= 2

    await until(told)
    return typed


def expose(places: Found, needles: dict[str, bytes]) -> list[str]:
    """Say what was found where."""
    seen, found = 0, []
    for where, kept in places:
        seen += 1
        found += [f"{what} in {where}" for what, needle in needles.items() if holds(kept, needle)]
    assert seen, "nothing was looked at"
    return found


async def in_metrics(http: aiohttp.ClientSession, stack: Stack) -> list[tuple[str, bytes]]:
    facts = stack.facts
    urls = (facts.management_url, facts.compiler_url, *facts.executor_urls)
    return [(url, (await ask(http, "GET", f"{url}/metrics")).content) for url in urls]


async def test_no_password_code_or_token_is_kept_told_logged_or_counted(
    http: aiohttp.ClientSession,
    stack: Stack,
    database: asyncpg.Connection,
    heard: list[tuple[str, bytes]],
    typed: Typed,
) -> None:
    logs = in_logs(stack)
    assert {name for name, _ in logs} >= {f"{part}.log" for part in stack.parts}
    shown = [*logs, *await in_metrics(http, stack)]
    kept = [
        *await in_redis(stack.facts.redis_url),
        *await in_postgres(database),
        *await in_streams(stack.facts.nats_url),
        *heard,
    ]
    assert expose([*shown, *kept], typed.needles()) == []
    assert expose(shown, typed.handles()) == []


async def test_redis_and_nats_know_nobodys_address(
    stack: Stack, heard: list[tuple[str, bytes]], typed: Typed
) -> None:
    emails = {email: email.encode() for email in typed.emails}
    places = [
        *await in_redis(stack.facts.redis_url),
        *await in_streams(stack.facts.nats_url),
        *heard,
    ]
    assert expose(places, emails) == []


async def test_the_search_finds_what_is_not_hidden(
    stack: Stack, database: asyncpg.Connection, typed: Typed
) -> None:
    emails = {email: email.encode() for email in typed.emails}
    new, mfa, _ = typed.emails
    found = expose(await in_postgres(database), emails)
    # In no order: a login that is counted meanwhile moves its row.
    assert set(found) == {f"{new} in users", f"{mfa} in users"}
    flows = {flow: flow.encode() for flow in typed.flows}
    in_keys = expose(await in_redis(stack.facts.redis_url), flows)
    assert {place.split()[0] for place in in_keys} == typed.flows
