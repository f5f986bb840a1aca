"""What every directory does, whether the accounts are ours or somebody else's.

Each test runs on both, and what is asked of one is asked of the other. What only the one over HTTP
can do wrong is in `test_http_directory`.
"""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Protocol

import asyncpg
import pytest
from aiohttp.test_utils import TestServer

from libs.common.chassis.hasher import Hasher
from libs.common.chassis.metrics import Metrics
from libs.common.chassis.networks import Networks
from libs.common.chassis.outgoing import Outgoing
from libs.common.chassis.tokens import digest
from libs.common.errors import Invalid, NotFound
from libs.common.flow.identifier import KINDS
from libs.common.flow.model import Json
from libs.common.flow.questions import Taken, Uninvited, Written
from libs.common.flow.turn import External
from libs.common.secret import Secret
from services.executor.breaker import Breaker
from services.executor.ceremonies import Made
from services.executor.directory import NOBODY, Directory, Passwords
from services.executor.directory.externals import Externals, Owner, PostgresExternals
from services.executor.directory.http import HttpDirectory, TheirExternals, TheirPasskeys
from services.executor.directory.passkeys import Passkeys, PostgresPasskeys
from services.executor.directory.postgres import HashedPasswords, PostgresDirectory
from services.executor.directory.remote import Remote
from services.executor.metrics import ExecutorMetrics
from tests.reference_directory import ReferenceDirectory

ACME, GLOBEX = "acme", "globex"
EMAIL, PASSWORD = "sasha@example.com", Secret("correct horse battery staple")
SECRET = "a secret that both sides have and nobody else"
GOOGLE = External("https://accounts.example", "sasha-at-google")
PASSKEY = Made(b"id", b"key", 1, bound=True, transports=("internal",))
SITE = "example.com"


class Block(Protocol):
    async def __call__(self, account: str, *, blocked: bool = True) -> None: ...


@dataclass
class Side:
    """A directory, and all that goes with it."""

    directory: Directory
    passwords: Passwords
    passkeys: Passkeys
    externals: Externals
    hasher: Hasher
    block: Block
    """Do what whoever owns the accounts does to one."""

    async def made(
        self, tenant: str = ACME, key: str | None = None, password: Secret | None = None, **of: Json
    ) -> str:
        phc = None if password is None else await self.hasher.hash(password)
        written = await self.directory.write(
            tenant, key or str(uuid.uuid4()), None, {"email": EMAIL, **of}, phc
        )
        assert isinstance(written, Written)
        return written.account


@pytest.fixture
async def pool(database: str) -> AsyncIterator[asyncpg.Pool]:
    async with asyncpg.create_pool(database, min_size=1) as pool:
        yield pool


@pytest.fixture
async def reference() -> ReferenceDirectory:
    return ReferenceDirectory([SECRET])


@pytest.fixture(params=["postgres", "http"])
async def side(
    request: pytest.FixtureRequest, pool: asyncpg.Pool, reference: ReferenceDirectory
) -> AsyncIterator[Side]:
    hasher = Hasher(memory_kib=8, passes=1, threads=1, queue=10)
    passkeys, externals = PostgresPasskeys(pool), PostgresExternals(pool)
    if request.param == "postgres":

        async def block(account: str, *, blocked: bool = True) -> None:
            await pool.execute("UPDATE users SET blocked = $2 WHERE id = $1", account, blocked)

        ours = PostgresDirectory(pool)
        yield Side(ours, HashedPasswords(ours, hasher), passkeys, externals, hasher, block)
    else:

        async def block_there(account: str, *, blocked: bool = True) -> None:
            reference.people[account].blocked = blocked

        async with (
            TestServer(reference.app()) as server,
            Outgoing(Networks(("127.0.0.1",))) as outgoing,
        ):
            theirs = over_http(pool, outgoing, str(server.make_url("/gatehouse")))
            yield Side(
                theirs,
                theirs,
                TheirPasskeys(theirs, passkeys),
                TheirExternals(theirs, externals),
                hasher,
                block_there,
            )
    hasher.close()


