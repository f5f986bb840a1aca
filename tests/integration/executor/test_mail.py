"""Mail that flows send, from the turn to a real SMTP server."""

from __future__ import annotations

import asyncio
from typing import Any

import nats
import pytest
import pytest_asyncio
from nats.js.errors import NotFoundError
from structlog.testing import CapturingLogger

from deploy.local.ports import free_port
from libs.common.chassis import consume
from libs.common.chassis.bus import Bus
from libs.common.chassis.consume import DEAD
from libs.common.chassis.logging import describe_exception
from libs.common.chassis.seal import Keys
from libs.common.flow.messaging import SendMail
from libs.common.secret import Secret
from services.executor import adapters
from services.executor.nats import MESSAGES, MESSAGES_SUBJECT
from services.executor.told import Told, seal
from tests.integration.executor.conftest import PASSWORD, Build, Executor, House, Reply
from tests.integration.executor.graphs import IDENTIFIER, START, SUCCESS, graph
from tests.integration.executor.graphs import PASSWORD as PASSWORD_NODE
from tests.mailbox import HOST, Mailbox, mailbox, text_of
from tests.patience import PATIENCE_SECONDS, until

EMAIL = "sasha@example.com"
MAIL: dict[str, Any] = {
    "id": "mail",
    "type": "send_email",
    "config": {
        "subject": "Hello\n{{ user.email }}",
        "text": "You are {{ user.logins_count }} & <well>.",
        "html": "<p>{{ '<' }}{{ flow.type }}</p>",
    },
}
# Before the password: whoever has only named an account must learn nothing from it.
LOGIN = graph(
    [START, IDENTIFIER, MAIL, PASSWORD_NODE, SUCCESS],
    [
        ("start", "identifier"),
        ("identifier", "mail"),
        ("mail", "password"),
        ("password", "success"),
    ],
)


@pytest_asyncio.fixture
async def house(build_house: Build, redis_url: str) -> House:
    made = await build_house(redis_url)
    await made.publish(LOGIN)
    return made


@pytest_asyncio.fixture
async def executor(house: House, box: Mailbox) -> Executor:
    return await house.executor(smtp_url=box.url, mail_from="Us <us@example.org>")


async def effects(executor: Executor, result: str) -> float:
    async with executor.http.get(f"{executor.url}/metrics") as answer:
        exposed = await answer.text()
    sample = f'gatehouse_effects_total{{effect="SendMail",result="{result}"}} '
    return sum(float(line[len(sample) :]) for line in exposed.splitlines() if sample in line)


async def test_a_flow_sends_a_mail(house: House, executor: Executor, box: Mailbox) -> None:
    await house.person(EMAIL)
    await executor.at_password(EMAIL)
    letter = await box.next()
    assert (letter["From"], letter["To"]) == ("Us <us@example.org>", EMAIL)
    assert letter["Subject"] == f"Hello {EMAIL}"
    assert text_of(letter) == "You are 0 & <well>.\n"
    assert text_of(letter, "html") == "<p>&lt;login</p>\n"
    assert letter["Auto-Submitted"] == "auto-generated"
    assert letter["Message-ID"].endswith("@example.org>")


