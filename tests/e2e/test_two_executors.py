"""Any executor may serve any step: sessions alternate between two, alone, in crowds, at once."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

import aiohttp
import asyncpg
import pytest
import pytest_asyncio

from deploy.local.stack import Stack
from tests.e2e.conftest import PASSWORD, accounts, register, turns_run
from tests.e2e.walker import Reply, Walker, answer_to, claims_of

CROWD = 50
AT_ONCE = 10
SAM = "sam@example.com"
SUBMITS: Mapping[str, Mapping[str, str]] = {
    "an identifier": {"identifier": SAM},
    "a wrong password": {"password": "not this one"},
    "the right password": {"password": PASSWORD},
    "a registration": {"email": "new@example.com", "password": PASSWORD},
}
"""Quick turns and slow ones, turns that go on, that stay, and that end the flow."""


@pytest_asyncio.fixture
async def sam(flows: None, walker: Walker) -> str:
    """The address of the one who has an account."""
    await register(walker, SAM)
    return SAM


async def reach(walker: Walker, inputs: Mapping[str, str]) -> Reply:
    """Begin a session and take it to the step that `inputs` answer."""
    if "email" in inputs:
        return await walker.start("sign-up", "REGISTRATION")
    if "identifier" in inputs:
        return await walker.start("login")
    return await walker.at_password("login", SAM)


def as_seen_by_losers(won: Reply) -> object:
    """Whoever lost is shown the current step, but nothing that the flow's end gave."""
    return won.body if won.body["flowStatus"] == "INCOMPLETE" else {**won.body, "data": {}}


@pytest.mark.usefixtures("flows")
async def test_fifty_people_sign_in_at_once_and_each_gets_their_own_assertion(
    http: aiohttp.ClientSession, stack: Stack, database: asyncpg.Connection
) -> None:
    passwords = {f"p{n}@example.com": f"the password of person {n}" for n in range(CROWD)}
    # Half of them begin at the one executor, half at the other.
    urls = stack.facts.executor_urls
    walkers = [Walker(http, urls[n % 2 :] + urls[: n % 2]) for n in range(CROWD)]
    await asyncio.gather(
        *(
            register(walker, email, password)
            for walker, (email, password) in zip(walkers, passwords.items(), strict=True)
        )
    )
    done = await asyncio.gather(
        *(
            walker.sign_in("login", email, password)
            for walker, (email, password) in zip(walkers, passwords.items(), strict=True)
        )
    )
    made = await accounts(database)
    claims = [await claims_of(http, stack.facts, reply) for reply in done]
    assert [claim["sub"] for claim in claims] == [made[email].id for email in passwords]
    for once in ("sid", "jti"):
        assert len({claim[once] for claim in claims}) == CROWD


@pytest.mark.usefixtures("sam")
@pytest.mark.parametrize("inputs", SUBMITS.values(), ids=SUBMITS)
async def test_ten_equal_submits_at_once_run_one_turn_and_get_one_answer(
    http: aiohttp.ClientSession, stack: Stack, walker: Walker, inputs: Mapping[str, str]
) -> None:
    body = answer_to(await reach(walker, inputs), **inputs)
    before = await turns_run(http, stack)
    replies = await asyncio.gather(*(walker.post(body) for _ in range(AT_ONCE)))
    assert {reply.status for reply in replies} == {200}
    assert len({reply.content for reply in replies}) == 1
    assert await turns_run(http, stack) == before + 1


@pytest.mark.usefixtures("sam")
@pytest.mark.parametrize("inputs", SUBMITS.values(), ids=SUBMITS)
async def test_ten_equal_submits_of_a_client_that_echoes_no_step_are_one_as_well(
    http: aiohttp.ClientSession, stack: Stack, walker: Walker, inputs: Mapping[str, str]
) -> None:
    body = {"flowId": (await reach(walker, inputs)).flow, "inputs": inputs}
    before = await turns_run(http, stack)
    replies = await asyncio.gather(*(walker.post(body) for _ in range(AT_ONCE)))
    assert {reply.status for reply in replies} == {200}
    assert len({reply.content for reply in replies}) == 1
    assert await turns_run(http, stack) == before + 1


@pytest.mark.usefixtures("sam")
@pytest.mark.parametrize("inputs", SUBMITS.values(), ids=SUBMITS)
async def test_of_ten_different_submits_at_once_one_wins_and_nine_see_the_current_step(
    http: aiohttp.ClientSession,
    stack: Stack,
    walker: Walker,
    database: asyncpg.Connection,
    inputs: Mapping[str, str],
) -> None:
    step = await reach(walker, inputs)
    first, *others = inputs
    bodies = [
        answer_to(step, **{first: f"{n}{inputs[first]}"}, **{name: inputs[name] for name in others})
        for n in range(AT_ONCE - 1)
    ]
    before = await turns_run(http, stack)
    replies = await asyncio.gather(*map(walker.post, [answer_to(step, **inputs), *bodies]))
    (won,) = (reply for reply in replies if reply.status == 200)
    lost = [reply for reply in replies if reply.status == 409]
    assert len(lost) == AT_ONCE - 1
    assert all(reply.body["step"] == as_seen_by_losers(won) for reply in lost)
    assert not any(b"eyJ" in reply.content for reply in lost)
    assert await turns_run(http, stack) == before + 1
    if "email" in inputs:
        assert len(await accounts(database)) == 2, "Sam's, and one more"


@pytest.mark.usefixtures("flows")
async def test_ten_people_who_begin_at_once_have_ten_sessions(walker: Walker) -> None:
    started = await asyncio.gather(*(walker.start("login") for _ in range(AT_ONCE)))
    assert len({step.flow for step in started}) == AT_ONCE
