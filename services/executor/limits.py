"""How often a client may call, and an account be guessed at."""

from __future__ import annotations

from asyncio import Future
from functools import lru_cache
from typing import Final

import msgspec

from libs.common.chassis.bucket import TAKE, Allowance, Bucket, Tokens, allowance, take, tokens
from libs.common.chassis.bucket import give_back as give_back_to
from libs.common.chassis.proxies import subject
from libs.common.chassis.redis_line.port import Call, RedisLine, Reply
from libs.common.chassis.tally import Counters
from libs.common.errors import Exhausted

_REMEMBERED: Final = 10_000
"""Clients whose question to the buckets is kept ready."""
_DEPLOYMENT: Final = "*"
"""In place of a tenant; none can be called so."""


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
        def asked(name: str, client: str) -> tuple[Tokens, Call]:
            wanted = tokens(secret, name, ((tenant, ""), (address, subject(client))))
            return wanted, Call(TAKE, wanted.keys, wanted.args)

        self._asked = asked

    def ask(self, tenant: str, address: str) -> Admission:
        """Send for a token of each; the question leaves at the end of this tick."""
        wanted, call = self._asked(tenant, address)
        return Admission(wanted, self._line.repeat(call), self._rejected)


class Admission(msgspec.Struct):
    """Whether one request may go on."""

    wanted: Tokens
    reply: Future[Reply]
    """About what was `wanted`."""
    rejected: Counters
    """Where a no is counted."""
    given: Allowance | None = None
    """What became of it, once it is known."""

    async def wait(self) -> None:
        """Return if the request may go on; raise `Exhausted` if not."""
        self.given = given = allowance(self.wanted, await self.reply)
        if not given.taken:
            self.rejected.add(given.bucket)
            raise Exhausted("too many requests", given.retry_after)


class Addresses:
    """A bucket that each address has.

    It is the deployment's, not a tenant's: whoever makes tenants up would have one of each.
    """

    def __init__(self, line: RedisLine, secret: bytes, bucket: Bucket, rejected: Counters) -> None:
        """`secret` keeps addresses out of Redis; count refusals in `rejected`, by bucket."""
        self._line = line
        self._secret = secret
        self._bucket = bucket
        self._rejected = rejected

    async def admit(self, address: str) -> None:
        """Return if `address` may have what it wants; raise `Exhausted` if not."""
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
