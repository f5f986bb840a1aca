"""Flows that go on by a link, from the mail to the end, on the device that follows it."""

from __future__ import annotations

import asyncio
import time
import uuid
from itertools import pairwise
from types import SimpleNamespace

import jwt
import nats
import pytest
import pytest_asyncio

from libs.common.flow.model import FlowType, Json
from libs.common.wire.inspect import Replayed, ReplayWanted
from libs.common.wire.plans import Rollout
from services.executor import __main__ as main
from services.executor.sessions import Sessions
from tests.integration.executor.candidates import candidate, lead
from tests.integration.executor.conftest import PASSWORD, Build, Executor, House, Reply
from tests.integration.executor.graphs import IDENTIFIER, LOGIN, START, SUCCESS, graph
from tests.integration.executor.graphs import PASSWORD as PASSWORD_NODE
from tests.integration.executor.links import (
    CHOSEN,
    RECOVERY,
    link_in,
    recovery,
    registration,
    token_in,
    verify,
)
from tests.integration.executor.test_codes import shown, verified
from tests.integration.executor.test_inspect import ask, told
from tests.integration.executor.test_rollouts import plain
from tests.integration.executor.test_sessions import everything_in_redis, expire
from tests.mailbox import Mailbox, text_of
from tests.patience import until

EMAIL, NOBODY, NEW = "sasha@example.com", "nobody@example.com", "new@example.com"


async def follow(
    executor: Executor,
    token: Json,
    *,
    path: str = "/flow/execute",
    headers: dict[str, str] | None = None,
    **more: Json,
) -> Reply:
    return await executor.post(path, headers, inputs={"token": token}, **more)


def refused(reply: Reply) -> tuple[int, str]:
    return reply.status, reply.body["code"]


GONE, USED, MOVED = (404, "FE-40402"), (410, "FE-41002"), (410, "FE-41003")


@pytest_asyncio.fixture
async def house(build_house: Build, redis_url: str) -> House:
    made = await build_house(redis_url)
    await made.publish(recovery(), FlowType.PASSWORD_RESET)
    await made.person(EMAIL)
    return made


@pytest_asyncio.fixture
async def executor(house: House, box: Mailbox) -> Executor:
    return await house.executor(smtp_url=box.url)


async def waits(executor: Executor, identifier: str = EMAIL) -> Reply:
    return await executor.answer(await executor.start(RECOVERY), identifier=identifier)


async def signs_in(house: House, executor: Executor, password: str) -> bool:
    await house.publish(LOGIN)
    done = await executor.answer(await executor.at_password(EMAIL), password=password)
    return bool(done.body["flowStatus"] == "COMPLETE")


async def test_a_recovery_goes_on_where_the_link_is_followed_and_no_longer_where_it_began(
    build_house: Build, any_redis_url: str, box: Mailbox
) -> None:
    house = await build_house(any_redis_url)
    await house.publish(recovery(), FlowType.PASSWORD_RESET)
    await house.person(EMAIL)
    laptop = await house.executor(smtp_url=box.url)
    phone = await house.executor(smtp_url=box.url)
    began = await waits(laptop)
    (form,) = began.data["components"]
    said, again = form["components"]
    assert (said["type"], said["config"]["i18nKey"]) == ("TYPOGRAPHY", "text.link_sent")
    assert (again["type"], again["config"]["i18nKey"]) == ("RESEND", "button.resend_link")
    letter = await box.next()
    assert letter["To"] == EMAIL
    assert link_in(letter).startswith("http://localhost:8090/portal/link#token=")
    step = await follow(phone, token_in(letter))
    assert (step.status, step.body["flowStatus"]) == (200, "INCOMPLETE")
    assert step.data["requiredParams"] == ["password", "confirmation"]
    assert step.body["flowId"] != began.body["flowId"]
    assert await verified(house, EMAIL) is True
    for sent in ({}, {"password": CHOSEN}, {"token": token_in(letter)}):
        gone = await laptop.answer(began, **sent)
        assert refused(gone) == MOVED
        assert step.body["flowId"] not in str(gone.body)
    done = await phone.answer(step, password=CHOSEN, confirmation=CHOSEN)
    assert done.body["flowStatus"] == "COMPLETE"
    assert await signs_in(house, phone, CHOSEN)


