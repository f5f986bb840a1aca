"""The operator's lists of origins."""

from __future__ import annotations

import pytest

from libs.common.chassis.config import read
from libs.common.chassis.startup import StartupFailure
from services.executor.origins import parse_origins, parse_sites_origins


@pytest.mark.parametrize(
    "origin",
    ["*", "https://app.example", "http://localhost:3000", "http://[::1]:443", "app+x://localhost"],
)
def test_an_origin_is_as_a_browser_sends_it(origin: str) -> None:
    assert parse_origins((origin,)) == (origin,)


@pytest.mark.parametrize(
    "origin",
    [
        "https://app.example/",
        "https://app.example/login",
        "https://app.example:443",
        "http://app.example:80",
        "https://App.example",
        "https://me@app.example",
        "https://*.example",
        "https://",
        "app.example",
        "null",
    ],
)
def test_an_origin_that_would_never_match_is_refused(origin: str) -> None:
    with pytest.raises(StartupFailure, match=r"^GATEHOUSE_ALLOWED_ORIGINS is a list of scheme://"):
        read("allowed_origins", parse_origins, ("https://app.example", origin))


@pytest.mark.parametrize(
    "origin",
    [
        "*",
        "app.example",
        "https://app.example/",
        "https://App.example",
        "https://app.example:443",
        "javascript://app",
        "",
    ],
)
def test_what_is_no_origin_of_a_web_site_is_refused(origin: str) -> None:
    with pytest.raises(ValueError, match="is a list of http"):
        parse_sites_origins((origin,))
