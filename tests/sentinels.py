"""A Redis and its replica with three Sentinels over them, real ones, in a hurry."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from redis.exceptions import RedisError

from deploy.local.ports import LOOPBACK, free_port
from deploy.local.process import POLL_SECONDS, Process, Program
from deploy.local.server import Server, private_file
from deploy.local.valkey import ask, binary, start_valkey
from tests.patience import PATIENCE_SECONDS

NAME = "main"
"""What the Sentinels call the master."""
_PATIENCE = 20_000
"""Milliseconds without an answer after which a Sentinel takes the master for dead.

So long that a busy machine is not taken for a failure; see `Watched.is_lost`.
"""
_HURRY = 100
"""Milliseconds between two looks of a Sentinel that knows of a failure."""


@dataclass(frozen=True)
class Sentinel:
    """One Sentinel."""

    port: int
    process: Process


@dataclass(frozen=True)
class Watched:
    """A master, its replica, and the Sentinels that watch them."""

    master: Server
    replica: Server
    sentinels: tuple[Sentinel, ...]
    password: str = field(repr=False)
    """Of the two servers; the Sentinels want none."""

    @property
    def url(self) -> str:
        """What a line is opened by."""
        hosts = ",".join(f"{LOOPBACK}:{each.port}" for each in self.sentinels)
        return f"redis+sentinel://:{self.password}@{hosts}/{NAME}"

    async def is_lost(self) -> None:
        """Have one Sentinel find out soon that the master is gone.

        Its word is enough to ask the others for their votes. Two that stand for election at the
        same moment may each be left without a majority, and wait for seconds.
        """
        quick = self.sentinels[0].port
        await ask(quick, None, "SENTINEL DEBUG", "info-period", _HURRY, "ping-period", _HURRY)
        await ask(quick, None, "SENTINEL SET", NAME, "down-after-milliseconds", 3 * _HURRY)

    async def replicated(self) -> None:
        """Return when the replica has all that the master was told."""
        while not await self._alike():
            await asyncio.sleep(POLL_SECONDS)

    async def _alike(self) -> bool:
        told, heard = [
            await replication(server, self.password) for server in (self.master, self.replica)
        ]
        return told["master_repl_offset"] == heard["slave_repl_offset"]


async def replication(server: Server, password: str) -> Mapping[str, str]:
    """Return what a server says of its part in replication."""
    lines = str(await ask(server.port, password, "INFO", "replication")).splitlines()
    return dict(line.split(":", 1) for line in lines if ":" in line)


@asynccontextmanager
async def watched(folder: Path, password: str) -> AsyncIterator[Watched]:
    """Start a master, a replica that has caught up, and three Sentinels that know of all."""
    async with AsyncExitStack() as stack:
        servers = await asyncio.gather(
            *(_start_server(folder / name, password, stack) for name in ("one", "other"))
        )
        master, replica = servers
        await ask(replica.port, password, "REPLICAOF", LOOPBACK, master.port)
        ports = [free_port() for _ in range(3)]
        ids = [secrets.token_hex(20) for _ in ports]
        sentinels = []
        for number, (port, own) in enumerate(zip(ports, ids, strict=True)):
            others = {p: i for p, i in zip(ports, ids, strict=True) if p != port}
            lines = [
                f"sentinel myid {own}",
                f"sentinel monitor {NAME} {LOOPBACK} {master.port} 1",
                f"sentinel auth-pass {NAME} {password}",
                f"sentinel down-after-milliseconds {NAME} {_PATIENCE}",
                f"sentinel failover-timeout {NAME} 2000",
                # They would find each other and the replica by themselves, in seconds.
                f"sentinel known-replica {NAME} {LOOPBACK} {replica.port}",
                *(f"sentinel known-sentinel {NAME} {LOOPBACK} {p} {i}" for p, i in others.items()),
            ]
            process = await start_sentinel(folder / f"sentinel-{number}", port, lines)
            stack.push_async_callback(process.kill)
            sentinels.append(Sentinel(port, process))
        made = Watched(master, replica, tuple(sentinels), password)
        async with asyncio.timeout(PATIENCE_SECONDS):
            while (await replication(replica, password)).get("master_link_status") != "up":
                await asyncio.sleep(POLL_SECONDS)
        yield made


async def _start_server(folder: Path, password: str, stack: AsyncExitStack) -> Server:
    server = await start_valkey(
        folder, password=password, log=folder.with_suffix(".log"), durable=False
    )
    stack.push_async_callback(server.process.kill)
    await ask(server.port, password, "CONFIG SET", "masterauth", password)
    # By way of files, a replica looks once a second whether it has all.
    await ask(server.port, password, "CONFIG SET", "repl-diskless-load", "on-empty-db")
    await ask(server.port, password, "CONFIG SET", "repl-diskless-sync-delay", 0)
    return server


async def start_sentinel(
    folder: Path, port: int, lines: list[str], password: str | None = None
) -> Process:
    """Start a Sentinel at `port` with these settings; `password` is what it wants, if it does."""
    configuration = folder / "sentinel.conf"
    text = "\n".join([f"bind {LOOPBACK}", f"port {port}", f'dir "{folder}"', *lines])
    private_file(configuration, f"{text}\n")

    async def ready() -> bool:
        try:
            return await ask(port, password, "PING") == "PONG"
        except (RedisError, OSError):
            return False

    program = Program(
        name="sentinel",
        command=[binary(), configuration, "--sentinel"],
        log=folder.with_suffix(".log"),
        lock=folder / "lock",
    )
    process = Process(program, ready)
    await process.start()
    return process
