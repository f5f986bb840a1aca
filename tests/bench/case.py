"""What is measured: a server, and what one connection says to it.

A further case is a further `Case` in `__main__.CASES`. One whose requests depend on the answers (a
continue needs the flowId of a start) keeps that in its `Traffic`, of which each connection has its
own.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from deploy.local.server import Server


class Traffic(Protocol):
    """One connection's conversation."""

    def request(self) -> bytes:
        """Give the next HTTP request, whole."""

    def answered(self, status: int, body: bytes) -> None:
        """Take the answer to it; raise if it is not the one that belongs there."""


@dataclass(frozen=True)
class Bench:
    """What the cases of one run share."""

    folder: Path
    """For logs and data."""
    redis: Server
    postgres_dsn: str
    """Of a database with the newest schema."""
    nats: Server
    server_core: int
    """Where the server under test, and nothing else, runs."""


@dataclass(frozen=True)
class Target:
    """A server under test, in one process."""

    port: int
    pid: int


@dataclass(frozen=True)
class Case:
    """One row of the table."""

    name: str
    start: Callable[[Bench], AbstractAsyncContextManager[Target]]
    """Runs the server, on the server's core, for as long as the context lasts."""
    traffic: Callable[[], Traffic]
