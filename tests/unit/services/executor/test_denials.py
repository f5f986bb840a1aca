from __future__ import annotations

import json

import pytest

from libs.common.errors import Denied, Invalid, Unauthenticated
from libs.common.flow.model import DeniedAction, FlowType
from libs.common.wire.tenants import TenantSettings
from services.executor.denials import Denial, Denials
from services.executor.pages import Pages

ACMES = "https://acme.example"


async def settings_of(tenant: str) -> TenantSettings:
    return TenantSettings((ACMES,)) if tenant == "acme" else TenantSettings()


PAGES = Pages(("https://app.example", "https://other.example:8443"), settings_of)
DENIALS = Denials(PAGES, "/home")
KNOWN, UNKNOWN = False, True


@pytest.mark.parametrize(
    "next",
    [
        "/",
        "/back?to=https://anywhere.example#there",
        "/%2F%2Fevil.example",
        "https://app.example",
        "https://app.example/back",
        "https://app.example?a=b@c",
        "https://app.example#part",
        "https://other.example:8443/",
        "/" + "x" * 1_999,
    ],
)
async def test_a_page_of_the_site_or_of_an_allowed_origin_may_be_next(next: str) -> None:  # noqa: A002
    await DENIALS.check("default", next)


@pytest.mark.parametrize(
    "next",
    [
        "",
        "home",
        "//evil.example",
        "///evil.example",
        "/\\evil.example",
        "\\\\evil.example",
        "/a\\..\\b",
        "/\t/evil.example",
        "/\n/evil.example",
        "/home\n",
        "/home\r\nSet-Cookie: a=b",
        " /home",
        "\x00/home",
        "/home\x85",
        "https:evil.example",
        "https:/evil.example",
        "https://evil.example",
        "https://app.example.evil.example/",
        "https://app.example@evil.example/",
        "https://app.example:443@evil.example/",
        "https://user@app.example/",
        "https://app.example\\@evil.example/",
        "https://app.example\n.evil.example",
        "https://app.example:8443/",
        "https://other.example/",
        "https://other.example:84430/",
        "HTTPS://app.example/",
        "http://app.example/",
        "%2F%2Fevil.example",
        "https%3A%2F%2Fapp.example",
        "javascript:alert(1)",
        "JavaScript://app.example/%0aalert(1)",
        "data:text/html,hello",
        "?next=/",
        "#part",
        "/" + "x" * 2_000,
    ],
)
async def test_what_could_lead_elsewhere_is_refused(next: str) -> None:  # noqa: A002
    with pytest.raises(Invalid) as refused:
        await DENIALS.check("default", next)
    (problem,) = refused.value.problems
    assert (problem.code, problem.path) == ("unsafe_next", "next")


async def test_nothing_but_paths_is_allowed_where_no_origin_is_named() -> None:
    alone = Denials(Pages((), settings_of), "/")
    await alone.check("default", "/home")
    await alone.check("default", None)
    with pytest.raises(Invalid):
        await alone.check("default", "https://app.example/")


async def test_a_tenants_own_pages_may_be_next_for_it_alone() -> None:
    await DENIALS.check("acme", f"{ACMES}/back")
    for tenant, url in (("globex", ACMES), ("acme", f"{ACMES}.evil.example/")):
        with pytest.raises(Invalid):
            await DENIALS.check(tenant, url)


@pytest.mark.parametrize(
    ("action", "next", "url"),
    [
        ("message_continue", "/back", "/back"),
        ("continue", "/back", "/back"),
        ("continue", None, "/home"),
    ],
)
def test_who_is_denied_may_be_sent_on(
    action: DeniedAction,
    next: str | None,  # noqa: A002
    url: str,
) -> None:
    for unknown in (KNOWN, UNKNOWN):
        answer = json.loads(DENIALS.answer(FlowType.LOGIN, Denial(action, unknown), next))
        assert answer == {
            "flowType": "LOGIN",
            "flowStatus": "ERROR",
            "type": "REDIRECTION",
            "data": {"url": url, "redirectURL": url},
        }


@pytest.mark.parametrize(
    ("action", "next"), [("message_continue", None), ("message", None), ("message", "/back")]
)
def test_who_is_denied_may_be_told(action: DeniedAction, next: str | None) -> None:  # noqa: A002
    with pytest.raises(Denied):
        DENIALS.answer(FlowType.LOGIN, Denial(action, KNOWN), next)
    with pytest.raises(Unauthenticated):
        DENIALS.answer(FlowType.LOGIN, Denial(action, UNKNOWN), next)
