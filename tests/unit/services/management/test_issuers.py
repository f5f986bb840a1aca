"""Which issuers may be configured."""

from __future__ import annotations

import pytest

from services.management.issuers import parse_issuers


@pytest.mark.parametrize("url", ["http://localhost:1", "http://127.0.0.9:1", "http://[::1]:1/a"])
def test_loopback_is_this_machine(url: str) -> None:
    assert parse_issuers((url,), loopback=True) == (url,)
    with pytest.raises(ValueError, match="https"):
        parse_issuers((url,), loopback=False)


@pytest.mark.parametrize(
    "url",
    [
        "http://192.0.2.7",
        "http://localhost.example",
        "ftp://localhost",
        "https://",
        "https://a@b.example",
        "https://b.example/?a",
        "https://b.example/#a",
        "https://[::1",
        "b.example",
        "",
    ],
)
def test_what_is_no_issuer_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        parse_issuers((url,), loopback=True)


def test_a_password_in_a_url_is_not_repeated() -> None:
    with pytest.raises(ValueError, match="user") as refused:
        parse_issuers(("https://mary:hidden@b.example",), loopback=True)
    assert "hidden" not in str(refused.value)
