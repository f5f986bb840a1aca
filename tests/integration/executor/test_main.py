"""The executor as a process."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

import pytest

from deploy.local.migrate import database_dsn
from deploy.local.server import Server
from libs.common.chassis.config import variable
from tests.integration.executor.conftest import settings_for

PROJECT = Path(__file__).parents[3]
NAMES = (
    *("port", "postgres_dsn", "redis_url", "nats_url"),
    *("session_keys", "credential_keys", "assertion_keys"),
)


async def started(environ: dict[str, str]) -> tuple[int, str]:
    """Run an executor until it ends by itself; return its exit code and what it complained of."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "services.executor"),
        cwd=PROJECT,
        env=environ,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
    )
    _, complaint = await process.communicate()
    return process.returncode or 0, complaint.decode()


@pytest.fixture
def environ(redis_url: str, database: str, nats_url: str) -> dict[str, str]:
    settings = settings_for(redis_url, database, nats_url)
    values = {name: getattr(settings, name) for name in NAMES}
    return {
        variable(name): str(value) if isinstance(value, int) else value.reveal()
        for name, value in values.items()
    }


@pytest.mark.parametrize(
    "name",
    ["session_keys", "credential_keys", "assertion_keys", "redis_url", "nats_url"],
)
async def test_what_cannot_be_understood_is_named_and_not_quoted(
    environ: dict[str, str], name: str
) -> None:
    code, complaint = await started({**environ, variable(name): "swordfish"})
    assert code == 1
    assert complaint.startswith(f"executor cannot start: {variable(name)} ")
    assert "swordfish" not in complaint


async def test_a_database_without_our_tables_is_named(
    environ: dict[str, str], postgres_server: Server
) -> None:
    empty = database_dsn(postgres_server.url, "postgres")
    code, complaint = await started({**environ, variable("postgres_dsn"): empty})
    assert code == 1
    assert "apply the migrations first" in complaint
