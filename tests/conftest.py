"""The real servers for every test that asks: started at the first wish, stopped at the end."""

import secrets
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from itertools import count
from pathlib import Path

import asyncpg
import nats
import pytest
import pytest_asyncio
import redis.asyncio
import structlog
from hypothesis import HealthCheck, settings

from deploy.local.migrate import database_dsn, migrate
from deploy.local.nats import start_nats
from deploy.local.postgres import start_postgres
from deploy.local.server import Server
from deploy.local.valkey import agrees, start_valkey, start_valkey_cluster
from tests.kept import in_postgres, in_redis, in_streams
from tests.patience import PATIENCE_SECONDS, until
from tests.scratch import servers_data
from tests.typed import TYPED

# Drawing a traceback with all of its variables, which is structlog's default, takes seconds on the
# loop that the service under test answers on.
structlog.configure(
    processors=[
        *structlog.get_config()["processors"][:-1],
        structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback),
    ]
)

# A machine that is busy with something else makes no test fail, and neither does what is drawn: a
# change is to be judged by what it changes, and coverage rests on some of the examples.
settings.register_profile(
    "patient",
    settings.default,
    derandomize=True,
    deadline=None,
    print_blob=True,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("patient")

SAID = "said"
"""A property of a test that is printed at the end, wherever it ran, and also if it passed."""
TEMPLATE = "gatehouse_template"
DATABASE_NUMBERS = count(1)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    for report in [*terminalreporter.getreports("passed"), *terminalreporter.getreports("failed")]:
        for name, said in report.user_properties:
            if name == SAID and report.when == "call":
                terminalreporter.write_line(f"{report.nodeid}: {said}")


@pytest.fixture(scope="session", autouse=True)
def brief_fetches() -> Iterator[None]:
    """A consumer that stops waits for its fetch, and nearly every test stops some."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("libs.common.chassis.consume._FETCH_SECONDS", 0.2)
        yield


@pytest.fixture(scope="session", autouse=True)
def patient_questions() -> Iterator[None]:
    """A PostgreSQL that is only slow is none that is away: a question has by default more time."""
    asking = "libs.common.chassis.postgres.asking_postgres.__wrapped__.__defaults__"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(asking, (PATIENCE_SECONDS,))
        yield


@pytest.fixture(scope="session")
def servers_folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    with servers_data(tmp_path_factory.mktemp("servers")) as folder:
        yield folder


@pytest.fixture(scope="session")
def servers_password() -> str:
    return secrets.token_urlsafe(16)


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def postgres_server(servers_folder: Path, servers_password: str) -> AsyncIterator[Server]:
    """PostgreSQL with one database, the migrated template of all others."""
    log = servers_folder / "postgres.log"
    server = await start_postgres(
        servers_folder / "postgres", password=servers_password, log=log, durable=False
    )
    try:
        await migrate(database_dsn(server.url, TEMPLATE), log=servers_folder / "dbmate.log")
        yield server
    finally:
        await server.process.stop()


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def redis_server(servers_folder: Path, servers_password: str) -> AsyncIterator[Server]:
    """One Valkey, which forgets everything when it is killed."""
    server = await start_valkey(
        servers_folder / "valkey",
        password=servers_password,
        log=servers_folder / "valkey.log",
        durable=False,
    )
    try:
        yield server
    finally:
        await server.process.stop()


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def redis_cluster(
    servers_folder: Path, servers_password: str
) -> AsyncIterator[tuple[Server, ...]]:
    """The three nodes of a Valkey cluster."""
    nodes = await start_valkey_cluster(
        servers_folder / "cluster", password=servers_password, log=servers_folder / "cluster.log"
    )
    try:
        yield nodes
    finally:
        for node in nodes:
            await node.process.stop()


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def nats_server(servers_folder: Path, servers_password: str) -> AsyncIterator[Server]:
    """NATS with JetStream."""
    server = await start_nats(
        servers_folder / "nats", password=servers_password, log=servers_folder / "nats.log"
    )
    try:
        yield server
    finally:
        await server.process.stop()


@asynccontextmanager
async def new_database(server: Server) -> AsyncIterator[str]:
    """Give the URL of a database of one's own, with the newest schema and no rows."""
    name = f"gatehouse_{next(DATABASE_NUMBERS)}"
    await ensure_running(server)
    await execute(server.url, f"CREATE DATABASE {name} TEMPLATE {TEMPLATE}")
    url, mark = database_dsn(server.url, name), TYPED.mark()
    try:
        yield url
        await ensure_running(server)
        await expose_postgres(mark, url)
    finally:
        await ensure_running(server)
        await execute(server.url, f"DROP DATABASE {name} WITH (FORCE)")


async def expose_postgres(mark: int, url: str) -> None:
    """See that nothing that was typed since `mark` is kept in a database."""
    if TYPED.since(mark):
        connection = await asyncpg.connect(url)
        try:
            TYPED.expose(mark, await in_postgres(connection), "PostgreSQL")
        finally:
            await connection.close()


@pytest_asyncio.fixture
async def database(postgres_server: Server) -> AsyncIterator[str]:
    """The URL of a database of this test's own."""
    async with new_database(postgres_server) as url:
        yield url


@pytest_asyncio.fixture
async def redis_url(redis_server: Server) -> AsyncIterator[str]:
    """The URL of an empty Valkey."""
    mark = TYPED.mark()
    yield await emptied_redis(redis_server)
    await expose_redis(mark, redis_server)


async def expose_redis(mark: int, server: Server) -> None:
    """See that nothing that was typed since `mark` is kept, where the server has lived on."""
    if TYPED.since(mark) and server.process.running:
        TYPED.expose(mark, await in_redis(server.url), "Redis")


async def emptied_redis(server: Server) -> str:
    """Have a Valkey run and be empty; return its URL."""
    await ensure_running(server)
    await flush(server)
    return server.url


@pytest_asyncio.fixture
async def redis_cluster_url(
    redis_cluster: tuple[Server, ...], servers_password: str
) -> AsyncIterator[str]:
    """The URL of one node of an empty three-node cluster."""
    mark = TYPED.mark()
    for node in redis_cluster:
        await ensure_running(node)
        await flush(node)
    await until_they_agree(redis_cluster, servers_password)
    yield redis_cluster[0].url
    for node in redis_cluster:
        await expose_redis(mark, node)


@pytest_asyncio.fixture
async def nats_url(nats_server: Server) -> AsyncIterator[str]:
    """The URL of a NATS whose JetStream has no streams."""
    mark = TYPED.mark()
    yield await emptied_nats(nats_server)
    await expose_nats(mark, nats_server)


async def expose_nats(mark: int, server: Server) -> None:
    """See that nothing that was typed since `mark` lies in a stream, where the server lives."""
    if TYPED.since(mark) and server.process.running:
        TYPED.expose(mark, await in_streams(server.url), "NATS")


async def emptied_nats(server: Server) -> str:
    """Have a NATS run whose JetStream has no streams; return its URL."""
    await ensure_running(server)
    connection = await nats.connect(server.url)
    jetstream = connection.jetstream(timeout=PATIENCE_SECONDS)
    for stream in await jetstream.streams_info():
        await jetstream.delete_stream(str(stream.config.name))
    await connection.close()
    return server.url


async def ensure_running(server: Server) -> None:
    """Bring back what an earlier test killed."""
    if not server.process.running:
        await server.process.start()


async def until_they_agree(nodes: tuple[Server, ...], password: str) -> None:
    """Wait until the nodes of a cluster serve: one that comes back holds off for two seconds."""

    async def they_do() -> bool:
        return all([await agrees(node.port, password, len(nodes)) for node in nodes])

    await until(they_do)


async def execute(dsn: str, statement: str) -> None:
    connection = await asyncpg.connect(dsn)
    try:
        await connection.execute(statement)
    finally:
        await connection.close()


async def flush(server: Server) -> None:
    async with redis.asyncio.Redis.from_url(server.url) as client:
        await client.flushall()