def over_http(pool: asyncpg.Pool, outgoing: Outgoing, url: str) -> HttpDirectory:
    remote = Remote(
        outgoing,
        url,
        (Secret("another one, that is not good any more"), Secret(SECRET)),
        Breaker(lambda: 0.0),
        ExecutorMetrics(Metrics("executor", "test")).directory,
        seconds=20,
        clock=lambda: datetime.now(UTC).timestamp(),
    )
    return HttpDirectory(pool, remote)


async def test_an_account_is_found_by_what_it_is_called_in_its_tenant_alone(side: Side) -> None:
    account = await side.made(username="sasha")
    find = side.directory.find
    assert await find(ACME, KINDS, EMAIL) == account
    assert await find(ACME, ("username",), "sasha") == account
    assert await find(ACME, ("username", "phone"), EMAIL) is None
    assert await find(GLOBEX, KINDS, EMAIL) is None
    assert await find(ACME, KINDS, "nobody@example.com") is None


async def test_an_account_is_told_of_as_it_was_written(side: Side) -> None:
    account = await side.made(username="Sasha", city="Turku", email_verified=True, id="mine")
    user = await side.directory.load(ACME, account)
    assert user is not None
    wanted: Json = {
        "id": account,
        "email": EMAIL,
        "username": "sasha",
        "phone": None,
        # What the system knows stands above an attribute of the same name.
        "email_verified": False,
        "city": "Turku",
        "logins_count": 0,
        "last_login": None,
        "mfa_enabled": False,
        "mfa_methods": [],
    }
    assert {name: user[name] for name in wanted} == wanted
    assert isinstance(user["created_at"], int)
    for tenant, other in ((GLOBEX, account), (ACME, NOBODY), (ACME, str(uuid.uuid4()))):
        assert await side.directory.load(tenant, other) is None


async def test_a_password_is_right_for_its_account_alone(side: Side) -> None:
    account = await side.made(password=Secret("paßwörd e\u0301"))
    other = await side.made(email="other@example.com")
    check = side.passwords.check
    assert await check(ACME, account, Secret("paßwörd \u00e9"))
    assert not await check(ACME, account, Secret("password"))
    assert not await check(ACME, account, Secret("\ud800"))
    assert not await check(GLOBEX, account, Secret("paßwörd \u00e9"))
    for nobody in (other, NOBODY, str(uuid.uuid4())):
        assert not await check(ACME, nobody, Secret("paßwörd \u00e9"))


async def test_the_same_key_makes_one_account(side: Side) -> None:
    key = str(uuid.uuid4())
    first = await side.made(key=key, city="Turku")
    assert await side.made(key=key, email="sasha@example.org") == first
    user = await side.directory.load(ACME, first)
    assert user is not None
    assert user["email"] == "sasha@example.org"
    assert "city" not in user


async def test_the_same_key_makes_one_account_though_many_write_at_once(side: Side) -> None:
    for number in range(50):
        key, person = str(uuid.uuid4()), {"email": f"{number}@example.com"}
        wrote = await asyncio.gather(
            *(side.directory.write(ACME, key, None, person, None) for _ in range(8))
        )
        # Nobody is told that an address is taken which is taken by themselves.
        assert len(set(wrote)) == 1
        assert isinstance(wrote[0], Written)


