"""Accounts made from the command line."""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path

import pyotp
import pytest

from tests.integration.executor.conftest import PASSWORD, Build, House
from tests.integration.executor.graphs import LOGIN, MFA_LOGIN

PROJECT = Path(__file__).parents[3]


@pytest.fixture
async def house(build_house: Build, redis_url: str) -> House:
    return await build_house(redis_url)


async def users(house: House, *arguments: str, typed: str = "") -> tuple[int, str, str]:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "services.executor.users", *arguments),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        cwd=PROJECT,
        env={
            "GATEHOUSE_POSTGRES_DSN": house.settings.postgres_dsn.reveal(),
            "GATEHOUSE_CREDENTIAL_KEYS": house.settings.credential_keys.reveal(),
        },
    )
    out, err = await process.communicate(typed.encode())
    return process.returncode or 0, out.decode(), err.decode()


async def test_an_account_that_was_added_can_sign_in_with_its_authenticator(house: House) -> None:
    arguments = ("--email", "Sasha@Example.com", "--username", "sasha")
    code, out, _ = await users(
        house, "add", *arguments, "--password-stdin", "--totp", typed=PASSWORD + "\n"
    )
    assert code == 0
    made = json.loads(out)
    totp = pyotp.parse_uri(made["totp_uri"])
    assert isinstance(totp, pyotp.TOTP)
    assert totp.secret == made["totp_secret"]
    executor = await house.executor()
    await house.publish(MFA_LOGIN)
    by_address, by_name = [
        await executor.answer(await executor.at_password(name), password=PASSWORD)
        for name in ("sasha@example.com", "SASHA")
    ]
    assert by_address.data["requiredParams"] == ["code"]
    done = await executor.answer(by_name, code=totp.now())
    assert done.body["flowStatus"] == "COMPLETE"


async def test_an_identifier_that_somebody_has_is_refused(house: House) -> None:
    await house.person("sasha@example.com")
    code, out, err = await users(house, "add", "--email", "sasha@example.com")
    assert (code, out) == (1, "")
    assert err == "somebody has this email already\n"


async def test_what_is_no_address_is_refused(house: House) -> None:
    code, _, err = await users(house, "add", "--email", "sasha")
    assert code == 1
    assert "email" in err


@pytest.mark.parametrize("arguments", [(), ("--email", "a@example.com", "--password-stdin")])
async def test_half_an_account_is_a_misuse(house: House, arguments: tuple[str, ...]) -> None:
    code, _, err = await users(house, "add", *arguments)
    assert code == 2
    assert "usage" in err


async def test_a_hash_of_other_parameters_is_renewed_by_the_right_password_alone(
    house: House,
) -> None:
    account, _ = await house.person("alice@example.com")

    async def parameters() -> str:
        phc: str = await house.pool.fetchval(
            "SELECT password_hash FROM users WHERE id = $1", account
        )
        return phc.split("$")[3]

    await house.publish(LOGIN)
    executor = await house.executor(argon2_passes=2)
    step = await executor.at_password("alice@example.com")
    await executor.answer(step, password="wrong")
    assert await parameters() == "m=8,t=1,p=1"
    assert (await executor.answer(step, password=PASSWORD)).body["flowStatus"] == "COMPLETE"
    assert await parameters() == "m=8,t=2,p=1"
    step = await executor.at_password("alice@example.com")
    assert (await executor.answer(step, password=PASSWORD)).body["flowStatus"] == "COMPLETE"
