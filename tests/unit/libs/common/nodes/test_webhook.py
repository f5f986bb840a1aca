from __future__ import annotations

import msgspec
import pytest

from libs.common.flow.calls import CallWebhook, Header, Reached, Target
from libs.common.flow.model import Json
from libs.common.flow.turn import Leave
from libs.common.nodes.calling import key_of
from libs.common.nodes.webhook import NODE, Config, run
from tests.playbook import Playbook, lowered, visit

URL = "https://hooks.example.com/sign-up?v=2"
STEP = lowered(
    NODE,
    {
        "url": URL,
        "headers": [{"name": "X-Source", "value": "gatehouse"}],
        "timeout_seconds": 1,
        "attempts": 2,
    },
)
TARGET = Target(
    url=URL, headers=(Header("X-Source", "gatehouse"),), timeout_seconds=1.0, attempts=2
)
CALL = CallWebhook(TARGET, key_of(visit()), {"flow": "login", "node": "step", "parameters": {}})


def test_it_goes_on_as_is_answered_at_its_address() -> None:
    Playbook(run(STEP, visit())).asks(CALL, answered=Reached(None)).ends(Leave("success"))


def test_no_answer_is_a_failure() -> None:
    Playbook(run(STEP, visit())).asks(CALL, answered=None).ends(Leave("failure"))


def test_nothing_is_called_where_a_parameter_is_missing() -> None:
    parameters: Json = [{"name": "a", "value": "inputs.nothing"}]
    step = lowered(NODE, {"url": URL, "parameters": parameters})
    Playbook(run(step, visit())).ends(Leave("failure"))


@pytest.mark.parametrize(
    "url",
    [
        "https://example.com",
        "https://example.com:8443/a/b?c=d&e=%20",
        "http://[::1]:8080/hook",
        "http://10.0.0.1?a",
    ],
)
def test_an_address_of_the_web_is_taken(url: str) -> None:
    assert msgspec.convert({"url": url}, Config).url == url


@pytest.mark.parametrize(
    "url",
    [
        "",
        "/hook",
        "ftp://example.com",
        "https://",
        "https://user:word@example.com/",
        "https://example.com/#part",
        "https://example.com/a b",
        "https://example.com\n",
        "https://example.com/" + 2_000 * "a",
        "https://exa\u00e4mple.com/",
    ],
)
def test_what_is_no_address_of_the_web_is_refused(url: str) -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert({"url": url}, Config)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("Host", "a"),
        ("hOST", "a"),
        ("Content-Length", "1"),
        ("Transfer-Encoding", "chunked"),
        ("Idempotency-Key", "a"),
        ("Gatehouse-Signature", "a"),
        ("X Y", "a"),
        ("X-A\n", "a"),
        ("X-A", "a\r\nHost: b"),
        ("X-A", " a"),
        ("X-A", ""),
    ],
)
def test_a_header_that_is_ours_or_would_be_read_otherwise_is_refused(name: str, value: str) -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert({"url": URL, "headers": [{"name": name, "value": value}]}, Config)


@pytest.mark.parametrize("fields", [{"timeout_seconds": 6}, {"attempts": 0}, {"attempts": 5}])
def test_tries_are_bounded(fields: dict[str, Json]) -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert({"url": URL, **fields}, Config)
