"""Guesses, and what the answers tell of who has an account."""

from __future__ import annotations

import asyncio
import time
import uuid

import pytest
from structlog.testing import CapturingLogger

from libs.common.secret import Secret
from services.executor.handlers import authenticator
from services.executor.handlers.authenticator import STEP_SECONDS
from tests.integration.executor.conftest import PASSWORD, Executor, House, Reply, sealing_keys
from tests.integration.executor.graphs import LOGIN, MFA_LOGIN

EMAIL = "sasha@example.com"
NOBODY = "nobody@example.com"


def shown(reply: Reply) -> object:
    """What a client sees, but for what names the session."""
    return {k: v for k, v in reply.body.items() if k not in ("flowId", "stepId")}


async def test_a_wrong_password_shows_the_same_view_with_a_message(
    house: House, executor: Executor
) -> None:
    await house.publish(LOGIN)
    await house.person(EMAIL)
    step = await executor.at_password(EMAIL)
    wrong = await executor.answer(step, password="wrong")
    assert (wrong.status, wrong.body["flowStatus"]) == (200, "INCOMPLETE")
    assert wrong.data["components"] == step.data["components"]
    (message,) = wrong.data["messages"]
    assert (message["type"], message["i18nKey"]) == ("ERROR", "password.wrong")
    assert wrong.data["additionalData"]["error"] == message["message"]
    done = await executor.answer(step, password=PASSWORD)
    assert done.body["flowStatus"] == "COMPLETE"


async def test_a_missing_input_is_named(house: House, executor: Executor) -> None:
    await house.publish(LOGIN)
    reply = await executor.answer(await executor.start())
    (error,) = reply.data["fieldErrors"]
    assert (error["identifier"], error["i18nKey"]) == ("identifier", "field.required")


@pytest.mark.parametrize("identifier", [EMAIL, NOBODY])
async def test_five_wrong_passwords_end_the_flow(
    house: House, executor: Executor, identifier: str
) -> None:
    await house.publish(LOGIN)
    await house.person(EMAIL)
    step = await executor.at_password(identifier)
    for n in range(4):
        wrong = await executor.answer(step, password=f"wrong {n}")
        assert wrong.body["flowStatus"] == "INCOMPLETE"
    last = await executor.answer(step, password="wrong 5")
    assert (last.status, last.body["flowStatus"]) == (200, "ERROR")
    assert last.data["messages"]
    late = await executor.answer(step, password=PASSWORD)
    assert (late.status, late.body["step"]["flowStatus"]) == (409, "ERROR")


@pytest.mark.parametrize("graph", [LOGIN, MFA_LOGIN])
async def test_every_answer_is_the_same_whether_or_not_there_is_an_account(
    house: House, executor: Executor, graph: object
) -> None:
    await house.publish(LOGIN)
    await house.person(EMAIL)
    there, not_there = await executor.at_password(EMAIL), await executor.at_password(NOBODY)
    assert shown(there) == shown(not_there)
    for n in range(5):
        answers = [await executor.answer(s, password=f"wrong {n}") for s in (there, not_there)]
        assert shown(answers[0]) == shown(answers[1])


async def test_an_account_that_is_guessed_at_too_often_is_blocked_in_every_session(
    house: House,
) -> None:
    executor = await house.executor(secret_burst=2, secret_rate=0.001)
    await house.publish(LOGIN)
    await house.person(EMAIL)
    step = await executor.at_password(EMAIL)
    for n in range(2):
        wrong = await executor.answer(step, password=f"wrong {n}")
        assert wrong.body["flowStatus"] == "INCOMPLETE"
    fresh = await executor.at_password(EMAIL)
    blocked = await executor.answer(fresh, password=PASSWORD)
    assert blocked.body["flowStatus"] == "ERROR"


async def test_right_passwords_use_no_tries_up(house: House) -> None:
    executor = await house.executor(secret_burst=1, secret_rate=0.001)
    await house.publish(LOGIN)
    await house.person(EMAIL)
    for _ in range(3):
        done = await executor.answer(await executor.at_password(EMAIL), password=PASSWORD)
        assert done.body["flowStatus"] == "COMPLETE"


async def test_what_is_guessed_at_is_an_identifier_and_not_the_account_behind_it(
    house: House,
) -> None:
    executor = await house.executor(secret_burst=1, secret_rate=0.001)
    await house.publish(LOGIN)
    account, _ = await house.person(EMAIL)
    await house.directory.write("default", str(uuid.uuid4()), account, {"username": "sasha"}, None)
    step = await executor.at_password("sasha")
    await executor.answer(step, password="wrong")
    blocked = await executor.answer(await executor.at_password("sasha"), password=PASSWORD)
    assert blocked.body["flowStatus"] == "ERROR"
    # Who tries both names must not learn that they are of one account.
    done = await executor.answer(await executor.at_password(EMAIL), password=PASSWORD)
    assert done.body["flowStatus"] == "COMPLETE"