async def test_who_began_may_go_on_with_the_token_as_with_a_code(
    house: House, executor: Executor, box: Mailbox
) -> None:
    await house.publish(registration(), FlowType.REGISTRATION)
    started = await executor.start("REGISTRATION")
    began = await executor.answer(started, email=NEW, password=PASSWORD)
    waiting = await executor.answer(began)
    assert waiting.data["messages"][0]["i18nKey"] == "link.waiting"
    done = await executor.answer(began, token=token_in(await box.next()))
    assert (done.body["flowStatus"], done.body["flowId"]) == ("COMPLETE", began.body["flowId"])
    assert await verified(house, NEW) is True


async def test_nobody_gets_an_account_with_the_password_of_who_typed_their_address(
    house: House, executor: Executor, box: Mailbox
) -> None:
    await house.publish(registration(), FlowType.REGISTRATION)
    started = await executor.start("REGISTRATION")
    await executor.answer(started, email=NEW, password=PASSWORD)
    done = await follow(executor, token_in(await box.next()))
    assert done.body["flowStatus"] == "COMPLETE"
    assert await verified(house, NEW) is True
    account = await house.directory.find("default", ("email",), NEW)
    assert account is not None
    assert await house.directory.password_hash("default", account) is None


async def test_what_was_proved_before_is_not_proved_by_who_follows_the_link(
    house: House, executor: Executor, box: Mailbox
) -> None:
    success = {"id": "success", "type": "success", "config": {"auto_login": True}}
    path = ("start", "identifier", "password", "verify", "success")
    drawn = graph([START, IDENTIFIER, PASSWORD_NODE, verify(), success], list(pairwise(path)))
    await house.publish(drawn, FlowType.PASSWORD_RESET)
    began = await executor.answer(await waits(executor), password=PASSWORD)
    assert began.body["flowStatus"] == "INCOMPLETE"
    done = await follow(executor, token_in(await box.next()))
    claims = jwt.decode(done.data["userAssertion"], options={"verify_signature": False})
    assert claims["amr"] == ["otp"]


async def test_the_same_request_again_is_answered_again_and_another_is_told_it_was_used(
    executor: Executor, box: Mailbox
) -> None:
    await waits(executor)
    token, mine = token_in(await box.next()), {"Idempotency-Key": "a tab's own"}
    first = await follow(executor, token, headers=mine)
    again = await follow(executor, token, headers=mine)
    assert (again.status, again.body) == (200, first.body)
    other = await follow(executor, token, headers={"Idempotency-Key": "another's"})
    assert refused(other) == USED
    assert refused(await follow(executor, token)) == USED
    assert (await executor.answer(first, password="x")).status == 200


async def test_of_two_who_follow_it_at_once_one_goes_on(
    house: House, executor: Executor, box: Mailbox
) -> None:
    other = await house.executor(smtp_url=box.url)
    began = await waits(executor)
    token = token_in(await box.next())
    replies = await asyncio.gather(
        *(
            follow(each, token, headers={"Idempotency-Key": str(uuid.uuid4())})
            for each in (executor, other, executor, other)
        )
    )
    (won,) = [each for each in replies if each.status == 200]
    assert [refused(each) for each in replies if each is not won] == [USED] * 3
    assert won.body["flowId"] != began.body["flowId"]
    done = await other.answer(won, password=CHOSEN, confirmation=CHOSEN)
    assert done.body["flowStatus"] == "COMPLETE"


