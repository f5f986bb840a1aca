"""Starts the whole of Gatehouse on this machine, and stops it in good order.

Everything it keeps is in one folder: `data/`, `secrets/`, `logs/`, and while it runs `stack.json`.
It never shares that folder with another stack, and never leaves a part running.
"""

import asyncio
import fcntl
import os
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

import msgspec

from deploy.local.keys import Keys, load_keys
from deploy.local.mail import start_mail
from deploy.local.migrate import database_dsn, migrate
from deploy.local.nats import start_nats
from deploy.local.ports import LOOPBACK, free_port
from deploy.local.postgres import start_postgres
from deploy.local.process import Failed, Process
from deploy.local.server import Server, private_file
from deploy.local.services import (
    SERVICES,
    Surroundings,
    admin_token,
    environment,
    service_process,
)
from deploy.local.valkey import start_valkey

DATABASE = "gatehouse"
PORTS: Mapping[str, int] = {
    "postgres": 5432,
    "redis": 6379,
    "nats": 4222,
    "mail": 1025,
    "management": 8080,
    "compiler": 8070,
    "executor": 8090,
}
"""Taken if they are free."""

SERVERS = ("postgres", "redis", "nats", "mail")
"""Stopped last, from the right to the left."""

Say = Callable[[str], None]
T = TypeVar("T")


class Facts(msgspec.Struct, frozen=True):
    """What `stack.json` tells those who want to use the stack."""

    management_url: str
    compiler_url: str
    executor_url: str
    executor_urls: tuple[str, ...]
    postgres_dsn: str
    redis_url: str
    nats_url: str
    mail_folder: str
    """Where each mail becomes a file."""
    admin_token: str
    pids: dict[str, int]

    def __repr__(self) -> str:
        return f"Facts(management_url={self.management_url!r}, executor_url={self.executor_url!r})"


@dataclass(frozen=True)
class Stack:
    facts: Facts
    parts: Mapping[str, Process]
    """By name, as in `Facts.pids`; each can be killed and started again on its own."""
    settings: Mapping[str, Mapping[str, str]] = field(repr=False)
    """What each service has been told, by its name; holds secrets."""

    async def serves(self, work: Coroutine[None, None, T]) -> T:
        """Return what `work` does; raises Failed if a part ends meanwhile that nobody stopped."""
        working = asyncio.ensure_future(work)
        watching = asyncio.ensure_future(self.one_dies())
        try:
            await asyncio.wait((working, watching), return_when=asyncio.FIRST_COMPLETED)
            if watching.done():
                raise watching.result()
            return working.result()
        finally:
            working.cancel()
            watching.cancel()
            await asyncio.gather(working, watching, return_exceptions=True)

    async def one_dies(self) -> Failed:
        """Return when a part has ended that nobody stopped, and say which."""
        while True:
            for part in self.parts.values():
                if (failed := part.died()) is not None:
                    return failed
            await asyncio.sleep(0.2)


@asynccontextmanager
async def local_stack(
    folder: Path,
    *,
    executors: int = 1,
    ports: Mapping[str, int] = PORTS,
    durable: bool = True,
    say: Say = print,
) -> AsyncIterator[Stack]:
    """Start a stack over `folder`, and stop it at the end; raises Failed.

    `ports` are wishes. `durable` is whether its data survives a power cut.
    """
    with only_one(folder):
        parts: dict[str, Process] = {}
        facts_file = folder / "stack.json"
        try:
            facts_file.unlink(missing_ok=True)
            stack = await start(folder, parts, executors, ports, durable=durable, say=say)
            half_written = folder / "stack.json.new"
            facts = msgspec.json.format(msgspec.json.encode(stack.facts))
            private_file(half_written, facts.decode())
            half_written.rename(facts_file)
            yield stack
        finally:
            facts_file.unlink(missing_ok=True)
            await stop(parts, say)