async def test_what_is_written_onto_an_account_leaves_the_rest(side: Side) -> None:
    account = await side.made(password=PASSWORD, city="Turku", team="blue")
    await side.directory.verify_email(ACME, account, EMAIL)
    write, key = side.directory.write, str(uuid.uuid4())
    edit = {"username": "sasha", "team": "red"}
    assert await write(ACME, key, account, edit, None) == Written(account)
    user = await side.directory.load(ACME, account)
    assert user is not None
    assert [user[name] for name in ("email", "username", "city", "team", "email_verified")] == [
        *(EMAIL, "sasha", "Turku", "red", True),
    ]
    assert await side.passwords.check(ACME, account, PASSWORD)
    phc = await side.hasher.hash(Secret("another"))
    await write(ACME, key, account, {"email": "new@example.com"}, phc)
    user = await side.directory.load(ACME, account)
    assert user is not None
    # Another address has yet to be verified.
    assert (user["email"], user["email_verified"]) == ("new@example.com", False)
    assert await side.passwords.check(ACME, account, Secret("another"))
    await write(ACME, key, account, {"email": "newer@example.com"}, None, verified=True)
    assert (await side.directory.load(ACME, account) or {})["email_verified"] is True
    for gone in (NOBODY, str(uuid.uuid4())):
        with pytest.raises(NotFound):
            await write(ACME, key, gone, edit, None)
    with pytest.raises(NotFound):
        await write(GLOBEX, key, account, {"team": "green"}, None)


async def test_what_somebody_is_called_nobody_else_is(side: Side) -> None:
    account = await side.made(username="sasha")
    other = await side.made(email="other@example.com")
    write, key = side.directory.write, str(uuid.uuid4())
    assert await write(ACME, key, None, {"email": EMAIL}, None) == Taken("email")
    assert await write(ACME, key, other, {"username": "SASHA"}, None) == Taken("username")
    assert await side.made(GLOBEX) != account
    with pytest.raises(Invalid):
        await write(ACME, key, None, {"email": "not an address"}, None)


async def test_an_address_is_verified_while_it_is_the_accounts(side: Side) -> None:
    account = await side.made()
    verify = side.directory.verify_email
    assert not await verify(ACME, account, "other@example.com")
    assert not await verify(GLOBEX, account, EMAIL)
    assert not await verify(ACME, NOBODY, EMAIL)
    assert await verify(ACME, account, EMAIL)
    assert (await side.directory.load(ACME, account) or {})["email_verified"] is True


async def test_who_is_blocked_is_as_nobody(side: Side) -> None:
    account = await side.made(password=PASSWORD)
    assert await side.passkeys.keep(ACME, account, SITE, PASSKEY, most=5, session="s")
    assert await side.externals.link(ACME, account, GOOGLE)
    await side.block(account)
    assert await side.directory.find(ACME, KINDS, EMAIL) is None
    assert await side.directory.load(ACME, account) is None
    assert not await side.passwords.check(ACME, account, PASSWORD)
    assert await side.passkeys.find(ACME, PASSKEY.id, SITE) is None
    assert await side.externals.find(ACME, GOOGLE) == Owner(account, blocked=True)
    # And what they are called is theirs all the same.
    taken = await side.directory.write(ACME, str(uuid.uuid4()), None, {"email": EMAIL}, None)
    assert taken == Taken("email")
    await side.block(account, blocked=False)
    assert await side.directory.find(ACME, KINDS, EMAIL) == account
    assert (await side.passkeys.find(ACME, PASSKEY.id, SITE)) is not None


async def test_who_is_deleted_is_gone_with_all_they_had(side: Side, pool: asyncpg.Pool) -> None:
    account = await side.made(password=PASSWORD)
    await side.passkeys.keep(ACME, account, SITE, PASSKEY, most=5, session="s")
    await side.externals.link(ACME, account, GOOGLE)
    await side.directory.delete(GLOBEX, account)
    assert await side.directory.load(ACME, account) is not None
    for _ in range(2):
        await side.directory.delete(ACME, account)
    assert await side.directory.find(ACME, KINDS, EMAIL) is None
    assert not await side.passwords.check(ACME, account, PASSWORD)
    assert await side.passkeys.find(ACME, PASSKEY.id, SITE) is None
    assert await side.externals.find(ACME, GOOGLE) is None
    # A login of before that is counted only now.
    await side.directory.count_login(ACME, account, 1_000, "late")
    assert await pool.fetchval("SELECT count(*) FROM users") == 0
    assert await side.made() != account


