"""Many sessions that do the same to the same account at the same moment, on two executors.

Each has asked what it had to know before any of them is done. One gets what all want, nobody gets
a fault, and whoever was told that they have something has it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from itertools import count
from typing import Any

import pyotp
import pytest

from libs.common.chassis.seal import Keys
from libs.common.flow.model import FlowType
from services.executor.directory.postgres import PostgresDirectory
from tests.integration.executor.conftest import PASSWORD, Executor, House, Reply
from tests.integration.executor.graphs import LOGIN, REGISTRATION
from tests.integration.executor.test_accounts import (
    EMAIL,
    INVITED,
    JOINING,
    SETUP,
    VERIFY,
    invite,
    later,
    set_up,
    texts,
)

MANY = 6


@pytest.fixture
async def two(house: House) -> tuple[Executor, Executor]:
    return await house.executor(), await house.executor()


async def each(
    two: Sequence[Executor], steps: Sequence[Reply], answer: Callable[..., Awaitable[Reply]]
) -> list[Reply]:
    """Answer all steps at once; nobody gets a fault."""
    replies = await asyncio.gather(
        *(answer(two[n % len(two)], step, n) for n, step in enumerate(steps))
    )
    assert {reply.status for reply in replies} == {200}
    return replies


async def after_passwords(two: Sequence[Executor], many: int = MANY) -> list[Reply]:
    steps = [await two[0].at_password(EMAIL) for _ in range(many)]
    return [await two[0].answer(step, password=PASSWORD) for step in steps]


def ended(replies: Sequence[Reply], how: str = "COMPLETE") -> list[int]:
    return [n for n, reply in enumerate(replies) if reply.body["flowStatus"] == how]


async def test_of_many_who_register_one_address_one_has_it_and_may_sign_in(
    house: House, two: tuple[Executor, Executor]
) -> None:
    await house.publish(REGISTRATION, FlowType.REGISTRATION)
    steps = [await two[0].start("REGISTRATION") for _ in range(MANY)]

    async def register(executor: Executor, step: Reply, n: int) -> Reply:
        chosen = {"email": EMAIL, "password": f"{PASSWORD} {n}"}
        return await executor.answer(step, "submit-registration", **chosen)

    replies = await each(two, steps, register)
    (won,) = ended(replies)
    assert len(ended(replies, "ERROR")) == MANY - 1
    await house.publish(LOGIN)
    login = await two[1].at_password(EMAIL)
    for n in (*ended(replies, "ERROR")[:1], won):
        login = await two[1].answer(login, password=f"{PASSWORD} {n}")
        assert (login.body["flowStatus"] == "COMPLETE") is (n == won)


async def test_of_many_who_come_with_one_invitation_at_once_one_registers(
    house: House, two: tuple[Executor, Executor]
) -> None:
    await house.publish(JOINING, INVITED)
    await invite(house, "a token of this test")
    steps = [await two[0].start("INVITED_USER_REGISTRATION") for _ in range(MANY)]
    steps = [await two[0].answer(step, invitation="a token of this test") for step in steps]

    async def join(executor: Executor, step: Reply, n: int) -> Reply:
        return await executor.answer(step, email=f"{n}@example.com")

    (won,) = ended(await each(two, steps, join))
    assert await house.pool.fetchval("SELECT array_agg(email) FROM users") == [f"{won}@example.com"]


async def test_of_two_authenticators_that_are_set_up_at_once_one_is_and_stays(
    house: House, two: tuple[Executor, Executor], monkeypatch: pytest.MonkeyPatch
) -> None:
    await house.publish(SETUP)
    account, _ = await house.person(EMAIL)
    steps = await after_passwords(two, 2)
    secrets = [texts(step)[1] for step in steps]
    all_looked, looks, load = asyncio.Event(), count(1), PostgresDirectory.load

    async def load_together(*asked: Any) -> object:  # noqa: ANN401 -- as `load` has them
        found = await load(*asked)
        if next(looks) == len(steps):
            all_looked.set()
        await all_looked.wait()
        return found

    async def show(executor: Executor, step: Reply, n: int) -> Reply:
        totp = pyotp.TOTP(secrets[n])
        # Of different time steps, of each of which one code is taken.
        return await executor.answer(step, code=later(totp) if n else totp.now())

    with monkeypatch.context() as together:
        together.setattr(PostgresDirectory, "load", load_together)
        replies = await each(two, steps, show)
    (won,) = [n for n, reply in enumerate(replies) if not reply.data.get("messages")]
    sealed = await house.directory.totp_secret("default", account)
    assert sealed is not None
    box = Keys.parse(house.settings.credential_keys).box("default", account)
    assert box.open(b"totp", sealed).decode() == secrets[won]
    # The other hears that there is one.
    lost = await two[0].answer(replies[1 - won], code="000000")
    assert lost.body["flowStatus"] == "ERROR"


async def test_of_many_who_show_one_recovery_code_one_is_let_in(
    house: House, two: tuple[Executor, Executor]
) -> None:
    await house.publish(SETUP)
    await house.person(EMAIL)
    _, _, codes = await set_up(two[0])
    await house.publish(VERIFY)
    steps = [await two[0].answer(step, "recovery_code") for step in await after_passwords(two)]

    async def show(executor: Executor, step: Reply, _: int) -> Reply:
        return await executor.answer(step, code=codes[0])

    assert len(ended(await each(two, steps, show))) == 1
