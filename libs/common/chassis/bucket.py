"""Token buckets in Redis: how often somebody may do something, counted once for all processes.

A caller takes one token from each of several buckets of a tenant, or from none. Redis's own clock
is the only clock, so processes whose clocks differ agree. What a bucket counts (an address, an
account) stands in its key hashed under a secret, and so in no dump and no log. A bucket must never
be emptied or filled by anything but the scripts here.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence
from typing import Final

import msgspec

from libs.common.chassis.direct import read_lines
from libs.common.chassis.redis_line.port import RedisLine, Reply, Script

_MICROSECONDS: Final = 1_000_000

# A bucket is one number: the microsecond in which it will be full again. Missing means full, so the
# key's own expiry ends it. All arithmetic is on whole microseconds, which doubles hold exactly.
_FULL_AT: Final = """
local clock = redis.call('TIME')
local now = clock[1] * 1000000 + clock[2]

local function full_at(key, capacity, microseconds)
  local at = tonumber(redis.call('GET', key) or now)
  -- Never beyond what an empty bucket needs: it may have been smaller, or the clock may have gone
  -- back after a failover.
  return math.max(now, math.min(at, now + capacity * microseconds))
end

local function keep(key, at)
  if at <= now then
    redis.call('DEL', key)
  else
    redis.call('SET', key, string.format('%.0f', at), 'PX', math.ceil((at - now) / 1000))
  end
end
"""

TAKE: Final = Script(
    _FULL_AT
    + """
-- Told: for each of KEYS its capacity and the microseconds in which it gains a token.
-- Answers: 1 if taken, the tightest bucket from 0, its tokens left, the epoch second in which it is
-- full again, the microseconds until it has a token for who was refused.
local asked = cmsgpack.unpack(ARGV[1])
local wanted, tightest, left, wait = {}, 1, math.huge, 0
for i, key in ipairs(KEYS) do
  local capacity, microseconds = asked[2 * i - 1], asked[2 * i]
  local at = full_at(key, capacity, microseconds) + microseconds
  local lacking = at - now - capacity * microseconds
  local remaining = math.max(0, math.floor(capacity - (at - now) / microseconds))
  wanted[i] = at
  if lacking > wait or (wait == 0 and remaining < left) then
    tightest, left, wait = i, remaining, math.max(0, lacking)
  end
end
local taken = wait == 0
if taken then
  for i, key in ipairs(KEYS) do
    keep(key, wanted[i])
  end
else
  wanted[tightest] = wanted[tightest] - asked[2 * tightest]
end
return {taken and 1 or 0, tightest - 1, left, math.ceil(wanted[tightest] / 1000000), wait}
"""
)

GIVE_BACK: Final = Script(
    _FULL_AT
    + """
-- Told: as TAKE.
local asked = cmsgpack.unpack(ARGV[1])
for i, key in ipairs(KEYS) do
  local microseconds = asked[2 * i]
  keep(key, full_at(key, asked[2 * i - 1], microseconds) - microseconds)
end
"""
)


class Bucket(msgspec.Struct, frozen=True):
    """A limit: `capacity` at once, and `refill_per_second` in the long run."""

    name: str
    """Part of the key: a word of ours, never of a caller's."""
    capacity: int
    refill_per_second: float

    def __post_init__(self) -> None:
        """Refuse a bucket that lets nobody through, or never again."""
        if self.capacity < 1 or not 0 < self.refill_per_second <= _MICROSECONDS:
            raise ValueError(f"bucket {self.name} must hold a token and be refilled")


class Tokens(msgspec.Struct, frozen=True):
    """One token of each of some buckets of one tenant, as the scripts want to be asked for it."""

    buckets: tuple[Bucket, ...]
    keys: tuple[bytes, ...]
    args: tuple[int, ...]


class Allowance(msgspec.Struct, frozen=True, gc=False):
    """What became of a wish for tokens, told of the bucket that is tightest."""

    taken: bool
    """Whether every bucket gave its token; if not, none did."""
    bucket: str
    limit: int
    remaining: int
    reset_at: int
    """The Unix second in which the bucket is full again."""
    retry_after: float
    """Seconds until the bucket has a token; 0 if it gave one."""


def tokens(secret: bytes, tenant: str, wanted: Sequence[tuple[Bucket, str]]) -> Tokens:
    """Name one token of each bucket and subject; `secret`, up to 64 bytes, hides the subjects.

    All keys share the tenant's hash slot.
    """
    prefix = f"gh:bucket:{{{tenant}}}:"
    keys, args = [], []
    for bucket, subject in wanted:
        hidden = hashlib.blake2b(subject.encode(), key=secret, digest_size=16).hexdigest()
        keys.append(f"{prefix}{bucket.name}:{hidden}".encode())
        args += [bucket.capacity, max(1, round(_MICROSECONDS / bucket.refill_per_second))]
    return Tokens(tuple(bucket for bucket, _ in wanted), tuple(keys), tuple(args))


def allowance(wanted: Tokens, reply: Reply) -> Allowance:
    """Read what TAKE answered to `wanted`."""
    said: list[int] = reply  # type: ignore[assignment]  # as the script says
    taken, tightest, left, reset_at, wait = said
    bucket = wanted.buckets[tightest]
    return Allowance(taken == 1, bucket.name, bucket.capacity, left, reset_at, wait / _MICROSECONDS)


async def take(line: RedisLine, wanted: Tokens) -> Allowance:
    """Take all of `wanted`, or nothing."""
    return allowance(wanted, await line.run(TAKE, wanted.keys, wanted.args))


async def give_back(line: RedisLine, wanted: Tokens) -> None:
    """Undo a `take`: what it was to count did not happen, as when a password was right."""
    await line.run(GIVE_BACK, wanted.keys, wanted.args)


def headers(given: Allowance) -> dict[str, str]:
    """Say it as seed 000 does: as `lines`, and on a refusal `Retry-After` in whole seconds."""
    said = read_lines(lines(given))
    if not given.taken:
        said["Retry-After"] = str(math.ceil(given.retry_after))
    return said


def lines(given: Allowance) -> str:
    """Write `X-RateLimit-*`, with the reset in epoch seconds, as an `Answer` has its headers."""
    return (
        f"X-RateLimit-Limit: {given.limit}\r\n"
        f"X-RateLimit-Remaining: {given.remaining}\r\n"
        f"X-RateLimit-Reset: {given.reset_at}\r\n"
    )