async def test_factors_are_kept_and_told(side: Side) -> None:
    account = await side.made()
    assert await side.directory.totp_secret(ACME, account) is None
    await side.directory.enrol_totp(ACME, account, b"sealed")
    await side.directory.keep_recovery_codes(ACME, account, [b"1", b"2"])
    assert await side.passkeys.keep(ACME, account, SITE, PASSKEY, most=5, session="s")
    assert await side.directory.totp_secret(ACME, account) == b"sealed"
    spend = side.directory.spend_recovery_code
    assert [await spend(ACME, account, [b"1"], attempt) for attempt in "aab"] == [True, True, False]
    user = await side.directory.load(ACME, account)
    assert user is not None
    assert user["mfa_enabled"] is True
    assert user["mfa_methods"] == ["totp", "webauthn", "recovery_code"]
    assert [known.id for known in await side.passkeys.list(ACME, account, SITE)] == [PASSKEY.id]
    assert not await side.passkeys.keep(ACME, NOBODY, SITE, PASSKEY, most=5, session="s")
    assert not await side.externals.link(ACME, NOBODY, GOOGLE)


async def test_what_a_session_set_up_is_known_by_it(side: Side) -> None:
    account, other = await side.made(), await side.made(email="other@example.com")
    keep, made_in = side.passkeys.keep, side.passkeys.made_in
    # Kept again from elsewhere, it is still from where it was made.
    for session in ("here", "there"):
        assert await keep(ACME, account, SITE, PASSKEY, most=5, session=session)
    assert await made_in(ACME, account, "here")
    assert not await made_in(ACME, account, "there")
    assert not await made_in(ACME, other, "here")
    assert not await made_in(GLOBEX, account, "here")
    await side.directory.keep_recovery_codes(ACME, account, [b"1", b"2"])
    await side.directory.spend_recovery_code(ACME, account, [b"1"], "here:1")
    has = side.directory.has_recovery_codes
    assert await has(ACME, account, [b"1"])
    assert not await has(ACME, account, [b"3"])
    assert not await has(ACME, other, [b"1"])
    assert not await has(GLOBEX, account, [b"1"])


async def test_consent_and_logins_are_remembered(side: Side) -> None:
    account = await side.made()
    await side.directory.keep_consent(ACME, account, "news", 2_000)
    assert await side.directory.recall_consent(ACME, account, "news", 1_999)
    assert not await side.directory.recall_consent(ACME, account, "news", 2_000)
    for effect in ("a", "a", "b"):
        await side.directory.count_login(ACME, account, 1_000, effect)
    user = await side.directory.load(ACME, account)
    assert user is not None
    assert (user["logins_count"], user["last_login"]) == (2, 1_000)


async def test_an_invitation_is_used_up_by_who_is_written_with_it(
    side: Side, pool: asyncpg.Pool
) -> None:
    invitation = str(uuid.uuid4())
    await pool.execute("INSERT INTO tenants (name) VALUES ($1)", ACME)
    await pool.execute(
        "INSERT INTO invitations (id, tenant, token_hash, attributes, expires_at)"
        " VALUES ($1, $2, $3, '{}', $4)",
        *(invitation, ACME, digest(Secret("token")), datetime.now(UTC) + timedelta(days=1)),
    )
    await side.made(email="other@example.com")
    mine, write = str(uuid.uuid4()), side.directory.write

    async def invited(key: str, email: str) -> Written | Taken | Uninvited:
        return await write(ACME, key, None, {"email": email}, None, invitation=invitation)

    assert await invited(str(uuid.uuid4()), "other@example.com") == Taken("email")
    # Who was refused has not used it up.
    first = await invited(mine, EMAIL)
    assert isinstance(first, Written)
    assert await invited(mine, EMAIL) == first
    assert await invited(str(uuid.uuid4()), "third@example.com") == Uninvited()
