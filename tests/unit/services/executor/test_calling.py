"""How often a call is tried, and what of an answer is of use."""

from __future__ import annotations

import pytest
from prometheus_client import CollectorRegistry

from libs.common.chassis.outgoing import Answer, Lack
from libs.common.chassis.signing import sign
from libs.common.chassis.tally import Counters
from libs.common.flow.calls import Header, Reached, Target
from libs.common.flow.model import Json
from libs.common.secret import Secret
from services.executor.breaker import FAILURES, Breaker
from services.executor.calling import Caller
from tests.line import ScriptedLine

NOW = 1_795_271_830
SECRETS = (Secret("swordfish-swordfish"),)
TARGET = Target(url="https://hooks.example.com/a", headers=(Header("X-Source", "gatehouse"),))
BODY: Json = {"parameters": {}}


def answer(status: int = 200, body: bytes = b"{}") -> Answer:
    return Answer(status, {}, body)


class Calls:
    def __init__(self, *answers: Answer | Lack) -> None:
        self.line = ScriptedLine(*answers)
        self.counted = Counters(CollectorRegistry(), "calls", "Calls.", "result")
        self.pauses: list[float] = []
        breaker = Breaker(lambda: 0.0)
        self.caller = Caller(
            self.line, breaker, self.counted, clock=lambda: float(NOW), sleep=self.sleep
        )

    async def sleep(self, seconds: float) -> None:
        self.pauses.append(seconds)

    async def call(self, key: str = "key", target: Target = TARGET) -> Reached | None:
        answered = await self.caller.call("acme", target, SECRETS, key, BODY)
        for sent in self.line.calls:
            assert sent.method == "POST"
            assert 0 < sent.seconds <= target.timeout_seconds
            assert sent.most_bytes > 0
        return answered

    def results(self) -> dict[str, float]:
        (family,) = self.counted.collect()
        return {sample.labels["result"]: sample.value for sample in family.samples}


async def test_what_is_sent_is_named_and_signed() -> None:
    calls = Calls(answer(body=b'{"score": 1}'))
    assert await calls.call() == Reached({"score": 1})
    [sent] = calls.line.calls
    assert (sent.url, sent.body) == (TARGET.url, b'{"parameters":{}}')
    assert sent.headers == {
        "X-Source": "gatehouse",
        "Content-Type": "application/json",
        "Accept": "application/json",
        "Idempotency-Key": "key",
        "Gatehouse-Signature": sign(SECRETS, NOW, b'{"parameters":{}}'),
    }
    assert calls.results() == {"answered": 1}


@pytest.mark.parametrize(
    "first", [answer(500), answer(503), answer(429), answer(408), Lack.AWAY, Lack.SLOW]
)
async def test_what_may_pass_is_tried_again_under_the_same_name(first: Answer | Lack) -> None:
    calls = Calls(first, answer())
    assert await calls.call() == Reached({})
    assert [sent.headers["Idempotency-Key"] for sent in calls.line.calls] == ["key", "key"]


@pytest.mark.parametrize(
    "first",
    [
        answer(400),
        answer(404),
        answer(302),
        answer(100),
        answer(200, b"<html>"),
        answer(200, b"[" * 100_000),
        Lack.REFUSED,
        Lack.LONG,
    ],
)
async def test_what_another_try_would_not_help_is_tried_once(first: Answer | Lack) -> None:
    calls = Calls(first, answer())
    assert await calls.call() is None
    assert len(calls.line.calls) == 1
    assert calls.results() == {"failed": 1}


async def test_tries_are_bounded_and_each_waits_longer_than_the_last() -> None:
    calls = Calls(answer(500))
    assert await calls.call() is None
    assert len(calls.line.calls) == TARGET.attempts
    first, second = calls.pauses
    assert 0.05 <= first <= 0.1 <= second <= 0.2


async def test_an_answer_without_a_body_is_one() -> None:
    assert await Calls(answer(204, b"")).call() == Reached(None)


async def test_who_does_not_answer_is_spared() -> None:
    calls = Calls(Lack.AWAY)
    for _ in range(FAILURES):
        await calls.call()
    assert len(calls.line.calls) == FAILURES
    assert calls.results()["spared"] >= 1


async def test_who_refuses_what_is_sent_is_there() -> None:
    calls = Calls(answer(400))
    for _ in range(2 * FAILURES):
        await calls.call()
    assert len(calls.line.calls) == 2 * FAILURES
