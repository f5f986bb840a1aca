"""One step, submitted more than once."""

from __future__ import annotations

import asyncio

import pytest

from libs.common.chassis.hasher import Hasher
from libs.common.secret import Secret
from tests.integration.executor.conftest import PASSWORD, Executor, House, sealing_keys
from tests.integration.executor.graphs import LOGIN, MFA_LOGIN

EMAIL = "sasha@example.com"


async def turns_run(*executors: Executor) -> int:
    """How many nodes were passed or waited at, in all."""
    total = 0
    for executor in executors:
        async with executor.http.get(f"{executor.url}/metrics") as answer:
            for line in (await answer.text()).splitlines():
                if line.startswith("gatehouse_turn_seconds_count"):
                    total += int(float(line.split()[-1]))
    return total


async def test_ten_equal_submits_run_one_turn_and_get_one_answer(house: House) -> None:
    one, other = await house.executor(), await house.executor()
    await house.publish(LOGIN)
    await house.person(EMAIL)
    step = await one.at_password(EMAIL)
    before = await turns_run(one, other)
    replies = await asyncio.gather(
        *((one, other)[n % 2].answer(step, password=PASSWORD) for n in range(10))
    )
    assert {reply.status for reply in replies} == {200}
    assert replies[0].body["flowStatus"] == "COMPLETE"
    assert all(reply.body == replies[0].body for reply in replies)
    assert await turns_run(one, other) == before + 1


async def test_of_ten_different_submits_one_wins_and_nine_get_the_current_step(
    house: House,
) -> None:
    one, other = await house.executor(), await house.executor()
    await house.publish(LOGIN)
    step = await one.start()
    replies = await asyncio.gather(
        *((one, other)[n % 2].answer(step, identifier=f"user{n}@example.com") for n in range(10))
    )
    won = [reply for reply in replies if reply.status == 200]
    lost = [reply for reply in replies if reply.status == 409]
    assert (len(won), len(lost)) == (1, 9)
    assert won[0].data["requiredParams"] == ["password"]
    assert all(reply.body["step"] == won[0].body for reply in lost)
    assert lost[0].body["code"] == "FE-40901"


async def test_of_ten_different_last_submits_only_the_winner_gets_the_assertion(
    house: House,
) -> None:
    one, other = await house.executor(), await house.executor()
    await house.publish(LOGIN)
    await house.person(EMAIL)
    step = await one.at_password(EMAIL)
    right = one.answer(step, password=PASSWORD)
    wrong = ((one, other)[n % 2].answer(step, password=f"guess {n}") for n in range(9))
    replies = await asyncio.gather(right, *wrong)
    assert sorted(reply.status for reply in replies) == [200, *[409] * 9]
    for reply in replies:
        if reply.status == 409:
            assert "userAssertion" not in str(reply.body)


async def test_the_same_submit_again_gets_the_stored_answer(
    house: House, executor: Executor
) -> None:
    await house.publish(LOGIN)
    await house.person(EMAIL)
    step = await executor.at_password(EMAIL)
    first = await executor.answer(step, password=PASSWORD)
    before = await turns_run(executor)
    again = await executor.answer(step, password=PASSWORD)
    assert again.body == first.body
    assert await turns_run(executor) == before


async def test_another_submit_after_the_end_is_told_that_it_is_over(
    house: House, executor: Executor
) -> None:
    await house.publish(LOGIN)
    await house.person(EMAIL)
    step = await executor.at_password(EMAIL)
    await executor.answer(step, password=PASSWORD)
    late = await executor.answer(step, code="123456")
    assert (late.status, late.body["code"]) == (410, "FE-41001")
    assert late.body["flowType"] == "LOGIN"
    assert "userAssertion" not in str(late.body)


async def test_a_named_submit_is_a_repeat_however_late(house: House) -> None:
    executor = await house.executor(replay_seconds=0)
    await house.publish(LOGIN)
    await house.person(EMAIL)
    step = await executor.at_password(EMAIL)
    named = {"Idempotency-Key": "one"}
    first = await executor.post(
        flowId=step.body["flowId"], inputs={"password": "wrong"}, headers=named
    )
    assert first.data["messages"]
    again = await executor.post(
        flowId=step.body["flowId"], inputs={"password": "wrong"}, headers=named
    )
    assert again.body == first.body
    other = await executor.post(
        flowId=step.body["flowId"],
        inputs={"password": "wrong"},
        headers={"Idempotency-Key": "two"},
    )
    assert other.body["stepId"] != first.body["stepId"]


async def test_a_name_fetches_no_answer_that_other_inputs_earned(
    house: House, executor: Executor
) -> None:
    await house.publish(LOGIN)
    await house.person(EMAIL)
    step = await executor.at_password(EMAIL)
    flow, named = step.body["flowId"], {"Idempotency-Key": "2"}
    done = await executor.post(flowId=flow, inputs={"password": PASSWORD}, headers=named)
    assert done.data["userAssertion"]
    guessed = await executor.post(flowId=flow, inputs={"password": "wrong"}, headers=named)
    assert guessed.status == 409
    assert done.data["userAssertion"] not in str(guessed.body)
    nothing = await executor.post(flowId=flow, headers=named)
    assert nothing.status == 410
    assert done.data["userAssertion"] not in str(nothing.body)
    again = await executor.post(flowId=flow, inputs={"password": PASSWORD}, headers=named)
    assert again.body == done.body


