"""`schema.sql` is what the migrations make, and each migration can be taken back."""

import asyncio
import subprocess
from collections.abc import AsyncIterator
from pathlib import Path

import asyncpg
import pytest

from deploy.local.migrate import MIGRATIONS, database_dsn, migrate
from deploy.local.postgres import binary
from deploy.local.server import Server, script

SCHEMA = MIGRATIONS.parent / "schema.sql"
NAMES = ("schema_as_written", "schema_as_migrated")
WRITTEN_BY_THE_RELEASE_BEFORE = (
    "INSERT INTO tenants (name) VALUES ('default')",
    "INSERT INTO flow_ids (tenant, id) VALUES ('default', 'flow_a')",
    """
    WITH added AS (
        INSERT INTO flows (tenant, id, name, display_name, description, type, version)
        VALUES ('default', 'flow_a', 'a', 'A', NULL, 'login', 1)
    )
    INSERT INTO flow_versions (tenant, flow_id, number, graph, author)
    VALUES ('default', 'flow_a', 1, '{}', 'somebody')
    """,
    "UPDATE flows SET status = 'active', active_version = version, position = 0",
    "UPDATE flows SET status = 'inactive', active_version = NULL, position = NULL",
    "DELETE FROM flows",
    """
    INSERT INTO users (id, tenant, creation_key)
    VALUES (gen_random_uuid(), 'default', gen_random_uuid())
    """,
    """
    INSERT INTO passkeys AS p
        (tenant, credential_id, user_id, site, public_key, sign_count, bound, transports)
    SELECT u.tenant, 'id', u.id, 'example.com', 'key', 0, true, '{}' FROM users AS u
    ON CONFLICT (tenant, credential_id) DO UPDATE SET site = excluded.site
    """,
)


@pytest.fixture
async def databases(postgres_server: Server) -> AsyncIterator[tuple[str, ...]]:
    """The URLs of two empty databases."""
    connection = await asyncpg.connect(postgres_server.url)
    for name in NAMES:
        await connection.execute(f"CREATE DATABASE {name}")
    yield tuple(database_dsn(postgres_server.url, name) for name in NAMES)
    for name in NAMES:
        await connection.execute(f"DROP DATABASE {name} WITH (FORCE)")
    await connection.close()


async def program(*command: str | Path) -> str:
    done = await asyncio.to_thread(
        subprocess.run, command, check=True, capture_output=True, text=True
    )
    return done.stdout


async def dump(dsn: str) -> str:
    """Return the schema as `pg_dump` writes it, but for the record of migrations."""
    return await program(
        *(binary("pg_dump"), "--schema-only", "--no-owner", "--restrict-key=same"),
        *("--exclude-table=schema_migrations", dsn),
    )


async def test_the_migrations_make_what_the_schema_file_says(
    databases: tuple[str, ...], tmp_path: Path
) -> None:
    written, migrated = databases
    connection = await asyncpg.connect(written)
    await connection.execute(SCHEMA.read_text())
    await connection.close()
    await migrate(migrated, log=tmp_path / "dbmate.log")
    assert await dump(written) == await dump(migrated)


async def test_every_migration_can_be_taken_back_and_applied_again(
    databases: tuple[str, ...], tmp_path: Path
) -> None:
    empty, migrated = databases
    await migrate(migrated, log=tmp_path / "dbmate.log")
    there = await dump(migrated)
    for _ in sorted(MIGRATIONS.glob("*.sql")):
        await program(
            *(script("dbmate"), "--url", migrated, "--migrations-dir", MIGRATIONS),
            *("--no-dump-schema", "down"),
        )
    assert await dump(migrated) == await dump(empty)
    await migrate(migrated, log=tmp_path / "dbmate.log")
    assert await dump(migrated) == there


async def test_the_release_before_runs_on_the_newest_schema(database: str) -> None:
    rollout = '{"id": 1, "versions": [{"version": 1, "weight": 1}], "baseline": 1, "abort": null}'
    connection = await asyncpg.connect(database)
    for statement in WRITTEN_BY_THE_RELEASE_BEFORE:
        await connection.execute(statement)
        # What a replica of the newest release may leave between any two.
        await connection.execute("UPDATE flows SET rollout = $1", rollout)
    await connection.close()


async def test_the_audit_log_can_only_grow(database: str) -> None:
    connection = await asyncpg.connect(database)
    await connection.execute("INSERT INTO tenants (name) VALUES ('default')")
    await connection.execute(
        "INSERT INTO audit_log (tenant, actor, action) VALUES ('default', 'a', 'b')"
    )
    for statement in ("DELETE FROM audit_log", "UPDATE audit_log SET actor = 'somebody else'"):
        with pytest.raises(asyncpg.RaiseError):
            await connection.execute(statement)
    assert await connection.fetchval("SELECT actor FROM audit_log") == "a"
    await connection.close()
