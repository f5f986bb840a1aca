"""Which address a client has, and whom it is counted as.

The address decides a bucket and stands in the audit log, so only configured proxies are believed
about it.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from functools import lru_cache
from typing import Final, TypeAlias

Network: TypeAlias = ipaddress.IPv4Network | ipaddress.IPv6Network

FORWARDED: Final = "X-Forwarded-For"

_REMEMBERED: Final = 10_000
"""Addresses whose reading is kept ready."""
_IPV6_CLIENT: Final = 64
"""Bits of an IPv6 address that name a client: whoever has one address has the rest of its /64."""


class Proxies:
    """The proxies that are believed about their clients."""

    def __init__(self, networks: Sequence[str]) -> None:
        """Believe those in `networks`, CIDR or single addresses; `ValueError` for neither."""
        self._networks: tuple[Network, ...] = tuple(map(ipaddress.ip_network, networks))

    def client(self, peer: str | None, forwarded: Sequence[str]) -> str:
        """Find a client's address from the connection's and the `X-Forwarded-For` headers.

        From the right, it is the first that is no proxy of ours; what is left of it anybody may
        have written.
        """
        if not (self._networks and forwarded):
            return peer or ""
        address = _parse(peer or "")
        if address is None:
            return peer or ""
        hops = [hop.strip() for header in forwarded for hop in header.split(",")]
        while hops and any(address in network for network in self._networks):
            hop = _parse(_without_port(hops.pop()))
            if hop is None:
                break
            address = hop
        return str(address)


@lru_cache(_REMEMBERED)
def subject(address: str) -> str:
    """Name whom an address is counted as."""
    parsed = _parse(address)
    if isinstance(parsed, ipaddress.IPv6Address):
        return str(ipaddress.ip_network((parsed, _IPV6_CLIENT), strict=False))
    return address if parsed is None else str(parsed)


def _parse(address: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        parsed = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return None
    # A socket for both versions shows IPv4 clients so (RFC 4291, 2.5.5.2).
    mapped = parsed.ipv4_mapped if isinstance(parsed, ipaddress.IPv6Address) else None
    return parsed if mapped is None else mapped


def _without_port(hop: str) -> str:
    # As some proxies write them: `192.0.2.7:5555`, `[2001:db8::1]:5555`, `[2001:db8::1]`.
    if hop.startswith("["):
        return hop[1:].partition("]")[0]
    return hop.partition(":")[0] if hop.count(":") == 1 else hop
