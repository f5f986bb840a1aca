"""Everything that the servers keep, as bytes that can be searched: places, and what is there."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import asyncpg
import nats
import redis.asyncio
from nats.js.errors import NotFoundError

from tests.patience import PATIENCE_SECONDS

Kept = list[tuple[str, bytes]]

_READ: Final[Mapping[bytes, Callable[[bytes], tuple[Any, ...]]]] = {
    b"string": lambda key: ("GET", key),
    b"hash": lambda key: ("HGETALL", key),
    b"zset": lambda key: ("ZRANGE", key, 0, -1),
    b"set": lambda key: ("SMEMBERS", key),
    b"list": lambda key: ("LRANGE", key, 0, -1),
}
_GONE: Final = b"none"


async def in_redis(url: str) -> Kept:
    """Read each key of one Redis, with what it holds."""
    # Read by type: in a DUMP what is long is compressed, and what is a number is binary.
    async with redis.asyncio.Redis.from_url(url, protocol=2) as client:
        keys = [key async for key in client.scan_iter(count=10_000)]
        kinds = await _asked(client, [("TYPE", key) for key in keys])
        reads = [_READ[kind](key) for key, kind in zip(keys, kinds, strict=True) if kind != _GONE]
        values = await _asked(client, reads)
    return [
        (read[1].decode(errors="replace"), read[1] + b" " + _flat(value))
        for read, value in zip(reads, values, strict=True)
    ]


async def _asked(client: redis.asyncio.Redis, commands: Sequence[tuple[Any, ...]]) -> list[Any]:
    """Ask for the lot at once, and take each answer as it comes."""
    pipe = client.pipeline(transaction=False)
    for command in commands:
        pipe.execute_command(*command)
    return [each.encode() if isinstance(each, str) else each for each in await pipe.execute()]


def _flat(value: object) -> bytes:
    match value:
        case bytes():
            return value
        case dict():
            return b" ".join(part for item in value.items() for part in item)
        case list() | set():
            return b" ".join(value)
        case None:
            return b""
        case _:
            raise AssertionError(value)


async def in_postgres(database: asyncpg.Connection) -> Kept:
    """Read each table of one database that has rows."""
    # Bytes as far as possible as text: in hexadecimal nothing would be found.
    await database.execute("SET bytea_output = 'escape'")
    tables = await database.fetch(
        "SELECT table_name FROM information_schema.tables WHERE table_schema = 'public'"
    )
    read = " UNION ALL ".join(
        f"SELECT '{name}' AS name, string_agg(t::text, E'\\n') AS rows FROM \"{name}\" AS t"  # noqa: S608 - a name that the database gave
        for (name,) in tables
    )
    return [
        (row["name"], row["rows"].encode()) for row in await database.fetch(read) if row["rows"]
    ]


async def in_streams(url: str) -> Kept:
    """Read each message that JetStream has."""
    kept: Kept = []
    connection = await nats.connect(url)
    try:
        jetstream = connection.jetstream(timeout=PATIENCE_SECONDS)
        for stream in await jetstream.streams_info():
            name, state = str(stream.config.name), stream.state
            if not state.messages:
                continue
            for number in range(state.first_seq, state.last_seq + 1):
                try:
                    message = await jetstream.get_msg(name, number)
                except NotFoundError:
                    continue
                headers = json.dumps(message.headers or {}).encode()
                kept.append((name, (message.data or b"") + headers))
    finally:
        await connection.close()
    return kept
