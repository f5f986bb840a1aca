"""An executor that is killed, or told to stop, takes no submit with it."""

from __future__ import annotations

import asyncio

import aiohttp
import asyncpg
import nats
import pytest
import pytest_asyncio

from deploy.local.stack import Stack
from tests.e2e.conftest import PASSWORD, accounts, entries, register
from tests.e2e.walker import EXECUTE, Json, Reply, Walker, answer_to, ask, claims_of
from tests.patience import until

PEOPLE = 40
EMAILS = [f"p{n}@example.com" for n in range(PEOPLE)]


@pytest_asyncio.fixture
async def people(flows: None, walker: Walker) -> None:
    """Everybody has an account, and nobody has ever signed in."""
    await asyncio.gather(*(register(walker, email) for email in EMAILS))


async def kill_amid(http: aiohttp.ClientSession, stack: Stack, bodies: list[Json]) -> list[Reply]:
    """Submit all at once to an executor that is killed meanwhile, then all again to the other.

    Return what the other answers.
    """
    doomed, other = (f"{url}{EXECUTE}" for url in stack.facts.executor_urls)
    answered = asyncio.Event()

    async def submit(body: Json) -> Reply | None:
        try:
            reply = await ask(http, "POST", doomed, body)
        except aiohttp.ClientError:
            return None
        answered.set()
        return reply

    submits = [asyncio.create_task(submit(body)) for body in bodies]
    # One is answered, and so many more wait for a core to hash their password.
    await answered.wait()
    await stack.parts["executor"].kill()
    first = await asyncio.gather(*submits)
    assert None in first, "nobody was in the middle of anything"
    replies = await asyncio.gather(*(ask(http, "POST", other, body) for body in bodies))
    for before, reply in zip(first, replies, strict=True):
        assert reply.body["flowStatus"] == "COMPLETE", reply.content
        assert before is None or before.content == reply.content
    return replies


@pytest.mark.usefixtures("people")
async def test_the_retry_of_a_submit_whose_executor_was_killed_gets_one_answer_and_counts_once(
    http: aiohttp.ClientSession, stack: Stack, walker: Walker, database: asyncpg.Connection
) -> None:
    steps = await asyncio.gather(*(walker.at_password("login", email) for email in EMAILS))
    replies = await kill_amid(http, stack, [answer_to(step, password=PASSWORD) for step in steps])
    await stack.parts["executor"].start()
    made = await accounts(database)
    for email, reply in zip(EMAILS, replies, strict=True):
        assert (await claims_of(http, stack.facts, reply))["sub"] == made[email].id

    async def told() -> bool:
        counted = all(account.logins for account in (await accounts(database)).values())
        return counted and await effects_done(stack)

    await until(told)
    logins = {email: account.logins for email, account in (await accounts(database)).items()}
    assert logins == dict.fromkeys(EMAILS, 1)


async def effects_done(stack: Stack) -> bool:
    """Whether no effect waits in JetStream, nor is being performed."""
    connection = await nats.connect(stack.facts.nats_url)
    try:
        stream = await connection.jetstream().stream_info("GATEHOUSE_EFFECTS")
        return stream.state.messages == 0
    finally:
        await connection.close()


@pytest.mark.usefixtures("flows")
async def test_the_retry_of_a_registration_whose_executor_was_killed_makes_one_account(
    http: aiohttp.ClientSession, stack: Stack, walker: Walker, database: asyncpg.Connection
) -> None:
    steps = await asyncio.gather(*(walker.start("sign-up", "REGISTRATION") for _ in EMAILS))
    bodies = [
        answer_to(step, "submit-registration", email=email, password=PASSWORD)
        for step, email in zip(steps, EMAILS, strict=True)
    ]
    await kill_amid(http, stack, bodies)
    assert (await accounts(database)).keys() == set(EMAILS)


@pytest.mark.usefixtures("people")
async def test_an_executor_told_to_stop_under_load_loses_no_request(
    stack: Stack, http: aiohttp.ClientSession
) -> None:
    stopping = stack.parts["executor-2"]
    enough = asyncio.Event()
    statuses: list[str] = []

    async def sign_in_again_and_again(email: str) -> None:
        walker = Walker(http, stack.facts.executor_urls)
        while not enough.is_set():
            done = await walker.sign_in("login", email, PASSWORD)
            statuses.append(done.body["flowStatus"])

    load = [asyncio.create_task(sign_in_again_and_again(email)) for email in EMAILS[:4]]

    async def more() -> bool:
        return len(statuses) >= wanted or any(task.done() for task in load)

    for act in (None, stopping.stop, stopping.start):
        if act is not None:
            await act()
        wanted = len(statuses) + 10
        await until(more)
    enough.set()
    await asyncio.gather(*load)
    assert set(statuses) == {"COMPLETE"}
    assert "stopped" in {entry["event"] for entry in entries(stopping.log)}
