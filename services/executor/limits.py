"""How often a client may call, and an account be guessed at; and which address a client has.

The address decides a bucket, so only configured proxies are believed about it.
"""

from __future__ import annotations

import ipaddress
from asyncio import Future
from collections.abc import Sequence
from functools import lru_cache
from typing import Final, TypeAlias

from libs.common.chassis.bucket import TAKE, Allowance, Bucket, Tokens, allowance, take, tokens
from libs.common.chassis.bucket import give_back as give_back_to
from libs.common.chassis.redis_line.port import Call, RedisLine, Reply
from libs.common.chassis.tally import Counters
from libs.common.errors import Exhausted

Network: TypeAlias = ipaddress.IPv4Network | ipaddress.IPv6Network

_REMEMBERED: Final = 10_000
"""Clients whose question to the buckets is kept ready."""
_DEPLOYMENT: Final = "*"
"""In place of a tenant; none can be called so."""
_IPV6_CLIENT: Final = 64
"""Bits of an IPv6 address that name a client: whoever has one address has the rest of its /64."""


class Requests:
    """The buckets that every request takes from: its tenant's, and its address's."""

    def __init__(
        self,
        line: RedisLine,
        secret: bytes,
        tenant: Bucket,
        address: Bucket,
        rejected: Counters,
    ) -> None:
        """`secret` keeps addresses out of Redis; count refusals in `rejected`, by bucket."""
        self._line = line
        self._rejected = rejected

        @lru_cache(_REMEMBERED)
        def asked(name: str, subject: str) -> tuple[Tokens, Call]:
            wanted = tokens(secret, name, ((tenant, ""), (address, subject)))
            return wanted, Call(TAKE, wanted.keys, wanted.args)

        self._asked = asked

    def ask(self, tenant: str, address: str) -> Admission:
        """Send for a token of each; the question leaves at the end of this tick."""
        wanted, call = self._asked(tenant, address)
        return Admission(wanted, self._line.repeat(call), self._rejected)


class Admission:
    """Whether one request may go on."""

    __slots__ = ("_rejected", "_reply", "_wanted", "given")

    def __init__(self, wanted: Tokens, reply: Future[Reply], rejected: Counters) -> None:
        """Wait for the `reply` about what was `wanted`; count in `rejected` if it is no."""
        self._rejected = rejected
        self._wanted = wanted
        self._reply = reply
        self.given: Allowance | None = None
        """What became of it, once it is known."""

    async def wait(self) -> None:
        """Return if the request may go on; raise `Exhausted` if not."""
        self.given = allowance(self._wanted, await self._reply)
        if not self.given.taken:
            self._rejected.add(self.given.bucket)
            raise Exhausted("too many requests", self.given.retry_after)


class Searches:
    """The bucket of starts that find nothing and are searched for, which each address has.

    It is the deployment's, not a tenant's: whoever makes tenants up would have one of each.
    """

    def __init__(self, line: RedisLine, secret: bytes, bucket: Bucket, rejected: Counters) -> None:
        """`secret` keeps addresses out of Redis; count refusals in `rejected`, by bucket."""
        self._line = line
        self._secret = secret
        self._bucket = bucket
        self._rejected = rejected

    async def admit(self, address: str) -> None:
        """Return if what `address` wants may be searched for; raise `Exhausted` if not."""
        wanted = tokens(self._secret, _DEPLOYMENT, ((self._bucket, subject(address)),))
        given = await take(self._line, wanted)
        if not given.taken:
            self._rejected.add(given.bucket)
            raise Exhausted("too many requests", given.retry_after)


class Guesses:
    """The bucket of wrong secrets of one kind that each identifier has.

    It is the identifier's, whether or not somebody is called so, and not the account's: that an
    e-mail address and a user name run out together would tell whose they are, and that a bucket is
    full again would tell that somebody has registered.
    """

    def __init__(self, line: RedisLine, secret: bytes, bucket: Bucket) -> None:
        """`secret` keeps identifiers out of Redis."""
        self._line = line
        self._secret = secret
        self._bucket = bucket

    async def take(self, tenant: str, account: str | None, identifier: str | None) -> bool:
        """Take one from those left, before the secret is looked at; false where none is."""
        return (await take(self._line, self._tokens(tenant, account, identifier))).taken

    async def refund(self, tenant: str, account: str | None, identifier: str | None) -> None:
        """Give back what was taken: the secret was right."""
        await give_back_to(self._line, self._tokens(tenant, account, identifier))

    def _tokens(self, tenant: str, account: str | None, identifier: str | None) -> Tokens:
        # Nothing was typed in a run whose account is known otherwise.
        subject = f"account:{account}" if identifier is None else f"identifier:{identifier}"
        return tokens(self._secret, tenant, ((self._bucket, subject),))


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