async def test_registering_gives_no_new_guesses(house: House) -> None:
    executor = await house.executor(secret_burst=1, secret_rate=0.001)
    await house.publish(LOGIN)
    await executor.answer(await executor.at_password(EMAIL), password="wrong")
    await house.person(EMAIL)
    blocked = await executor.answer(await executor.at_password(EMAIL), password=PASSWORD)
    assert blocked.body["flowStatus"] == "ERROR"


async def test_codes_are_few_and_right_ones_cost_nothing(house: House) -> None:
    executor = await house.executor(code_burst=2, code_rate=0.001)
    await house.publish(MFA_LOGIN)
    _, totp = await house.person(EMAIL, totp=True)
    assert totp is not None

    async def at_code() -> Reply:
        return await executor.answer(await executor.at_password(EMAIL), password=PASSWORD)

    now = time.time()
    right = await executor.answer(await at_code(), code=totp.at(now))
    assert right.body["flowStatus"] == "COMPLETE"
    step = await at_code()
    for steps in (-9, 9):
        wrong = await executor.answer(step, code=totp.at(now + steps * STEP_SECONDS))
        assert wrong.body["flowStatus"] == "INCOMPLETE"
    # The password is still looked at, and a code that nobody has used yet is not.
    step = await at_code()
    assert step.data["requiredParams"] == ["code"]
    blocked = await executor.answer(step, code=totp.at(now + STEP_SECONDS))
    assert blocked.body["flowStatus"] == "ERROR"


async def test_a_code_is_wrong_where_the_key_of_the_authenticator_is_gone(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = CapturingLogger()
    monkeypatch.setattr(authenticator, "log", log)
    executor = await house.executor(credential_keys=Secret(sealing_keys("other")))
    await house.publish(MFA_LOGIN)
    account, totp = await house.person(EMAIL, totp=True)
    assert totp is not None
    step = await executor.answer(await executor.at_password(EMAIL), password=PASSWORD)
    wrong = await executor.answer(step, code=totp.now())
    assert (wrong.status, wrong.body["flowStatus"]) == (200, "INCOMPLETE")
    assert wrong.data["messages"][0]["i18nKey"] == "code.wrong"
    (line,) = log.calls
    assert (line.method_name, line.args) == ("error", ("authenticator_unsealable",))
    assert account not in str(line)


async def test_a_code_is_good_once(house: House, executor: Executor) -> None:
    await house.publish(MFA_LOGIN)
    _, totp = await house.person(EMAIL, totp=True)
    assert totp is not None
    one, other = [
        await executor.answer(await executor.at_password(EMAIL), password=PASSWORD)
        for _ in range(2)
    ]
    code = totp.now()
    assert (await executor.answer(one, code=code)).body["flowStatus"] == "COMPLETE"
    again = await executor.answer(other, code=code)
    assert again.data["messages"][0]["i18nKey"] == "code.wrong"


async def test_a_clock_may_be_off_by_one_step_and_no_more(house: House, executor: Executor) -> None:
    await house.publish(MFA_LOGIN)
    _, totp = await house.person(EMAIL, totp=True)
    assert totp is not None
    step = await executor.answer(await executor.at_password(EMAIL), password=PASSWORD)
    # Not so near the end of a step that the executor would already be in the next one.
    now = time.time()
    if now % STEP_SECONDS > STEP_SECONDS - 5:
        await asyncio.sleep(5)
        now = time.time()
    for steps in (-3, 3):
        wrong = await executor.answer(step, code=totp.at(int(now) + steps * STEP_SECONDS))
        assert wrong.body["flowStatus"] == "INCOMPLETE"
    done = await executor.answer(step, code=totp.at(int(now) + STEP_SECONDS))
    assert done.body["flowStatus"] == "COMPLETE"


async def test_two_registrations_at_once_make_one_account(house: House) -> None:
    written = await asyncio.gather(
        *(
            house.directory.write(
                "default", f"00000000-0000-4000-8000-00000000000{n}", None, {"email": EMAIL}, None
            )
            for n in range(5)
        )
    )
    assert sorted(type(one).__name__ for one in written) == ["Taken"] * 4 + ["Written"]
