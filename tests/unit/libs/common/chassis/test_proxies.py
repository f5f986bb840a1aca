from __future__ import annotations

import pytest

from libs.common.chassis.proxies import Proxies, subject


@pytest.mark.parametrize(
    ("trusted", "forwarded", "client"),
    [
        ((), ("192.0.2.7",), "10.0.0.1"),
        (("10.0.0.0/8",), (), "10.0.0.1"),
        (("10.0.0.0/8",), ("192.0.2.7",), "192.0.2.7"),
        (("10.0.0.0/8",), ("6.6.6.6, 192.0.2.7",), "192.0.2.7"),
        (("10.0.0.0/8",), ("6.6.6.6", "192.0.2.7, 10.0.0.9"), "192.0.2.7"),
        (("10.0.0.0/8",), ("10.0.0.8, 10.0.0.9",), "10.0.0.8"),
        (("10.0.0.0/8",), ("192.0.2.7, nonsense",), "10.0.0.1"),
        (("10.0.0.1",), ("2001:db8::1",), "2001:db8::1"),
        (("10.0.0.0/8",), ("192.0.2.7:5555, 10.0.0.9:443",), "192.0.2.7"),
        (("10.0.0.0/8",), ("[2001:db8::1]:5555",), "2001:db8::1"),
        (("10.0.0.0/8",), ("[2001:db8::1]",), "2001:db8::1"),
        (("10.0.0.0/8",), ("192.0.2.7, ::ffff:10.0.0.9",), "192.0.2.7"),
        (("10.0.0.0/8",), ("192.0.2.7%\udcff",), "192.0.2.7"),
        (("10.0.0.0/8",), ("192.0.2.7, [nonsense]:1",), "10.0.0.1"),
    ],
)
def test_only_configured_proxies_are_believed(
    trusted: tuple[str, ...], forwarded: tuple[str, ...], client: str
) -> None:
    assert Proxies(trusted).client("10.0.0.1", forwarded) == client


def test_a_proxy_is_believed_however_its_address_is_written() -> None:
    assert Proxies(("10.0.0.0/8",)).client("::ffff:10.0.0.1", ("192.0.2.7",)) == "192.0.2.7"


@pytest.mark.parametrize("peer", [None, "", "unix:"])
def test_who_has_no_address_is_no_proxy(peer: str | None) -> None:
    assert Proxies(("0.0.0.0/0",)).client(peer, ("192.0.2.7",)) == (peer or "")


def test_a_network_that_is_none_is_refused() -> None:
    with pytest.raises(ValueError, match="nonsense"):
        Proxies(("nonsense",))


@pytest.mark.parametrize(
    ("address", "counted_as"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2:ffff::", "2001:db8:1:2::/64"),
        ("", ""),
    ],
)
def test_a_client_is_counted_as_what_it_cannot_change(address: str, counted_as: str) -> None:
    assert subject(address) == counted_as