async def test_nothing_is_lost_where_the_executor_dies_before_the_other_session_is_made(
    house: House, executor: Executor, box: Mailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    notice = {"id": "notice", "type": "send_email", "config": {"template": "signed_in"}}
    choose = {"id": "choose", "type": "password_setup"}
    path = ("start", "identifier", "verify", "notice", "choose", "success")
    drawn = graph([START, IDENTIFIER, verify(), notice, choose, SUCCESS], list(pairwise(path)))
    await house.publish(drawn, FlowType.PASSWORD_RESET)
    await waits(executor)
    token, mine = token_in(await box.next()), {"Idempotency-Key": "a tab's own"}

    async def dies(*_: object) -> None:
        raise RuntimeError

    with monkeypatch.context() as patch:
        patch.setattr(Sessions, "go_on", dies)
        assert (await follow(executor, token, headers=mine)).status == 500
    assert refused(await follow(executor, token, headers={"Idempotency-Key": "x"})) == USED
    step = await follow(executor, token, headers=mine)
    assert step.data["requiredParams"] == ["password", "confirmation"]
    done = await executor.answer(step, password=CHOSEN, confirmation=CHOSEN)
    assert done.body["flowStatus"] == "COMPLETE"
    assert (await box.next())["Subject"] == "New sign-in"
    assert len(box.letters) == 2


async def test_a_rollout_counts_the_session_that_began_however_it_goes_on(
    house: House, executor: Executor, box: Mailbox
) -> None:
    rollout = Rollout(id=1, baseline=1, margin=0.1, sessions=1_000)
    path = ("start", "identifier", "verify", "success")
    drawn = graph([START, IDENTIFIER, verify(), SUCCESS], list(pairwise(path)))
    kind = FlowType.PASSWORD_RESET
    versions = ((drawn, 1), (drawn, 1))
    await lead(house, await candidate(house, "f", *versions, kind=kind, rollout=rollout), kind=kind)
    await waits(executor)
    done = await follow(executor, token_in(await box.next()))
    assert done.body["flowStatus"] == "COMPLETE"
    client = await plain(house)
    counted = await until(lambda: client.hgetall("gh:rollout:{default:flow_f:1}"))
    assert sorted(name.partition(b":")[0] for name in counted) == [b"ended", b"succeeded"]


async def test_a_link_that_is_no_good_is_refused_alike_whatever_is_wrong_with_it(
    house: House, executor: Executor, box: Mailbox
) -> None:
    await house.publish(recovery(), FlowType.PASSWORD_RESET, tenant="acme")
    began = await waits(executor)
    token = token_in(await box.next())
    # So many characters that some of them are letters.
    turned = token[:-20] + token[-20:].swapcase()
    foreign = await follow(executor, token, path="/t/acme/flow/execute")
    tried = [foreign, *[await follow(executor, each) for each in (turned, "none", "x" * 5000)]]
    await expire(house, began.body["flowId"])
    tried.append(await follow(executor, token))
    said = {
        str({name: said for name, said in each.body.items() if name != "traceId"}) for each in tried
    }
    assert {refused(each) for each in tried} == {GONE}
    assert len(said) == 1


async def test_a_link_expires_before_its_session_does(
    house: House, box: Mailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    ahead = 0
    clock = SimpleNamespace(time=lambda: time.time() + ahead, monotonic=time.monotonic)
    monkeypatch.setattr(main, "time", clock)
    executor = await house.executor(smtp_url=box.url)
    await house.publish(recovery(expires_minutes=1), FlowType.PASSWORD_RESET)
    began = await waits(executor)
    token = token_in(await box.next())
    ahead = 61
    assert refused(await follow(executor, token)) == GONE
    late = await executor.answer(began, token=token)
    assert late.data["messages"][0]["i18nKey"] == "link.expired"


async def test_another_link_takes_the_place_of_the_first(
    house: House, executor: Executor, box: Mailbox
) -> None:
    await house.publish(recovery(resend_seconds=1), FlowType.PASSWORD_RESET)
    began = await waits(executor)
    first = token_in(await box.next())

    async def sent() -> bool:
        key = {"Idempotency-Key": str(uuid.uuid4())}
        asked = await executor.post(headers=key, flowId=began.body["flowId"], actionId="resend")
        return bool(asked.data["messages"][0]["i18nKey"] == "link.sent")

    await until(sent)
    second = token_in(await box.next())
    assert refused(await follow(executor, first)) == GONE
    assert (await follow(executor, second)).body["flowStatus"] == "INCOMPLETE"


async def test_looking_at_the_link_uses_nothing(executor: Executor, box: Mailbox) -> None:
    await waits(executor)
    token = token_in(await box.next())
    for method in ("GET", "HEAD"):
        for path in ("/portal/link", "/flow/execute"):
            async with executor.http.request(
                method, f"{executor.url}{path}?token={token}"
            ) as looked:
                assert looked.status in (200, 404, 405)
    assert (await follow(executor, token)).body["flowStatus"] == "INCOMPLETE"


async def test_who_has_no_account_sees_the_same_and_is_sent_nothing(
    house: House, executor: Executor, box: Mailbox
) -> None:
    await house.publish(recovery(resend_seconds=600), FlowType.PASSWORD_RESET)
    nobody, somebody = await waits(executor, NOBODY), await waits(executor)
    assert shown(nobody) == shown(somebody)
    await box.next()
    for action, sent in (("", {}), ("resend", {}), ("", {"token": "wrong"})):
        first = await executor.answer(nobody, action, **sent)
        assert shown(first) == shown(await executor.answer(somebody, action, **sent))
    assert [letter["To"] for letter in box.letters] == [EMAIL]


async def test_neither_handle_nor_token_is_found_where_it_should_not_be(
    house: House, executor: Executor, box: Mailbox
) -> None:
    began = await waits(executor)
    token = token_in(await box.next())
    step = await follow(executor, token)
    old, new = (each.body["flowId"] for each in (began, step))
    assert old not in text_of(box.letters[0], "html")
    stored = await everything_in_redis(house)
    assert token.encode() not in stored
    logged = executor.logged()
    assert not any(each.encode() in logged for each in (token, old, new))


async def test_a_flow_for_who_is_signed_in_goes_on_only_where_it_began(
    house: House, executor: Executor, box: Mailbox
) -> None:
    nodes = [START, verify(), SUCCESS]
    asked = graph(nodes, [("start", "verify"), ("verify", "success")])
    flow = await candidate(house, "factors", (asked, 1), authentication="require_authenticated")
    await lead(house, flow)
    await house.publish(LOGIN)
    signed_in = await executor.answer(await executor.at_password(EMAIL), password=PASSWORD)
    bearer = {"Authorization": f"Bearer {signed_in.data['userAssertion']}"}
    began = await executor.post(headers=bearer, flowType="MFA_SETUP")
    token = token_in(await box.next())
    assert refused(await follow(executor, token)) == (401, "FE-40101")
    done = await executor.answer(began, token=token)
    assert done.body["flowStatus"] == "COMPLETE"


async def test_what_was_done_before_the_link_and_after_it_is_told_and_replayed_as_one(
    house: House, executor: Executor, box: Mailbox, nats_url: str
) -> None:
    began = await waits(executor)
    step = await follow(executor, token_in(await box.next()))
    done = await executor.answer(step, password=CHOSEN, confirmation=CHOSEN)
    assert done.body["flowStatus"] == "COMPLETE"
    async with await nats.connect(nats_url) as client:
        before, after = await told(client, began), await told(client, step)
        replayed = await ask(client, ReplayWanted("default", step.body["flowId"]))
    assert [turn.turn for turn in after.turns] == [1, 2, 3, 4]
    assert (before.result, after.result) == ("waiting", "success")
    assert after.turns[:3] == before.turns
    (left, *_) = after.turns[2].nodes
    assert left.learned is not None
    assert (left.node, left.outcome, left.learned.resumed) == ("verify", "success", True)
    assert isinstance(replayed, Replayed)
    assert (replayed.replay.same, replayed.replay.result) == (True, "success")
