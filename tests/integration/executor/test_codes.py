"""One-time codes, from the mail to the assertion."""

from __future__ import annotations

import re
import uuid

import jwt
import pytest_asyncio

from libs.common.flow.model import FlowType, Graph, Json
from tests.integration.executor.conftest import Build, Executor, House, Reply
from tests.integration.executor.graphs import IDENTIFIER, START, SUCCESS, graph
from tests.kept import in_redis
from tests.mailbox import Mailbox, text_of
from tests.patience import until
from tests.typed import holds

EMAIL, NOBODY = "sasha@example.com", "nobody@example.com"


def flow(**config: Json) -> Graph:
    return graph(
        [START, IDENTIFIER, {"id": "code", "type": "otp_input", "config": config}, SUCCESS],
        [("start", "identifier"), ("identifier", "code"), ("code", "success")],
    )


def code_in(text: str) -> str:
    (found,) = re.findall(r"\b\d{6}\b", text)
    return str(found)


def wrong(code: str) -> str:
    return f"{(int(code) + 1) % 10**6:06}"


def shown(reply: Reply) -> object:
    """What a client sees, but for what names the session."""
    return {k: v for k, v in reply.body.items() if k not in ("flowId", "stepId")}


@pytest_asyncio.fixture
async def house(build_house: Build, redis_url: str) -> House:
    made = await build_house(redis_url)
    await made.publish(flow())
    await made.person(EMAIL)
    return made


@pytest_asyncio.fixture
async def executor(house: House, box: Mailbox) -> Executor:
    return await house.executor(smtp_url=box.url)


async def test_a_code_that_was_mailed_signs_in(executor: Executor, box: Mailbox) -> None:
    step = await executor.at_password(EMAIL)
    assert step.data["requiredParams"] == ["code"]
    letter = await box.next()
    code = code_in(text_of(letter))
    assert code in letter["Subject"]
    done = await executor.answer(step, code=code)
    assert done.body["flowStatus"] == "COMPLETE"
    claims = jwt.decode(done.data["userAssertion"], options={"verify_signature": False})
    assert claims["amr"] == ["otp"]


async def test_what_no_author_wrote_is_mailed_in_the_language_of_who_asks(
    house: House, executor: Executor, box: Mailbox
) -> None:
    german = {"Accept-Language": "de-AT, en;q=0.5"}
    for config in ({}, {"subject": "{{ code }} is yours"}):
        await house.publish(flow(**config))
        step = await executor.post(headers=german, flowType="LOGIN")
        named = {"flowId": step.body["flowId"], "inputs": {"identifier": EMAIL}}
        await executor.post(headers=german, **named)
        letter = await box.next()
        code = code_in(text_of(letter))
        assert letter["Subject"] == (f"{code} is yours" if config else f"{code} ist Ihr Code")
        assert text_of(letter).startswith(f"Ihr Code lautet {code}. Er gilt 10 Minuten.")
        assert f"<strong>{code}</strong>. Er gilt" in text_of(letter, "html")


async def test_a_wrong_code_is_asked_for_again(executor: Executor, box: Mailbox) -> None:
    step = await executor.at_password(EMAIL)
    code = code_in(text_of(await box.next()))
    again = await executor.answer(step, code=wrong(code))
    assert again.body["flowStatus"] == "INCOMPLETE"
    assert again.data["messages"][0]["i18nKey"] == "code.wrong"
    done = await executor.answer(step, code=code)
    assert done.body["flowStatus"] == "COMPLETE"


async def test_five_wrong_codes_end_the_flow(executor: Executor, box: Mailbox) -> None:
    step = await executor.at_password(EMAIL)
    code = code_in(text_of(await box.next()))
    tried, statuses = code, []
    for _ in range(5):
        tried = wrong(tried)
        statuses.append((await executor.answer(step, code=tried)).body["flowStatus"])
    assert statuses == [*["INCOMPLETE"] * 4, "ERROR"]


async def test_who_has_no_account_sees_the_same_and_no_code_is_right(
    house: House, executor: Executor, box: Mailbox
) -> None:
    await house.publish(flow(resend_seconds=600))
    nobody, somebody = await executor.at_password(NOBODY), await executor.at_password(EMAIL)
    assert shown(nobody) == shown(somebody)
    code = code_in(text_of(await box.next()))
    for action in ("resend", ""):
        inputs = {} if action else {"code": wrong(code)}
        first = await executor.answer(nobody, action, **inputs)
        assert shown(first) == shown(await executor.answer(somebody, action, **inputs))
    assert [letter["To"] for letter in box.letters] == [EMAIL]


async def test_a_code_is_of_one_session_alone(executor: Executor, box: Mailbox) -> None:
    await executor.at_password(EMAIL)
    code = code_in(text_of(await box.next()))
    other = await executor.at_password(EMAIL)
    await box.next()
    refused = await executor.answer(other, code=code)
    assert refused.data["messages"][0]["i18nKey"] == "code.wrong"


async def test_another_code_is_not_sent_at_once(
    house: House, executor: Executor, box: Mailbox
) -> None:
    await house.publish(flow(resend_seconds=600))
    step = await executor.at_password(EMAIL)
    await box.next()
    again = await executor.answer(step, "resend")
    assert again.data["messages"][0]["i18nKey"] == "code.wait"


async def asks_again(executor: Executor, step: Reply) -> str:
    """Ask for another code; return the key of what is said to that."""
    # Each by a name of its own, or the second would be taken for a repeat of the first.
    headers = {"Idempotency-Key": str(uuid.uuid4())}
    asked = await executor.post(headers=headers, flowId=step.body["flowId"], actionId="resend")
    assert asked.status == 200, asked.body
    key: str = asked.data["messages"][0]["i18nKey"]
    return key


