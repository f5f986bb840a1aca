"""What the hot path may ask of Redis, whatever stands behind: one server, Sentinel or a cluster.

A call returns a future at once and makes no task. Commands issued in one tick of the loop leave in
one write. Three things can come of a future: the reply; redis-py's `ResponseError`, if Redis
refused the command; `Unavailable("redis")`, if no answer came, and then nobody knows whether the
command was carried out. It may be cancelled, or never awaited.

Nothing that waits inside Redis may go this way, since everybody else would wait behind it.
"""

from __future__ import annotations

import hashlib
from asyncio import Future
from collections.abc import Callable, Sequence
from typing import Annotated, Final, Protocol, TypeAlias, cast

import hiredis
import msgspec
from msgpack import Packer
from redis.asyncio import Redis, RedisCluster

Key: TypeAlias = bytes | str
Arg: TypeAlias = bytes | str | int
Part: TypeAlias = "bytes | str | int | float | bool | Sequence[Part]"
"""What a script may be told. In Lua, numbers are doubles, and text and bytes are one."""
Reply: TypeAlias = "bool | int | float | bytes | list[Reply] | dict[bytes, Reply] | None"
"""What a command answers. A map is a dict in RESP3 and a flat list in RESP2."""

# Its stub knows only tuples of one.
pack: Final = cast("Callable[[tuple[Arg, ...]], bytes]", hiredis.pack_command)
# In MessagePack's older way, where text and bytes are one: Redis reads no other, and msgspec writes
# only the newer.
encode: Final = cast("Callable[[Sequence[Part]], bytes]", Packer(use_bin_type=False).pack)

_END: Final = b"\r\n"


class Limits(msgspec.Struct, frozen=True):
    """How long, and how many, before a caller is told that Redis is unavailable."""

    deadline: Annotated[float, msgspec.Meta(gt=0)] = 1.0
    """Seconds from the call to the reply, connecting included; anew after a redirection."""
    waiting: Annotated[int, msgspec.Meta(ge=1)] = 4096
    """Commands that may wait for one server at a time."""


class Script:
    """A Lua script, sent by its hash, and by its text to a server that does not know it.

    All that it is told comes as one argument, which it opens with `cmsgpack.unpack(ARGV[1])`: what
    a command costs to pack grows with the number of its arguments (docs/performance.md).
    """

    __slots__ = ("_heads", "sha", "source")

    def __init__(self, source: str) -> None:
        """Take the text; every key that it touches must be among its KEYS."""
        self.source = source.encode()
        # SHA-1 is how Redis names scripts; nothing rests on it being hard to collide.
        self.sha = hashlib.sha1(self.source, usedforsecurity=False).hexdigest().encode()
        self._heads: dict[int, bytes] = {}

    def pack(self, keys: Sequence[bytes], told: bytes) -> tuple[bytes, ...]:
        """Return the command that runs it, in parts, so that what is told is not copied yet."""
        fields: list[int | bytes] = []
        for key in keys:
            fields += (len(key), key)
        fields.append(len(told))
        head = self._heads.get(len(keys)) or self._head(len(keys))
        return (head % tuple(fields), told, _END)

    def _head(self, keys: int) -> bytes:
        """Return what stands before what it is told, with a place for so many keys."""
        number = str(keys).encode()
        begin = b"*%d\r\n$7\r\nEVALSHA\r\n$%d\r\n%b\r\n$%d\r\n%b\r\n"
        begin %= (keys + 4, len(self.sha), self.sha, len(number), number)
        head = self._heads[keys] = begin + keys * b"$%d\r\n%b\r\n" + b"$%d\r\n"
        return head


class Call:
    """A script with its keys and what it is told, packed once for as often as it is run."""

    __slots__ = ("keys", "parts", "script")

    def __init__(self, script: Script, keys: Sequence[bytes], args: Sequence[Part] = ()) -> None:
        """Take one or more keys, all of one hash slot."""
        self.script = script
        self.keys = tuple(keys)
        self.parts = script.pack(keys, encode(args))


class RedisLine(Protocol):
    """The way to Redis that requests share."""

    @property
    def client(self) -> Redis | RedisCluster:
        """The redis-py client for everything off the hot path."""

    def execute(self, name: bytes, key: Key, *args: Arg) -> Future[Reply]:
        """Send one command; `ValueError` if `name` is not in `command.NAMES`."""

    def run(
        self, script: Script, keys: Sequence[bytes], args: Sequence[Part] = ()
    ) -> Future[Reply]:
        """Run `script` with one or more keys, all of one hash slot."""

    def repeat(self, call: Call) -> Future[Reply]:
        """As `run`, of what is the same each time."""

    async def aclose(self) -> None:
        """Close every connection; who still waits is told `Unavailable`."""
