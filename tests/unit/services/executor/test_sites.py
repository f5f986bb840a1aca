from __future__ import annotations

import pytest

from libs.common.chassis.startup import StartupFailure
from services.executor.sites import parse_sites


@pytest.mark.parametrize(
    ("sites", "origins"),
    [
        (("Acme.example",), ()),
        (("192.0.2.7",), ()),
        (("a=acme.example", "a=other.example"), ()),
        ((), ("https://acme.example/",)),
        ((), ("https://acme.example:443",)),
        ((), ("https://acme.example",)),
        (("acme.example",), ("https://evilacme.example",)),
    ],
)
def test_a_site_that_no_browser_would_take_is_refused_at_the_start(
    sites: tuple[str, ...], origins: tuple[str, ...]
) -> None:
    with pytest.raises(StartupFailure):
        parse_sites("http://localhost:8090", sites, origins)


@pytest.mark.parametrize(
    ("issuer", "site", "origins"),
    [
        ("https://id.example.com/path", "id.example.com", ("https://id.example.com",)),
        ("http://127.0.0.1:8090", "localhost", ("http://localhost:8090",)),
        ("http://[::1]:8090", "localhost", ("http://localhost:8090",)),
        ("https://192.0.2.7", "192.0.2.7", ("https://192.0.2.7",)),
    ],
)
def test_the_issuer_says_where_passkeys_are_good(
    issuer: str, site: str, origins: tuple[str, ...]
) -> None:
    found = parse_sites(issuer, (), ()).of("acme")
    assert (found.id, found.origins) == (site, origins)


def test_a_tenant_that_is_not_named_has_the_site_of_all() -> None:
    sites = parse_sites(
        "http://localhost", ("example.com", "acme=acme.example"), ("https://app.example.com",)
    )
    assert sites.of("beta").origins == ("https://app.example.com",)
    assert sites.of("acme").origins == ("https://acme.example",)
