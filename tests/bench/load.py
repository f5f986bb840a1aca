"""Puts load on a server: many keep-alive connections, one request at a time on each."""

from __future__ import annotations

import asyncio
import functools
import os
import time
from asyncio import Future, Transport
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from deploy.local.ports import LOOPBACK
from tests.bench.case import Target, Traffic

CONNECTIONS = 64
_END = b"\r\n\r\n"
_LENGTH = b"content-length:"


@dataclass(frozen=True)
class Sample:
    """What one stretch of load came to."""

    requests_per_second: float
    cpu_microseconds: float
    """Of the server's process, for each request."""
    redis_microseconds: float
    """Of Redis's, for each request."""

    @property
    def of_its_core(self) -> float:
        """How much of its core's time the server had: near 1 if the load kept it busy, alone."""
        return self.requests_per_second * self.cpu_microseconds / 1_000_000


def request(path: str, body: bytes) -> bytes:
    """Write a POST of JSON as a client would."""
    head = (
        f"POST {path} HTTP/1.1\r\nHost: {LOOPBACK}\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


class Connection(asyncio.Protocol):
    """Asks, and asks again when it is answered, until the time is over."""

    def __init__(self, traffic: Traffic, until: float, done: Future[int]) -> None:
        """`done` gets the number of answers; `until` is of the monotonic clock."""
        self._traffic = traffic
        self._until = until
        self._done = done
        self._answers = 0
        self._read = b""
        self._transport: Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Ask for the first time."""
        self._transport = cast("Transport", transport)
        self._transport.write(self._traffic.request())

    def data_received(self, data: bytes) -> None:
        """Take the answer once it is whole."""
        self._read = read = self._read + data if self._read else data
        end = read.find(_END)
        if end < 0:
            return
        head = read[:end].lower()
        start = head.index(_LENGTH) + len(_LENGTH)
        stop = head.find(b"\r", start)
        body = end + len(_END)
        if len(read) < body + int(head[start : stop if stop >= 0 else None]):
            return
        self._read = b""
        try:
            self._traffic.answered(int(head[9:12]), read[body:])
        except Exception as error:  # noqa: BLE001 - whatever it is, the run is void and says why
            self._done.set_exception(error)
            self._transport.abort()
            return
        self._answers += 1
        if time.monotonic() < self._until:
            self._transport.write(self._traffic.request())
        else:
            self._transport.close()
            self._done.set_result(self._answers)

    def connection_lost(self, exc: Exception | None) -> None:
        """Say so if it was not our doing."""
        if not self._done.done():
            self._done.set_exception(exc or ConnectionError("the server closed the connection"))


async def load(
    target: Target, redis: int, traffic: Callable[[], Traffic], seconds: float
) -> Sample:
    """Load `target`, which uses the process `redis`, for `seconds`.

    Raises what went wrong if an answer was not as it should be.
    """
    loop = asyncio.get_running_loop()
    used, used_by_redis, began = _cpu_seconds(target.pid), _cpu_seconds(redis), time.monotonic()
    answers: list[Future[int]] = [loop.create_future() for _ in range(CONNECTIONS)]
    for done in answers:
        make = functools.partial(Connection, traffic(), began + seconds, done)
        await loop.create_connection(make, LOOPBACK, target.port)
    total = sum(await asyncio.gather(*answers))
    return Sample(
        requests_per_second=total / (time.monotonic() - began),
        cpu_microseconds=(_cpu_seconds(target.pid) - used) / total * 1_000_000,
        redis_microseconds=(_cpu_seconds(redis) - used_by_redis) / total * 1_000_000,
    )


def _cpu_seconds(pid: int) -> float:
    """Read how long a process has computed; proc(5), fields 14 and 15."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
