from __future__ import annotations

import pytest
from aiohttp.test_utils import make_mocked_request

from services.executor.portal.captchas import WIDGETS
from services.executor.portal.guard import headers, is_ours
from services.executor.portal.pages import Policy

POLICY = "Content-Security-Policy"


def sources(policy: Policy) -> dict[str, str]:
    told = headers(policy)[POLICY].split("; ")
    return dict(each.partition(" ")[::2] for each in told)


def test_a_page_loads_its_styles_and_nothing_else() -> None:
    assert sources(Policy()) == {
        "default-src": "'none'",
        "base-uri": "'none'",
        "frame-ancestors": "'none'",
        "form-action": "'self'",
        "style-src": "'self'",
        "img-src": "'self' data:",
    }


def test_what_a_page_needs_is_allowed_by_name() -> None:
    allowed = sources(Policy(images=("https://cdn.example",), scripts=("passkeys.js",)))
    assert allowed["img-src"] == "'self' data: https://cdn.example"
    assert allowed["script-src"] == "'self'"


@pytest.mark.parametrize("variant", WIDGETS)
def test_a_captcha_may_load_from_its_own_hosts(variant: str) -> None:
    allowed = sources(Policy(captcha=variant))
    for host in WIDGETS[variant].hosts:
        assert host in allowed["script-src"]
        assert host in allowed["frame-src"]
    assert "unsafe" not in headers(Policy(captcha=variant))[POLICY]


@pytest.mark.parametrize(
    ("told", "ours"),
    [
        ({"Sec-Fetch-Site": "same-origin"}, True),
        ({"Sec-Fetch-Site": "same-origin", "Origin": "null"}, True),
        ({"Sec-Fetch-Site": "same-site", "Origin": "https://id.example"}, False),
        ({"Sec-Fetch-Site": "cross-site"}, False),
        ({"Sec-Fetch-Site": "none"}, False),
        ({"Origin": "https://id.example"}, True),
        ({"Origin": "https://ID.example"}, True),
        ({"Origin": "https://evil.example"}, False),
        ({"Origin": "https://id.example.evil.example"}, False),
        ({"Origin": "null"}, False),
        ({}, None),
    ],
)
def test_a_form_is_of_the_page_that_the_browser_names(
    told: dict[str, str], ours: bool | None
) -> None:
    request = make_mocked_request("POST", "/portal/LOGIN", headers={"Host": "id.example", **told})
    assert is_ours(request) is ours
