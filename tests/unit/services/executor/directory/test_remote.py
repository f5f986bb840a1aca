"""A directory of somebody else's is asked in a signed question, and believed only in an answer."""

from __future__ import annotations

import hashlib
import hmac
import json
from uuid import UUID

import pytest
from structlog.testing import CapturingLogger

from libs.common.chassis.metrics import Metrics
from libs.common.chassis.outgoing import Answer, Lack
from libs.common.errors import Unavailable
from libs.common.secret import Secret
from services.executor.breaker import FAILURES, OPEN_SECONDS, Breaker
from services.executor.directory import remote
from services.executor.directory.contract import Checked, CheckPassword, Find, Found
from services.executor.directory.remote import MOST_BYTES, TRIES, Remote, check_remote
from services.executor.metrics import ExecutorMetrics
from tests.line import ScriptedLine

URL = "https://users.example/gatehouse"
ACCOUNT = "6f7cbd5e-4f1b-4f0e-9f0a-1f6f6c1b2a3d"
SECRETS = (Secret("new"), Secret("old"))
ASKED = Find(tenant="acme", kinds=("email",), identifier="sasha@example.com")
FOUND = Answer(200, {}, json.dumps({"account": ACCOUNT}).encode())


class Line(ScriptedLine):
    """A line to a directory, and who asks it."""

    def __init__(self, *answers: Answer | Lack) -> None:
        super().__init__(*answers)
        self.now = 0.0
        self.breaker = Breaker(lambda: self.now)
        self.metrics = Metrics("executor", "test")
        calls = ExecutorMetrics(self.metrics).directory
        self.remote = Remote(
            self, URL, SECRETS, self.breaker, calls, seconds=2, clock=lambda: 1234.9
        )

    def counted(self, result: str) -> float | None:
        labels = {"operation": "find", "result": result}
        return self.metrics.registry.get_sample_value("gatehouse_directory_calls_total", labels)


async def test_a_question_is_one_signed_post_that_says_what_is_asked() -> None:
    line = Line(FOUND)
    assert await line.remote.ask(ASKED, Found) == Found(UUID(ACCOUNT))
    [asked] = line.calls
    assert (asked.method, asked.url) == ("POST", URL)
    assert (asked.seconds, asked.most_bytes) == (2, MOST_BYTES)
    assert asked.headers["Content-Type"] == "application/json"
    assert json.loads(asked.body) == {
        "operation": "find",
        "tenant": "acme",
        "kinds": ["email"],
        "identifier": "sasha@example.com",
    }
    signatures = ",".join(
        f"v1={hmac.new(key, b'1234.' + asked.body, hashlib.sha256).hexdigest()}"
        for key in (b"new", b"old")
    )
    assert asked.headers["Gatehouse-Signature"] == f"t=1234,{signatures}"


@pytest.fixture
def logged(monkeypatch: pytest.MonkeyPatch) -> CapturingLogger:
    logger = CapturingLogger()
    monkeypatch.setattr(remote, "log", logger)
    return logger


async def test_a_password_goes_there_and_is_seen_nowhere_else(logged: CapturingLogger) -> None:
    line = Line(Answer(500, {}, b'{"password": "swordfish"}'))
    asked = CheckPassword(tenant="acme", account=ACCOUNT, password=Secret("swordfish"))
    assert "swordfish" not in repr(asked)
    with pytest.raises(Unavailable):
        await line.remote.ask(asked, Checked)
    assert json.loads(line.calls[0].body)["password"] == "swordfish"
    assert [call.kwargs for call in logged.calls] == [
        {"operation": "check_password", "reason": "it answers 500"}
    ]


@pytest.mark.parametrize("first", [Lack.AWAY, Lack.SLOW, Answer(502, {}, b"")])
async def test_what_may_pass_is_tried_again_where_it_may_be(first: Answer | Lack) -> None:
    line = Line(first, FOUND)
    assert await line.remote.ask(ASKED, Found, tries=TRIES) == Found(UUID(ACCOUNT))
    assert len(line.calls) == TRIES
    once = Line(first, FOUND)
    with pytest.raises(Unavailable):
        await once.remote.ask(ASKED, Found)
    assert len(once.calls) == 1


@pytest.mark.parametrize(
    "answer",
    [
        *(
            Lack.REFUSED,
            Lack.LONG,
            Answer(401, {}, b""),
            Answer(404, {}, b""),
            Answer(302, {}, b""),
        ),
        Answer(201, {}, FOUND.body),
    ],
)
async def test_what_will_not_pass_is_not_tried_again(answer: Answer | Lack) -> None:
    line = Line(answer)
    with pytest.raises(Unavailable):
        await line.remote.ask(ASKED, Found, tries=TRIES)
    assert len(line.calls) == 1


@pytest.mark.parametrize(
    "body",
    [
        *(b"", b"{", b"null", b"[]", b"{}", b'{"account": "sasha"}', b'{"account": 7}', b"\xff"),
        b"[" * 10_000,
    ],
)
async def test_an_answer_that_the_contract_does_not_have_is_none(
    body: bytes, logged: CapturingLogger
) -> None:
    line = Line(Answer(200, {}, body))
    with pytest.raises(Unavailable):
        await line.remote.ask(ASKED, Found, tries=TRIES)
    assert len(line.calls) == 1
    assert [call.kwargs["reason"] for call in logged.calls] == ["no Found as the contract has it"]


async def test_what_a_newer_directory_adds_is_passed_over() -> None:
    line = Line(Answer(200, {}, json.dumps({"account": None, "hint": "none"}).encode()))
    assert await line.remote.ask(ASKED, Found) == Found(None)


async def test_a_directory_that_is_away_is_spared_for_a_while() -> None:
    line = Line(Lack.AWAY)
    for _ in range(FAILURES):
        with pytest.raises(Unavailable):
            await line.remote.ask(ASKED, Found)
    with pytest.raises(Unavailable) as spared:
        await line.remote.ask(ASKED, Found)
    assert (len(line.calls), spared.value.retry_after) == (FAILURES, OPEN_SECONDS)
    line.now += OPEN_SECONDS
    line.answers = [FOUND]
    for _ in range(2):
        assert await line.remote.ask(ASKED, Found) == Found(UUID(ACCOUNT))
    counts = [line.counted(result) for result in ("answered", "failed", "spared")]
    assert counts == [2, FAILURES, 1]


@pytest.mark.parametrize(
    "url",
    [URL, "https://users.example:8443?a=b", *(f"http://{on}:80/" for on in ("localhost", "[::1]"))],
)
def test_passwords_are_sent_over_https_or_within_the_machine(url: str) -> None:
    assert check_remote(url) == url


@pytest.mark.parametrize(
    "url",
    [
        *("http://users.example/", "http://10.0.0.1/", "users.example", "ftp://users.example"),
        *("https://", "https://user@users.example/", f"{URL}#a", "http://localhost.example/", ""),
    ],
)
def test_passwords_are_sent_nowhere_else(url: str) -> None:
    with pytest.raises(ValueError, match="is https://host/path"):
        check_remote(url)
