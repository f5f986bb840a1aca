"""Flows whose users are in a directory of somebody else's, and what only that can do wrong."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator

import jwt
import pyotp
import pytest
from aiohttp.test_utils import TestServer
from argon2 import PasswordHasher

from libs.common.chassis.startup import StartupFailure
from libs.common.flow.model import FlowType
from libs.common.secret import Secret
from tests.integration.executor.conftest import PASSWORD, Build, Executor, House, Reply
from tests.integration.executor.graphs import LOGIN, REGISTRATION
from tests.integration.executor.signing_in import INACTIVE, backend, sign_in
from tests.integration.executor.test_accounts import SETUP, VERIFY, later, set_up, texts
from tests.integration.executor.test_directories import SECRET
from tests.patience import until
from tests.reference_directory import Person, ReferenceDirectory

EMAIL = "sasha@example.com"


@pytest.fixture
async def house(build_house: Build, redis_url: str) -> House:
    """On one Redis: nothing here depends on which."""
    return await build_house(redis_url)


@pytest.fixture
def reference() -> ReferenceDirectory:
    return ReferenceDirectory([SECRET])


@pytest.fixture
async def served(reference: ReferenceDirectory) -> AsyncIterator[TestServer]:
    server = TestServer(reference.app())
    async with server:
        yield server


@pytest.fixture
async def executor(house: House, served: TestServer) -> Executor:
    return await house.executor(
        directory_url=str(served.make_url("/gatehouse")),
        directory_secrets=Secret(SECRET),
        directory_seconds=20.0,
    )


def person(reference: ReferenceDirectory, tenant: str = "default", id: str = "") -> Person:
    """Have somebody whose password was hashed long before Gatehouse came."""
    phc = PasswordHasher(time_cost=1, memory_cost=16, parallelism=2).hash(PASSWORD)
    made = Person(
        tenant=tenant,
        creation_key="",
        id=id or str(uuid.uuid4()),
        names={"email": EMAIL},
        password_hash=phc,
    )
    reference.people[made.id] = made
    return made


def subject(reply: Reply) -> str:
    assert reply.body["flowStatus"] == "COMPLETE", reply.body
    claims = jwt.decode(reply.data["userAssertion"], options={"verify_signature": False})
    return str(claims["sub"])


async def test_somebody_signs_up_there_and_in_again(
    house: House, executor: Executor, reference: ReferenceDirectory
) -> None:
    await house.publish(REGISTRATION, FlowType.REGISTRATION)
    await house.publish(LOGIN)
    step = await executor.start("REGISTRATION")
    done = await executor.answer(step, email=EMAIL, password=PASSWORD)
    assert done.body["flowStatus"] == "COMPLETE"
    [made] = reference.people.values()
    assert made.names == {"email": EMAIL}
    # No password has gone there to be kept: only what it can be compared with.
    assert (made.password_hash or "").startswith("$argon2id$")
    assert PASSWORD not in repr(reference.asked)
    right = await executor.answer(await executor.at_password(EMAIL), password=PASSWORD)
    assert subject(right) == made.id
    kept = await house.pool.fetch("SELECT id::text, email, attributes, password_hash FROM users")
    assert [tuple(row) for row in kept] == [(made.id, None, "{}", None)]


async def test_wrong_and_missing_accounts_are_asked_about_alike(
    house: House, executor: Executor, reference: ReferenceDirectory
) -> None:
    await house.publish(LOGIN)
    person(reference)
    told = []
    for name in (EMAIL, "nobody@example.com"):
        reference.asked.clear()
        wrong = await executor.answer(await executor.at_password(name), password="wrong")
        assert wrong.data["messages"][0]["i18nKey"] == "password.wrong"
        told.append([sorted(each) for each in reference.asked])
    assert told[0] == told[1]
    # Looking somebody up keeps nothing of them here, which would take its time.
    assert await house.pool.fetchval("SELECT count(*) FROM users") == 0


async def test_factors_are_kept_here_and_asked_for(
    house: House, executor: Executor, reference: ReferenceDirectory
) -> None:
    someone = person(reference)
    await house.publish(SETUP)
    totp, _, _ = await set_up(executor)
    await house.publish(VERIFY, version=2)
    step = await executor.answer(await executor.at_password(EMAIL), password=PASSWORD)
    assert subject(await executor.answer(step, code=later(totp))) == someone.id
    someone.blocked = True
    again = await executor.answer(await executor.at_password(EMAIL), password=PASSWORD)
    assert again.data["messages"][0]["i18nKey"] == "password.wrong"


async def test_a_sign_in_ends_with_its_account_there(
    house: House, executor: Executor, reference: ReferenceDirectory
) -> None:
    someone = person(reference)
    token = await sign_in(house, executor)
    server = await backend(house, executor)
    _, told = await server.asks(token)
    assert (told["active"], told["sub"]) == (True, someone.id)
    someone.blocked = True
    assert await server.asks(token) == INACTIVE


async def test_who_is_blocked_in_management_is_blocked(
    house: House, executor: Executor, reference: ReferenceDirectory
) -> None:
    await house.publish(LOGIN)
    someone = person(reference)
    subject(await executor.answer(await executor.at_password(EMAIL), password=PASSWORD))
    # Management knows of them by the row that their sign-in is counted in, a moment after it.
    block = "UPDATE users SET blocked = true WHERE id = $1 RETURNING true"
    await until(lambda: house.pool.fetchval(block, someone.id))
    wrong = await executor.answer(await executor.at_password(EMAIL), password=PASSWORD)
    assert wrong.data["messages"][0]["i18nKey"] == "password.wrong"


async def test_an_id_that_another_tenant_has_keeps_nothing(
    house: House, executor: Executor, reference: ReferenceDirectory
) -> None:
    await house.publish(SETUP)
    someone = person(reference)
    await house.pool.execute(
        "INSERT INTO users (id, tenant, creation_key) VALUES ($1, 'acme', $1)", someone.id
    )
    step = await executor.answer(await executor.at_password(EMAIL), password=PASSWORD)
    refused = await executor.answer(step, code=pyotp.TOTP(texts(step)[1]).now())
    assert refused.status == 503
    assert await house.pool.fetchval("SELECT count(*) FROM totp_credentials") == 0


async def test_while_the_directory_is_away_an_executor_says_so(
    house: House, executor: Executor, served: TestServer
) -> None:
    await house.publish(LOGIN)
    step = await executor.start()
    await served.close()
    refused = await executor.answer(step, identifier=EMAIL)
    assert (refused.status, refused.body["code"]) == (503, "FE-50301")
    assert int(refused.headers["Retry-After"]) >= 1
    assert EMAIL.encode() not in executor.logged()


async def test_a_directory_that_refuses_our_signature_is_none(
    house: House, executor: Executor, reference: ReferenceDirectory
) -> None:
    await house.publish(LOGIN)
    reference.secrets = ["another secret, that this side does not have"]
    refused = await executor.at_password(EMAIL)
    assert refused.status == 503


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"directory_url": "https://users.example/"}, "GATEHOUSE_DIRECTORY_SECRETS is needed"),
        (
            {"directory_url": "http://users.example/", "directory_secrets": Secret(SECRET)},
            "GATEHOUSE_DIRECTORY_URL is https",
        ),
        (
            {"directory_url": "https://users.example/", "directory_secrets": Secret("short")},
            "GATEHOUSE_DIRECTORY_SECRETS has a secret of fewer",
        ),
    ],
)
async def test_a_directory_that_could_be_listened_in_on_is_refused_at_start(
    house: House, settings: dict[str, str | Secret], says: str
) -> None:
    with pytest.raises(StartupFailure, match=says):
        await house.executor(**settings)
