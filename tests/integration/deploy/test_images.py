"""What the images run besides the services: the health check, and the migration."""

import asyncio
import sys
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from aiohttp import web

from deploy.local.migrate import MIGRATIONS, database_dsn
from deploy.local.ports import LOOPBACK, free_port
from deploy.local.server import Server, script
from tests.conftest import ensure_running, execute
from tests.listening import listening
from tests.unit.deploy.dockerfile import last

NOTHING_YET = "gatehouse_nothing_yet"


async def ends(*command: object, **environ: str) -> int:
    process = await asyncio.create_subprocess_exec(*map(str, command), env=environ)
    return await process.wait()


async def is_healthy(port: int) -> bool:
    check = last("management", "HEALTHCHECK").command()
    assert check[0] == "python"
    proxy = f"http://{LOOPBACK}:{free_port()}"
    code = await ends(
        sys.executable, *check[1:], GATEHOUSE_PORT=str(port), http_proxy=proxy, HTTP_PROXY=proxy
    )
    return code == 0


@pytest.mark.parametrize(("status", "healthy"), [(200, True), (503, False)])
async def test_the_health_check_says_what_healthz_says_and_asks_no_proxy(
    status: int, *, healthy: bool
) -> None:
    async def healthz(_request: web.Request) -> web.Response:
        return web.Response(status=status)

    app = web.Application()
    app.router.add_get("/healthz", healthz)
    async with listening(app) as port:
        assert await is_healthy(port) is healthy


async def test_the_health_check_fails_where_nobody_listens() -> None:
    assert not await is_healthy(free_port())


@pytest_asyncio.fixture
async def empty_database(postgres_server: Server) -> AsyncIterator[str]:
    """The URL of a database without tables."""
    await ensure_running(postgres_server)
    await execute(postgres_server.url, f"CREATE DATABASE {NOTHING_YET}")
    yield database_dsn(postgres_server.url, NOTHING_YET)
    await execute(postgres_server.url, f"DROP DATABASE {NOTHING_YET} WITH (FORCE)")


async def test_the_migration_may_run_twice_at_once_and_again(empty_database: str) -> None:
    program, *options = last("migrate", "ENTRYPOINT").command()
    assert program == "dbmate"
    copied = last("migrate", "COPY").words()
    assert copied == ("services/management/migrations", "/app/migrations")
    options = [str(MIGRATIONS) if each == copied[1] else each for each in options]
    command = (script(program), *options, *last("migrate", "CMD").command())

    assert await asyncio.gather(*(ends(*command, DATABASE_URL=empty_database) for _ in "ab")) == [
        0,
        0,
    ]
    await execute(empty_database, "SELECT name FROM tenants")
    assert await ends(*command, DATABASE_URL=empty_database) == 0