async def test_the_same_wrong_password_is_a_new_try_once_it_is_no_quick_repeat(
    house: House,
) -> None:
    executor = await house.executor(replay_seconds=0)
    await house.publish(LOGIN)
    await house.person(EMAIL)
    step = await executor.at_password(EMAIL)
    first = await executor.answer(step, password="wrong")
    second = await executor.answer(step, password="wrong")
    assert first.body["stepId"] != second.body["stepId"]


async def test_a_quick_repeat_of_a_wrong_password_is_not_a_second_try(
    house: House, executor: Executor
) -> None:
    await house.publish(LOGIN)
    await house.person(EMAIL)
    step = await executor.at_password(EMAIL)
    first = await executor.answer(step, password="wrong")
    assert (await executor.answer(step, password="wrong")).body == first.body


async def test_a_client_that_names_its_step_cannot_answer_another(
    house: House, executor: Executor
) -> None:
    await house.publish(LOGIN)
    await house.person(EMAIL)
    first = await executor.start()
    flow, step = first.body["flowId"], first.body["stepId"]
    second = await executor.post(flowId=flow, stepId=step, inputs={"identifier": EMAIL})
    assert second.status == 200
    stale = await executor.post(flowId=flow, stepId=step, inputs={"password": PASSWORD})
    assert (stale.status, stale.body["step"]) == (409, second.body)
    repeat = await executor.post(flowId=flow, stepId=step, inputs={"identifier": EMAIL})
    assert repeat.body == second.body


async def test_a_late_answer_to_the_step_before_is_not_taken_for_the_current_one(
    house: House, executor: Executor
) -> None:
    await house.publish(LOGIN)
    step = await executor.start()
    current = await executor.answer(step, identifier=EMAIL)
    late = await executor.answer(step, identifier="other@example.com")
    assert (late.status, late.body["step"]) == (409, current.body)


async def test_a_submit_that_names_no_action_leaves_the_step_as_it_was(
    house: House, executor: Executor
) -> None:
    await house.publish(LOGIN)
    step = await executor.start()
    refused = await executor.answer(step, "elsewhere", identifier=EMAIL)
    assert (refused.status, refused.body["code"]) == (400, "FE-40004")
    assert (await executor.answer(step, "submit", identifier=EMAIL)).status == 200


async def test_a_turn_that_died_is_run_again_when_its_claim_lapses(house: House) -> None:
    executor = await house.executor()
    await house.publish(MFA_LOGIN)
    _, totp = await house.person(EMAIL, totp=True)
    assert totp is not None
    step = await executor.answer(await executor.at_password(EMAIL), password=PASSWORD)
    flow = step.body["flowId"]
    # What an executor leaves that is killed between its claim and its store.
    key = f"gh:session:{{default:{flow}}}"
    seconds = await house.line.execute(b"HGET", key, "t")
    assert isinstance(seconds, bytes)
    until = int(seconds) + 400
    await house.line.execute(b"HSET", key, "owner", "the dead", "until", str(until))
    code = totp.now()
    replies = await asyncio.gather(*(executor.answer(step, code=code) for _ in range(3)))
    assert [reply.status for reply in replies] == [200, 200, 200]
    assert len({reply.data["userAssertion"] for reply in replies}) == 1


async def test_a_turn_that_lost_its_claim_leaves_the_answer_to_whoever_took_it(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    executor = await house.executor()
    await house.publish(LOGIN)
    await house.person(EMAIL)
    step = await executor.at_password(EMAIL)
    key = f"gh:session:{{default:{step.body['flowId']}}}"
    verify = Hasher.verify
    looks = 0

    async def lose(hasher: Hasher, phc: str | None, password: Secret) -> bool:
        nonlocal looks
        looks += 1
        if looks == 1:
            # Somebody else's, and over before the hash is made.
            await house.line.execute(b"HSET", key, "owner", "another", "until", "1")
        return await verify(hasher, phc, password)

    monkeypatch.setattr(Hasher, "verify", lose)
    reply = await executor.answer(step, password="wrong")
    assert (reply.status, reply.body["flowStatus"], looks) == (200, "INCOMPLETE", 2)
    assert await house.line.execute(b"HGET", key, "r") == b"3"


async def test_a_claim_that_was_waited_for_in_vain_is_given_back(house: House) -> None:
    owner = await house.executor()
    stranger = await house.executor(session_keys=Secret(sealing_keys("b")), claim_seconds=60)
    await house.publish(LOGIN)
    step = await owner.start()
    key = f"gh:session:{{default:{step.body['flowId']}}}"
    seconds = await house.line.execute(b"HGET", key, "t")
    assert isinstance(seconds, bytes)
    until = int(seconds) + 1_000
    await house.line.execute(b"HSET", key, "owner", "the dead", "until", str(until))
    # It finds the session busy, claims it when that lapses, and cannot open it.
    assert (await stranger.answer(step, identifier=EMAIL)).status == 404
    assert (await owner.answer(step, identifier=EMAIL)).status == 200


async def test_a_session_whose_key_is_gone_is_lost(house: House, executor: Executor) -> None:
    await house.publish(LOGIN)
    step = await executor.start()
    stranger = await house.executor(session_keys=Secret(sealing_keys("b")))
    assert (await stranger.answer(step, identifier=EMAIL)).status == 404
    assert (await executor.answer(step, identifier=EMAIL)).status == 200
