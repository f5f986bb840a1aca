"""Which addresses a call may go to whose address somebody else chose.

A tenant's URL must not reach what only this deployment reaches: its neighbours, its own loopback,
a cloud's metadata. So only addresses of the public internet count as outside, whatever form an
IPv4 address is wrapped in, and what an operator names besides.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from typing import Final

from libs.common.chassis.proxies import Network

_Address = ipaddress.IPv4Address | ipaddress.IPv6Address

# Written out, since what `ipaddress` calls global changed between patch releases.
_NOT_PUBLIC_IPV4: Final = tuple(
    ipaddress.IPv4Network(network)
    for network in (
        # The IANA special-purpose registry (RFC 6890), and multicast (RFC 5771).
        "0.0.0.0/8",
        "10.0.0.0/8",
        "100.64.0.0/10",
        "127.0.0.0/8",
        "169.254.0.0/16",
        "172.16.0.0/12",
        "192.0.0.0/24",
        "192.0.2.0/24",
        "192.31.196.0/24",
        "192.52.193.0/24",
        "192.88.99.0/24",
        "192.168.0.0/16",
        "192.175.48.0/24",
        "198.18.0.0/15",
        "198.51.100.0/24",
        "203.0.113.0/24",
        "224.0.0.0/4",
        "240.0.0.0/4",
        # Public by its number, and yet what Azure shows to its own machines alone.
        "168.63.129.16/32",
    )
)
_PUBLIC_IPV6: Final = ipaddress.IPv6Network("2000::/3")
"""All that was ever given out (RFC 4291, 2.4): loopback, link-local and the like are not in it."""
_NOT_PUBLIC_IPV6: Final = tuple(
    ipaddress.IPv6Network(network)
    for network in (
        # Protocol assignments, with Teredo (RFC 4380), whose relays unwrap IPv4 addresses.
        "2001::/23",
        "2001:db8::/32",
        # 6to4 (RFC 3056): as Teredo.
        "2002::/16",
        "2620:4f:8000::/48",
        "3fff::/20",
    )
)
_NAT64: Final = ipaddress.IPv6Network("64:ff9b::/96")
"""Behind it, a gateway makes an IPv4 address of the last four bytes (RFC 6052, 2.1)."""


class Networks:
    """The networks that an operator names."""

    def __init__(self, networks: Sequence[str]) -> None:
        """Take CIDR or single addresses; raise `ValueError` for neither."""
        self._networks: tuple[Network, ...] = tuple(map(ipaddress.ip_network, networks))

    def has(self, address: str) -> bool:
        """Tell whether `address` is in one of them, in whatever form it is written."""
        parsed = _parse(address)
        return parsed is not None and any(parsed in network for network in self._networks)


def is_public(address: str) -> bool:
    """Tell whether `address` is one of the public internet; no address is not."""
    match _parse(address):
        case None:
            return False
        case ipaddress.IPv4Address() as version_4:
            return not any(version_4 in network for network in _NOT_PUBLIC_IPV4)
        case version_6:
            return version_6 in _PUBLIC_IPV6 and not any(
                version_6 in network for network in _NOT_PUBLIC_IPV6
            )


def _parse(address: str) -> _Address | None:
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return None
    if isinstance(parsed, ipaddress.IPv4Address):
        return parsed
    if parsed in _NAT64:
        return ipaddress.IPv4Address(parsed.packed[-4:])
    return parsed.ipv4_mapped or parsed
