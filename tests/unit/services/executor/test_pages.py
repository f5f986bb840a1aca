from __future__ import annotations

import pytest

from services.executor.pages import LONGEST, Pages, parse_pages


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
def test_people_are_sent_to_paths_and_named_origins_alone(url: str, allowed: bool) -> None:
    assert Pages(("https://app.example",)).allow(url) is allowed


@pytest.mark.parametrize(
    "origin", ["https://app.example", "http://localhost:3000", "https://[::1]:8443"]
)
def test_an_origin_of_pages_is_a_site(origin: str) -> None:
    pages = parse_pages((origin,))
    assert pages.allow(f"{origin}/there")
    assert not pages.allow("https://elsewhere.example/there")


@pytest.mark.parametrize(
    "origin",
    ["*", "app.example", "https://app.example/", "https://App.example", "javascript://app", ""],
)
def test_what_is_no_site_is_no_origin_of_pages(origin: str) -> None:
    with pytest.raises(ValueError, match="is a list of http"):
        parse_pages((origin,))
