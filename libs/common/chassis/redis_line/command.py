"""One command on its way: its bytes, who waits for its answer, and until when."""

from __future__ import annotations

from asyncio import Future
from collections.abc import Sequence
from typing import Final

import msgspec
from redis.exceptions import (
    AskError,
    BusyLoadingError,
    ClusterDownError,
    MasterDownError,
    MovedError,
    NoScriptError,
    ReadOnlyError,
    RedisError,
    ResponseError,
    TryAgainError,
)

from libs.common.chassis.redis_line.port import Key, Reply, Script, pack
from libs.common.errors import Unavailable

NAMES: Final = frozenset(
    b"GET SET DEL EXISTS GETDEL GETEX MGET INCR INCRBY DECR EXPIRE PEXPIRE PERSIST TTL PTTL TYPE "
    b"HGET HSET HDEL HMGET HGETALL SADD SREM SISMEMBER SMEMBERS SCARD ZADD ZREM ZRANGE ZSCORE "
    b"ZCARD LPUSH RPUSH LPOP RPOP LLEN LRANGE".split()
)
"""What may go by the line: it answers at once, and its first argument is a key."""


class NoReplicasError(ResponseError):
    """The server writes nothing while too few replicas hear it (`min-replicas-to-write`)."""


_REFUSALS: Final[dict[str, type[RedisError]]] = {
    "ASK": AskError,
    "CLUSTERDOWN": ClusterDownError,
    "LOADING": BusyLoadingError,
    "MASTERDOWN": MasterDownError,
    "MOVED": MovedError,
    "NOREPLICAS": NoReplicasError,
    "NOSCRIPT": NoScriptError,
    "READONLY": ReadOnlyError,
    "TRYAGAIN": TryAgainError,
}


def refusal(text: str) -> RedisError:
    """Give an error reply its type, in redis-py's words; `ResponseError` for most."""
    code, _, rest = text.partition(" ")
    kind = _REFUSALS.get(code)
    return ResponseError(text) if kind is None else kind(rest)


class Command(msgspec.Struct, eq=False, gc=False):
    """One command, from the call until its future is settled; several are made for each request."""

    answer: Future[Reply]
    key: Key
    """The one that says which server it is for."""
    parts: tuple[bytes, ...]
    """Its bytes. Of a script, the second are what it is told."""
    script: Script | None = None
    keys: Sequence[bytes] = ()
    """A script's."""
    redirects: int = 0
    until: float = 0.0
    """Of the loop's clock: told anew by each server that it is sent to, or a late command would
    make the next one look hung."""

    def spell_out(self, script: Script) -> None:
        """Send the text of `script` next time, which teaches it to the server."""
        told = self.parts[1]
        self.parts = (pack((b"EVAL", script.source, len(self.keys), *self.keys, told)),)
        self.script = None

    def fail(self, error: Exception) -> None:
        """Tell whoever waits; nobody may."""
        if not self.answer.done():
            self.answer.set_exception(error)
            # Looking at it counts as retrieving it: a caller who gave up after the first of two
            # failures would otherwise have the second logged as forgotten.
            self.answer.exception()

    def unavailable(self, retry_after: float = 1.0) -> None:
        """Tell whoever waits that no answer will come."""
        self.fail(Unavailable("redis", retry_after))
