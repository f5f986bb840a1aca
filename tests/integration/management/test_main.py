"""The process: what keeps it from starting, and that it serves and stops."""

import asyncio
import os
import signal
import subprocess
import sys
from asyncio.subprocess import Process
from pathlib import Path

import aiohttp
import asyncpg
import msgspec
import pytest

from deploy.local.migrate import database_dsn
from deploy.local.ports import LOOPBACK
from deploy.local.server import Server
from tests.integration.management.conftest import KEY, token
from tests.patience import until

PROJECT = Path(__file__).parents[3]
ENVIRONMENT = {
    **{name: value for name, value in os.environ.items() if not name.startswith("GATEHOUSE_")},
    "GATEHOUSE_ADMIN_SIGNING_KEY": KEY.reveal(),
    "GATEHOUSE_NATS_URL": "nats://127.0.0.1:1",
}


async def refusal(**settings: str) -> list[str]:
    """Return the lines of a process that cannot start."""
    done = await asyncio.to_thread(
        subprocess.run,
        [sys.executable, "-m", "services.management"],
        cwd=PROJECT,
        env={**ENVIRONMENT, **settings},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 1
    return done.stderr.splitlines()


async def test_settings_that_are_missing_are_all_named() -> None:
    lines = await refusal(GATEHOUSE_ADMIN_SIGNING_KEY="")
    named = {name for line in lines for name in line.split() if name.startswith("GATEHOUSE_")}
    assert {"GATEHOUSE_ADMIN_SIGNING_KEY", "GATEHOUSE_POSTGRES_DSN"} <= named


async def test_a_short_signing_key_is_refused_and_not_shown(database: str) -> None:
    short = "k" * 31
    [line] = await refusal(GATEHOUSE_ADMIN_SIGNING_KEY=short, GATEHOUSE_POSTGRES_DSN=database)
    assert "GATEHOUSE_ADMIN_SIGNING_KEY" in line
    assert short not in line


async def test_a_postgresql_that_is_away_is_named_by_its_setting() -> None:
    [line] = await refusal(GATEHOUSE_POSTGRES_DSN="postgres://u:hidden@127.0.0.1:1/d")
    assert "GATEHOUSE_POSTGRES_DSN" in line
    assert "hidden" not in line


async def test_a_database_without_tables_asks_for_the_migrations(postgres_server: Server) -> None:
    connection = await asyncpg.connect(postgres_server.url)
    await connection.execute("CREATE DATABASE not_migrated")
    [line] = await refusal(GATEHOUSE_POSTGRES_DSN=database_dsn(postgres_server.url, "not_migrated"))
    await connection.execute("DROP DATABASE not_migrated WITH (FORCE)")
    await connection.close()
    assert "GATEHOUSE_POSTGRES_DSN" in line
    assert "migrations" in line


async def port_of(process: Process) -> int:
    """Read what a process says until it tells its port."""
    assert process.stdout is not None
    async for said in process.stdout:
        line = msgspec.json.decode(said)
        if line["event"] == "listening":
            port: int = line["port"]
            return port
    raise AssertionError("it ended before it listened")


@pytest.mark.parametrize("stop", [signal.SIGTERM, signal.SIGINT])
async def test_it_serves_until_it_is_told_to_stop(
    database: str, nats_url: str, stop: signal.Signals
) -> None:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "services.management"),
        cwd=PROJECT,
        env={
            **ENVIRONMENT,
            "GATEHOUSE_PORT": "0",
            "GATEHOUSE_POSTGRES_DSN": database,
            "GATEHOUSE_NATS_URL": nats_url,
        },
        stdout=subprocess.PIPE,
    )
    try:
        port = await port_of(process)
        async with aiohttp.ClientSession(f"http://{LOOPBACK}:{port}") as session:

            async def is_ready() -> bool:
                try:
                    async with session.get("/readyz") as answer:
                        return answer.ok
                except aiohttp.ClientError:
                    return False

            await until(is_ready)
            bearer = {"Authorization": f"Bearer {token()}"}
            async with session.get("/api/admin/flows", headers=bearer) as answer:
                assert answer.status == 200
            async with session.get("/healthz") as answer:
                assert answer.status == 200
            async with session.get("/metrics") as answer:
                assert "gatehouse_outbox_depth 0.0" in await answer.text()
        process.send_signal(stop)
        assert await process.wait() == 0
    finally:
        if process.returncode is None:
            process.kill()
        # To the end of what it says, too, so that no end of a pipe is left open.
        await process.communicate()