async def test_another_code_takes_the_place_of_the_first(
    house: House, executor: Executor, box: Mailbox
) -> None:
    await house.publish(flow(resend_seconds=1))
    step = await executor.at_password(EMAIL)
    first = code_in(text_of(await box.next()))

    async def sent() -> bool:
        return await asks_again(executor, step) == "code.sent"

    await until(sent)
    second = code_in(text_of(await box.next()))
    assert first != second
    late = await executor.answer(step, code=first)
    assert late.data["messages"][0]["i18nKey"] == "code.wrong"
    done = await executor.answer(step, code=second)
    assert done.body["flowStatus"] == "COMPLETE"


async def test_wrong_codes_are_counted_over_all_sessions(house: House, box: Mailbox) -> None:
    executor = await house.executor(smtp_url=box.url, code_burst=2, code_rate=0.0001)
    step = await executor.at_password(EMAIL)
    code = code_in(text_of(await box.next()))
    for tried in (wrong(code), wrong(wrong(code))):
        await executor.answer(step, code=tried)
    other = await executor.at_password(EMAIL)
    blocked = await executor.answer(other, code=code_in(text_of(await box.next())))
    assert blocked.body["flowStatus"] == "ERROR"


async def test_a_code_sent_by_one_executor_is_right_at_another(
    house: House, executor: Executor, box: Mailbox
) -> None:
    other = await house.executor(smtp_url=box.url)
    step = await executor.at_password(EMAIL)
    done = await other.answer(step, code=code_in(text_of(await box.next())))
    assert done.body["flowStatus"] == "COMPLETE"


async def test_no_code_is_found_in_redis_or_the_log(
    executor: Executor, box: Mailbox, redis_url: str
) -> None:
    step = await executor.at_password(EMAIL)
    code = code_in(text_of(await box.next())).encode()
    await executor.answer(step, code=code.decode())
    stored = await in_redis(redis_url)
    assert stored
    # As digits of a time it would be found by chance.
    assert not [place for place, value in stored if holds(value, code)]
    assert not holds(executor.logged(), code)


def registration() -> Graph:
    fields = [{"name": "email", "type": "email", "label": "Email"}]
    return graph(
        [
            START,
            {"id": "details", "type": "prompt", "config": {"fields": fields}},
            {"id": "verify", "type": "email_verification"},
            {"id": "write", "type": "user_write"},
            SUCCESS,
        ],
        [
            ("start", "details"),
            ("details", "verify"),
            ("verify", "write"),
            ("write", "success"),
        ],
    )


async def verified(house: House, email: str) -> bool | None:
    account = await house.directory.find("default", ("email",), email)
    user = None if account is None else await house.directory.load("default", account)
    return None if user is None else bool(user["email_verified"])


async def test_a_registration_verifies_the_address_before_it_is_written(
    house: House, executor: Executor, box: Mailbox
) -> None:
    await house.publish(registration(), FlowType.REGISTRATION)
    step = await executor.answer(await executor.start("REGISTRATION"), email="New@example.com")
    letter = await box.next()
    assert letter["To"] == "new@example.com"
    code = code_in(text_of(letter))
    await executor.answer(step, code=wrong(code))
    assert await verified(house, "new@example.com") is None
    done = await executor.answer(step, code=code)
    assert done.body["flowStatus"] == "COMPLETE"
    assert await verified(house, "new@example.com") is True


async def test_wrong_codes_for_a_new_address_are_counted_under_it(
    house: House, box: Mailbox
) -> None:
    executor = await house.executor(smtp_url=box.url, code_burst=1, code_rate=0.0001)
    await house.publish(registration(), FlowType.REGISTRATION)
    step = await executor.answer(await executor.start("REGISTRATION"), email="new@example.com")
    code = code_in(text_of(await box.next()))
    await executor.answer(step, code=wrong(code))
    blocked = await executor.answer(step, code=code)
    assert blocked.body["flowStatus"] == "ERROR"
    other = await executor.answer(await executor.start("REGISTRATION"), email="b@example.com")
    done = await executor.answer(other, code=code_in(text_of(await box.next())))
    assert done.body["flowStatus"] == "COMPLETE"


def recovery() -> Graph:
    return graph(
        [START, IDENTIFIER, {"id": "verify", "type": "email_verification"}, SUCCESS],
        [("start", "identifier"), ("identifier", "verify"), ("verify", "success")],
    )


async def test_who_reads_the_mail_of_an_account_has_verified_its_address(
    house: House, executor: Executor, box: Mailbox
) -> None:
    await house.publish(recovery(), FlowType.ACCOUNT_RECOVERY)
    started = await executor.start("ACCOUNT_RECOVERY")
    step = await executor.answer(started, identifier=EMAIL)
    assert await verified(house, EMAIL) is False
    done = await executor.answer(step, code=code_in(text_of(await box.next())))
    assert done.body["flowStatus"] == "COMPLETE"
    assert await verified(house, EMAIL) is True


async def test_a_code_does_not_verify_an_address_that_it_was_not_sent_to(
    house: House, executor: Executor, box: Mailbox
) -> None:
    await house.publish(recovery(), FlowType.ACCOUNT_RECOVERY)
    started = await executor.start("ACCOUNT_RECOVERY")
    step = await executor.answer(started, identifier=EMAIL)
    code = code_in(text_of(await box.next()))
    account = await house.directory.find("default", ("email",), EMAIL)
    # Meanwhile, in another session.
    taken = {"email": "victim@example.com"}
    await house.directory.write("default", str(uuid.uuid4()), account, taken, None)
    refused = await executor.answer(step, code=code)
    assert refused.data["messages"][0]["i18nKey"] == "code.wrong"
    assert await verified(house, "victim@example.com") is False
