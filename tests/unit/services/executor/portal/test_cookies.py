from __future__ import annotations

import base64

import msgspec
import pytest
from aiohttp import web
from aiohttp.test_utils import make_mocked_request

from libs.common.flow.model import FlowType
from services.executor.portal.cookies import Away, InProgress, Jar

JAR = Jar(secure=True, sign_in_seconds=3600, device_seconds=86_400)
ID = "00000000-0000-4000-8000-000000000000"
AWAY = Away("/t/acme/portal", FlowType.LOGIN, "step", "state")


def sent_back(answer: web.Response) -> web.Request:
    """What a browser sends once it has had `answer`."""
    held = "; ".join(f"{each.key}={each.value}" for each in answer.cookies.values() if each.value)
    return make_mocked_request("GET", "/", headers={"Cookie": held})


def holding(name: str, value: str) -> web.Request:
    return make_mocked_request("GET", "/", headers={"Cookie": f"__Host-gatehouse.{name}={value}"})


def coded(text: str) -> str:
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


@pytest.mark.parametrize("following", [None, "/a?b=c&d=ä", "https://app.example/"])
def test_a_browser_tells_which_flow_it_is_in(following: str | None) -> None:
    answer = web.Response()
    flow = InProgress(ID, following)
    JAR.keep_flow(answer, "acme", FlowType.LOGIN, flow)
    request = sent_back(answer)
    assert JAR.flow(request, "acme", FlowType.LOGIN) == flow
    assert JAR.flow(request, "acme", FlowType.REGISTRATION) is None
    assert JAR.flow(request, "other", FlowType.LOGIN) is None
    assert ID not in repr(flow)


@pytest.mark.parametrize("value", ["", "x", f"{ID[:-1]}.", f"{ID}x.", "../../flow"])
def test_what_is_no_flow_is_none(value: str) -> None:
    assert JAR.flow(holding("flow.acme.login", value), "acme", FlowType.LOGIN) is None


@pytest.mark.parametrize("value", ["!", "_w", "a"])
def test_where_it_goes_on_is_not_known_from_what_cannot_be_read(value: str) -> None:
    request = holding("flow.acme.login", f"{ID}.{value}")
    assert JAR.flow(request, "acme", FlowType.LOGIN) == InProgress(ID, None)


def test_a_browser_tells_where_it_was_sent_away_from() -> None:
    answer = web.Response()
    JAR.keep_away(answer, AWAY)
    away = JAR.away(sent_back(answer))
    assert away == AWAY
    assert away.is_back("state")
    for other in ("", "another", "stät", "\udce4"):
        assert not away.is_back(other)


def test_a_browser_that_is_back_brings_what_it_was_given_to_its_own_flow_alone() -> None:
    answer = web.Response()
    JAR.keep_away(answer, AWAY)
    assert JAR.back(sent_back(answer), AWAY.base, AWAY.kind) is None
    back = msgspec.structs.replace(AWAY, brought={"code": "of-a-provider"})
    assert JAR.keep_away(answer, back)
    assert JAR.back(sent_back(answer), AWAY.base, AWAY.kind) == back
    assert JAR.back(sent_back(answer), AWAY.base, FlowType.REGISTRATION) is None
    assert JAR.back(sent_back(answer), "/portal", AWAY.kind) is None
    assert "of-a-provider" not in repr(back)


def test_more_than_a_browser_keeps_is_not_kept() -> None:
    answer = web.Response()
    assert not JAR.keep_away(answer, msgspec.structs.replace(AWAY, brought={"code": "c" * 3000}))
    assert not answer.cookies


@pytest.mark.parametrize(
    "value",
    [
        *("", "!", coded("{}"), coded("[]"), "a"),
        coded('["//evil.example", "login", "step", "state"]'),
        coded('["/t/acme/portal/../..", "login", "step", "state"]'),
        coded('["/portal", "party", "step", "state"]'),
    ],
)
def test_what_leads_to_no_portal_is_nowhere(value: str) -> None:
    assert JAR.away(holding("away", value)) is None


def test_an_assertion_is_held_for_as_long_as_the_sign_in_stands() -> None:
    answer = web.Response()
    JAR.keep_assertion(answer, "acme", "token")
    cookie = answer.cookies["__Host-gatehouse.assertion.acme"]
    assert (cookie["max-age"], cookie["secure"], cookie["httponly"]) == ("3600", True, True)
    found = JAR.assertion(sent_back(answer), "acme")
    assert found is not None
    assert found.reveal() == "token"
    assert JAR.assertion(sent_back(answer), "other") is None
    JAR.forget_assertion(answer, "acme")
    assert JAR.assertion(sent_back(answer), "acme") is None


def test_a_browser_keeps_the_name_that_it_was_given() -> None:
    answer = web.Response()
    device = JAR.device(make_mocked_request("GET", "/"))
    JAR.keep_device(answer, device)
    cookie = answer.cookies["__Host-gatehouse.device"]
    assert (cookie["max-age"], cookie["samesite"]) == ("86400", "Lax")
    assert cookie["secure"] is cookie["httponly"] is True
    assert JAR.device(sent_back(answer)) == device
    assert JAR.device(make_mocked_request("GET", "/")) != device


@pytest.mark.parametrize("value", ["", "Sasha", "0" * 31, "0" * 33, "g" * 32])
def test_nobody_names_a_browser_but_the_portal(value: str) -> None:
    assert JAR.device(holding("device", value)) != value


def test_browsers_have_no_name_where_an_operator_wants_none() -> None:
    jar = Jar(secure=True, sign_in_seconds=3600, device_seconds=0)
    answer = web.Response()
    assert jar.device(holding("device", "0" * 32)) == ""
    jar.keep_device(answer, "")
    assert not answer.cookies
