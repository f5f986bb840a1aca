"""The compiler as a process."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from deploy.local.migrate import database_dsn
from deploy.local.server import Server

PROJECT = Path(__file__).parents[3]


async def test_a_database_without_our_tables_is_named(
    postgres_server: Server, redis_url: str, nats_url: str
) -> None:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "services.compiler"),
        cwd=PROJECT,
        env={
            "GATEHOUSE_PORT": "0",
            "GATEHOUSE_POSTGRES_DSN": database_dsn(postgres_server.url, "postgres"),
            "GATEHOUSE_REDIS_URL": redis_url,
            "GATEHOUSE_NATS_URL": nats_url,
        },
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
    )
    _, complaint = await process.communicate()
    assert process.returncode == 1
    assert complaint.decode().startswith("compiler cannot start: GATEHOUSE_POSTGRES_DSN: ")
    assert "apply the migrations first" in complaint.decode()