async def test_an_executor_can_leave_messages_to_others_and_shows_that_they_wait(
    house: House, box: Mailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(consume, "_LOOK_SECONDS", 0.05)
    log = CapturingLogger()
    monkeypatch.setattr(adapters, "log", log)
    await house.person(EMAIL)
    serving = await house.executor(messengers=0)
    assert log.calls == [], "it needs no mail server"
    await until(lambda: lags(serving, 0))
    await serving.at_password(EMAIL)
    await until(lambda: lags(serving, 1))
    assert box.letters == []
    sending = await house.executor(smtp_url=box.url)
    assert (await box.next())["To"] == EMAIL
    await until(lambda: performed(sending, "performed", 1))
    await until(lambda: lags(serving, 0))


async def lags(executor: Executor, messages: int) -> bool:
    """Whether `executor` shows that so many messages are not delivered."""
    async with executor.http.get(f"{executor.url}/metrics") as answer:
        exposed = await answer.text()
    return f'gatehouse_consumer_lag{{consumer="messengers"}} {float(messages)}\n' in exposed


async def test_no_header_shows_the_handle_of_the_session(
    house: House, executor: Executor, box: Mailbox
) -> None:
    await house.person(EMAIL)
    step = await executor.at_password(EMAIL)
    assert step.body["flowId"] not in (await box.next()).as_string()


async def test_who_has_no_account_gets_the_same_answer_and_no_mail(
    house: House, executor: Executor, box: Mailbox
) -> None:
    await house.person(EMAIL)

    def shown(reply: Reply) -> object:
        return {k: v for k, v in reply.body.items() if k not in ("flowId", "stepId")}

    nobody = await executor.at_password("nobody@example.com")
    somebody = await executor.at_password(EMAIL)
    assert shown(nobody) == shown(somebody)
    await until(lambda: performed(executor, "nobody", 1))
    await box.has(1)
    assert [letter["To"] for letter in box.letters] == [EMAIL]


async def performed(executor: Executor, result: str, times: int) -> bool:
    return await effects(executor, result) == times


async def test_a_slow_mail_server_holds_up_neither_a_turn_nor_the_counting_of_logins(
    house: House, executor: Executor, box: Mailbox
) -> None:
    box.open.clear()
    account, _ = await house.person(EMAIL)
    for _ in range(4):
        done = await executor.answer(await executor.at_password(EMAIL), password=PASSWORD)
        assert done.body["flowStatus"] == "COMPLETE"

    async def counted() -> bool:
        user = await house.directory.load("default", account)
        return user is not None and user["logins_count"] == 4

    await until(counted)
    assert box.letters == []
    box.open.set()
    await box.has(4)


async def test_a_mail_server_that_hangs_holds_up_no_stop_and_another_executor_sends_the_mail(
    house: House, box: Mailbox
) -> None:
    box.open.clear()
    one = await house.executor(smtp_url=box.url, smtp_seconds=300.0, drain_seconds=0.1)
    await house.person(EMAIL)
    await one.at_password(EMAIL)
    await box.busy.wait()
    async with asyncio.timeout(PATIENCE_SECONDS):
        await one.stop()
    async with mailbox() as working:
        await house.executor(smtp_url=working.url)
        assert (await working.next())["To"] == EMAIL
    assert box.letters == []
    box.open.set()


async def test_mail_waits_for_a_server_that_is_away(house: House) -> None:
    port = free_port()
    executor = await house.executor(smtp_url=Secret(f"smtp+plain://{HOST}:{port}"))
    await house.person(EMAIL)
    await executor.at_password(EMAIL)

    async def waited() -> bool:
        async with executor.http.get(f"{executor.url}/metrics") as answer:
            exposed = await answer.text()
        waits = 'gatehouse_consumer_deliveries_total{consumer="messengers",outcome="waited"} '
        return f"{waits}0.0" not in exposed and waits in exposed

    await until(waited)
    async with mailbox(port=port) as box:
        assert (await box.next())["To"] == EMAIL


async def test_what_is_refused_for_good_is_set_aside_and_nobody_is_named(
    house: House, box: Mailbox, nats_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = CapturingLogger()
    monkeypatch.setattr(consume, "log", log)
    executor = await house.executor(smtp_url=box.url)
    await house.person(EMAIL)
    box.recipients.append(f"550 5.1.1 <{EMAIL}> is unknown")
    await executor.at_password(EMAIL)
    letter = await dead(nats_url)
    assert letter.headers["Gatehouse-Reason"].endswith("refused it for good (550)")
    assert EMAIL.encode() not in letter.data
    logged = [(call.args, call.kwargs) for call in log.calls]
    assert ("message_dead",) in [args for args, _ in logged]
    assert EMAIL not in repr(logged)
    described = [describe_exception(each["exc_info"]) for _, each in logged if "exc_info" in each]
    assert described
    assert EMAIL not in repr(described)
    assert box.letters == []


async def test_without_a_mail_server_mail_is_set_aside_with_the_reason(
    house: House, nats_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = CapturingLogger()
    monkeypatch.setattr(adapters, "log", log)
    executor = await house.executor()
    assert ("mail_not_set_up",) in [call.args for call in log.calls]
    await house.person(EMAIL)
    step = await executor.at_password(EMAIL)
    assert step.status == 200
    assert "GATEHOUSE_SMTP_URL is not set" in (await dead(nats_url)).headers["Gatehouse-Reason"]


async def dead(nats_url: str) -> Any:  # noqa: ANN401 - nats-py's message
    """Return the first message that was set aside, once there is one."""
    connection = await nats.connect(nats_url)
    jetstream = connection.jetstream(timeout=PATIENCE_SECONDS)

    async def is_there() -> bool:
        try:
            info = await jetstream.stream_info(DEAD.name)
        except NotFoundError:
            # The executor has not made it yet.
            return False
        return info.state.messages > 0

    try:
        await until(is_there)
        return await jetstream.get_msg(DEAD.name, 1)
    finally:
        await connection.close()


async def test_a_mail_that_is_told_again_is_not_sent_again(
    house: House, executor: Executor, box: Mailbox, nats_url: str
) -> None:
    account, _ = await house.person(EMAIL)
    told = Told("session:1:0", "default", SendMail(account, "S", "T"))
    data = seal(Keys.parse(house.settings.session_keys), told)
    bus = Bus(Secret(nats_url), name="test")
    bus.open()

    async def is_connected() -> bool:
        return bus.connected

    await until(is_connected)
    for number in range(2):
        # As after a crash between the server's word and ours that it was done.
        await bus.publish(MESSAGES, MESSAGES_SUBJECT, data, message_id=str(number))
    await bus.close()
    await until(lambda: performed(executor, "repeated", 1))
    assert len(box.letters) == 1
