"""What is kept of an account, written from several sides at the same moment.

Each is tried many times, each time with an account of its own: the moments that matter are short.
"""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator, Awaitable
from typing import Any

import asyncpg
import pytest

from libs.common.flow.questions import Written
from libs.common.flow.turn import External
from services.executor.ceremonies import Made
from services.executor.directory.externals import PostgresExternals
from services.executor.directory.passkeys import PostgresPasskeys
from services.executor.directory.postgres import PostgresDirectory

ACME, SITE = "acme", "example.com"
ROUNDS, AT_ONCE = 40, 8


class Sides:
    """All that writes of an account, each on a connection of its own."""

    def __init__(self, pool: asyncpg.Pool) -> None:
        self.directory = PostgresDirectory(pool)
        self.passkeys = PostgresPasskeys(pool)
        self.externals = PostgresExternals(pool)

    async def made(self) -> str:
        wrote = await self.directory.write(
            ACME, str(uuid.uuid4()), None, {"username": uuid.uuid4().hex}, None
        )
        assert isinstance(wrote, Written)
        return wrote.account

    def enrol(self, account: str, name: str, *, first: bool = False) -> Awaitable[bool]:
        return self.directory.enrol_totp(ACME, account, name.encode(), first=first)

    def keep_codes(self, account: str, name: str, *, first: bool = False) -> Awaitable[bool]:
        digests = [f"{name}{account}{number}".encode() for number in range(2)]
        return self.directory.keep_recovery_codes(ACME, account, digests, first=first)

    def keep_passkey(
        self, account: str, name: str, *, most: int = 9, first: bool = False
    ) -> Awaitable[bool]:
        made = Made(f"{name}{account}".encode(), b"key", 1, bound=True, transports=())
        return self.passkeys.keep(ACME, account, SITE, made, most=most, session=name, first=first)

    def link(self, account: str) -> Awaitable[bool]:
        return self.externals.link(ACME, account, External("https://accounts.example", account))


@pytest.fixture
async def sides(database: str) -> AsyncIterator[Sides]:
    async with asyncpg.create_pool(database, min_size=AT_ONCE, max_size=AT_ONCE) as pool:
        yield Sides(pool)


async def test_an_account_that_is_deleted_meanwhile_is_none_and_no_fault(sides: Sides) -> None:
    for _ in range(ROUNDS):
        account = await sides.made()
        writes: list[Awaitable[Any]] = [
            sides.enrol(account, "a"),
            sides.keep_codes(account, "a"),
            sides.keep_passkey(account, "a"),
            sides.link(account),
            sides.directory.keep_consent(ACME, account, "news", None),
        ]
        await asyncio.gather(*writes[:2], sides.directory.delete(ACME, account), *writes[2:])
        assert await sides.directory.load(ACME, account) is None


async def test_of_first_factors_that_are_set_up_at_once_one_is_and_stays(sides: Sides) -> None:
    for _ in range(ROUNDS):
        account = await sides.made()
        # Each has seen that there is none.
        totps = [sides.enrol(account, name, first=True) for name in "ab"]
        codes = sides.keep_codes(account, "c", first=True)
        passkey = sides.keep_passkey(account, "d", first=True)
        kept = await asyncio.gather(*totps, codes, passkey)
        assert sum(kept) == 1
        user = await sides.directory.load(ACME, account)
        assert user is not None
        methods = ["totp", "totp", "recovery_code", "webauthn"]
        assert user["mfa_methods"] == [methods[kept.index(True)]]
        secret = await sides.directory.totp_secret(ACME, account)
        assert secret == (b"a" if kept[0] else b"b" if kept[1] else None)


async def test_a_first_factor_is_set_up_again_by_the_session_that_has_done_so(
    sides: Sides,
) -> None:
    account, other = await sides.made(), await sides.made()
    for _ in range(2):
        assert await sides.enrol(account, "a", first=True)
        assert await sides.keep_passkey(other, "a", first=True)
    assert not await sides.keep_codes(account, "a", first=True)
    assert await sides.keep_codes(account, "a")
    assert await sides.keep_codes(account, "a", first=True)


async def test_recovery_codes_of_two_at_once_are_not_mixed(sides: Sides) -> None:
    for _ in range(ROUNDS):
        account = await sides.made()
        await asyncio.gather(*(sides.keep_codes(account, name) for name in "abcdefgh"))
        good = {
            name
            for name in "abcdefgh"
            if await sides.directory.has_recovery_codes(
                ACME, account, [f"{name}{account}0".encode()]
            )
        }
        assert len(good) == 1


async def test_an_account_gets_no_more_passkeys_than_it_may_have(sides: Sides) -> None:
    for _ in range(ROUNDS):
        account = await sides.made()
        kept = await asyncio.gather(*(sides.keep_passkey(account, name, most=2) for name in "abcd"))
        assert sum(kept) == 2
