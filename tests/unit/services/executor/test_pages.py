from __future__ import annotations

import pytest

from libs.common.errors import Unavailable
from libs.common.wire.tenants import TenantSettings
from services.executor.origins import parse_sites_origins
from services.executor.pages import LONGEST, Pages

OWN = ("https://own.example", "http://localhost:3000", "capacitor://localhost")


async def settings_of(tenant: str) -> TenantSettings:
    if tenant == "away":
        raise Unavailable("postgres")
    return TenantSettings(OWN) if tenant == "acme" else TenantSettings()


@pytest.mark.parametrize(
    ("url", "allowed"),
    [
        ("/there", True),
        ("https://app.example/there?so=1", True),
        ("//app.example/there", False),
        ("https://app.example.evil.example/", False),
        ("https://app.example@evil.example/", False),
        ("/" + "x" * LONGEST, False),
    ],
)
async def test_people_are_sent_to_paths_and_named_origins_alone(url: str, allowed: bool) -> None:
    assert await Pages(("https://app.example",), settings_of).allow("default", url) is allowed


@pytest.mark.parametrize(
    ("tenant", "url", "allowed"),
    [
        ("acme", "https://own.example", True),
        ("acme", "https://own.example/there", True),
        ("acme", "http://localhost:3000?a=b", True),
        ("acme", "https://own.example.evil.example/", False),
        ("acme", "https://own.example:8443/", False),
        ("acme", "https://ownXexample/", False),
        ("acme", "https://own.example/a\\b", False),
        # Its pages may call, and nobody is sent into an app.
        ("acme", "capacitor://localhost/there", False),
        ("globex", "https://own.example/there", False),
    ],
)
async def test_a_tenants_own_pages_are_for_its_own_users(
    tenant: str, url: str, allowed: bool
) -> None:
    assert await Pages((), settings_of).allow(tenant, url) is allowed


async def test_nobody_is_sent_where_nobody_can_say_whether_they_may_be() -> None:
    pages = Pages(("https://app.example",), settings_of)
    assert await pages.allow("away", "/there")
    assert await pages.allow("away", "https://app.example/there")
    with pytest.raises(Unavailable):
        await pages.allow("away", "https://own.example/there")


@pytest.mark.parametrize(
    "origin", ["https://app.example", "http://localhost:3000", "https://[::1]:8443"]
)
async def test_an_origin_of_pages_is_a_site(origin: str) -> None:
    pages = Pages(parse_sites_origins((origin,)), settings_of)
    assert await pages.allow("default", f"{origin}/there")
    assert not await pages.allow("default", "https://elsewhere.example/there")