@contextmanager
def only_one(folder: Path) -> Iterator[None]:
    """Hold `folder` for this process; raises Failed if another has it."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    with (folder / "lock").open("a+") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.seek(0)
            raise Failed(
                f"another stack runs in {folder}, as process {lock.read()}; stop that one first"
            ) from None
        lock.truncate(0)
        lock.write(str(os.getpid()))
        lock.flush()
        yield


async def start(
    folder: Path,
    parts: dict[str, Process],
    executors: int,
    ports: Mapping[str, int],
    *,
    durable: bool,
    say: Say,
) -> Stack:
    """Start every part, entering it in `parts` as soon as it is there to be stopped."""
    logs = folder / "logs"
    logs.mkdir(exist_ok=True)
    for log in logs.glob("*.log"):
        log.unlink()
    keys = load_keys(folder / "secrets")
    servers = await start_servers(folder, parts, ports, keys, durable, say)
    postgres, valkey, nats, mail = servers
    dsn = database_dsn(postgres.url, DATABASE)
    await timed("schema", migrate(dsn, log=logs / "dbmate.log"), say, lambda _: "up to date")

    at = {name: free_port(ports[name]) for name in SERVICES}
    for number in range(2, executors + 1):
        wished = at["executor"] + number - 1
        at[f"executor-{number}"] = free_port(None if wished in at.values() else wished)
    around = Surroundings(dsn, valkey.url, nats.url, mail.url, url(at["executor"]), keys)
    settings = {name: environment(service_of(name), port, around) for name, port in at.items()}

    async def serve(name: str, port: int) -> None:
        process = service_process(name, service_of(name), port, settings[name], logs=logs)
        await timed(name, process.start(), say, lambda _: f"ready on {port}")
        parts[name] = process

    await together(*(serve(name, port) for name, port in at.items()))
    facts = Facts(
        management_url=url(at["management"]),
        compiler_url=url(at["compiler"]),
        executor_url=url(at["executor"]),
        executor_urls=tuple(url(at[name]) for name in at if service_of(name) == "executor"),
        postgres_dsn=dsn,
        redis_url=valkey.url,
        nats_url=nats.url,
        mail_folder=str(folder / "mail"),
        admin_token=admin_token(settings["management"]),
        pids={name: process.pid for name, process in parts.items()},
    )
    return Stack(facts, parts, settings)


def service_of(name: str) -> str:
    """Return what the part `name` is a copy of: `executor-2` is an executor."""
    return name.partition("-")[0]


async def start_servers(
    folder: Path,
    parts: dict[str, Process],
    ports: Mapping[str, int],
    keys: Keys,
    durable: bool,
    say: Say,
) -> list[Server]:
    data, logs = folder / "data", folder / "logs"
    data.mkdir(mode=0o700, exist_ok=True)
    starts: Mapping[str, Coroutine[None, None, Server]] = {
        "postgres": start_postgres(
            data / "postgres",
            password=keys.postgres_password,
            log=logs / "postgres.log",
            port=ports["postgres"],
            durable=durable,
        ),
        "redis": start_valkey(
            data / "redis",
            password=keys.redis_password,
            log=logs / "redis.log",
            port=ports["redis"],
            durable=durable,
        ),
        "nats": start_nats(
            data / "nats", password=keys.nats_password, log=logs / "nats.log", port=ports["nats"]
        ),
        "mail": start_mail(folder / "mail", log=logs / "mail.log", port=ports["mail"]),
    }

    async def serve(name: str) -> Server:
        server = await timed(name, starts[name], say, lambda server: f"ready on {server.port}")
        parts[name] = server.process
        return server

    return await together(*(serve(name) for name in SERVERS))


async def stop(parts: Mapping[str, Process], say: Say) -> None:
    """Stop the services, which need the servers to finish what they do; then the servers."""

    async def stop_one(name: str) -> None:
        await timed(name, parts[name].stop(), say, lambda _: "stopped")

    # No task group: a part that cannot be stopped is no reason to leave the others running.
    await asyncio.gather(*(stop_one(name) for name in parts if name not in SERVERS))
    for name in reversed(SERVERS):
        if name in parts:
            await stop_one(name)


async def together(*parts: Coroutine[None, None, T]) -> list[T]:
    """Wait for all; if one fails, end the others and raise what it raised."""
    try:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(part) for part in parts]
    except ExceptionGroup as failures:
        # The first says what went wrong; the others were ended because of it.
        raise failures.exceptions[0] from None
    return [task.result() for task in tasks]


async def timed(name: str, waiting: Awaitable[T], say: Say, outcome: Callable[[T], str]) -> T:
    began = time.monotonic()
    result = await waiting
    say(f"  {name:<12}{outcome(result)} ({time.monotonic() - began:.1f} s)")
    return result


def url(port: int) -> str:
    return f"http://{LOOPBACK}:{port}"
