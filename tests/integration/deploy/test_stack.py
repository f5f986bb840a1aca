"""The supervisor starts everything, notices what dies, and leaves nothing running."""

import asyncio
import os
import signal
import stat
import sys
from asyncio.subprocess import PIPE, STDOUT, Process
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from pathlib import Path

import asyncpg
import msgspec
import psutil
import pytest
import redis.asyncio

from deploy.local.stack import Facts
from tests.patience import until_so

PROJECT = Path(__file__).parents[3]
PARTS = {"postgres", "redis", "nats", "mail", "management", "compiler", "executor"}

Run = Callable[..., Awaitable[Process]]


@pytest.fixture
async def run() -> AsyncIterator[Run]:
    """Start a supervisor; it is killed after the test if it still runs."""
    supervisors: list[Process] = []

    async def start(
        folder: Path, *more: str, environment: Mapping[str, str] | None = None
    ) -> Process:
        supervisor = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "tests.integration.deploy.stand_ins"),
            *("run", "--folder", str(folder), *more),
            stdout=PIPE,
            stderr=STDOUT,
            cwd=PROJECT,
            env={**os.environ, **(environment or {})},
        )
        supervisors.append(supervisor)
        return supervisor

    yield start
    for supervisor in supervisors:
        if supervisor.returncode is None:
            supervisor.kill()
        await supervisor.communicate()


async def ready(supervisor: Process, folder: Path) -> Facts:
    """Wait until it says what to try; return what its file says."""
    assert supervisor.stdout is not None
    said = await supervisor.stdout.readuntil(b"Ctrl-C stops everything.\n")
    for part in PARTS:
        assert f"  {part} ".encode() in said
    return msgspec.json.decode((folder / "stack.json").read_bytes(), type=Facts)


async def end(supervisor: Process) -> str:
    said, _ = await supervisor.communicate()
    return said.decode()


async def until_gone(facts: Facts) -> None:
    await until_so(lambda: not any(map(lives, facts.pids.values())))


def lives(pid: int) -> bool:
    try:
        return bool(psutil.Process(pid).status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
async def test_a_signal_stops_everything_in_order(
    run: Run, tmp_path: Path, number: signal.Signals
) -> None:
    supervisor = await run(tmp_path)
    facts = await ready(supervisor, tmp_path)
    assert set(facts.pids) == PARTS
    assert all(map(lives, facts.pids.values()))
    supervisor.send_signal(number)
    said = await end(supervisor)
    assert supervisor.returncode == 0, said
    assert not any(map(lives, facts.pids.values()))
    assert not (tmp_path / "stack.json").exists()
    order = [line.split()[0] for line in said.splitlines() if " stopped " in line]
    assert set(order[:3]) == {"management", "compiler", "executor"}
    assert order[3:] == ["mail", "nats", "redis", "postgres"]


async def test_data_and_secrets_are_kept_between_runs_and_seen_by_nobody_else(
    run: Run, tmp_path: Path
) -> None:
    folder = tmp_path / "kept"
    first = await run(folder)
    facts = await ready(first, folder)
    database = await asyncpg.connect(facts.postgres_dsn)
    await database.execute("CREATE TABLE kept AS SELECT 7 AS number")
    await database.close()
    async with redis.asyncio.Redis.from_url(facts.redis_url) as client:
        await client.set("kept", "7")
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert stat.S_IMODE((folder / "stack.json").stat().st_mode) == 0o600
    secrets = {path: path.read_bytes() for path in (folder / "secrets").iterdir()}
    assert secrets
    assert {stat.S_IMODE(path.stat().st_mode) for path in secrets} == {0o600}
    first.terminate()
    await end(first)

    facts = await ready(await run(folder), folder)
    assert secrets == {path: path.read_bytes() for path in (folder / "secrets").iterdir()}
    database = await asyncpg.connect(facts.postgres_dsn)
    assert await database.fetchval("SELECT number FROM kept") == 7
    await database.close()
    async with redis.asyncio.Redis.from_url(facts.redis_url) as client:
        assert await client.get("kept") == b"7"


async def test_nothing_outlives_a_killed_supervisor_and_the_next_one_starts_at_once(
    run: Run, tmp_path: Path
) -> None:
    first = await run(tmp_path)
    facts = await ready(first, tmp_path)
    first.kill()
    await end(first)
    await until_gone(facts)
    second = await run(tmp_path)
    await ready(second, tmp_path)


@pytest.mark.parametrize("part", ["postgres", "redis", "nats", "executor"])
async def test_a_part_that_dies_is_named_and_everything_else_is_stopped(
    run: Run, tmp_path: Path, part: str
) -> None:
    supervisor = await run(tmp_path)
    facts = await ready(supervisor, tmp_path)
    os.kill(facts.pids[part], signal.SIGKILL)
    said = await end(supervisor)
    assert supervisor.returncode == 1, said
    assert ": ended with signal SIGKILL; the end of its log" in said
    assert str(tmp_path / "logs" / f"{part}.log") in said
    assert not any(map(lives, facts.pids.values()))
    assert not (tmp_path / "stack.json").exists()


async def test_a_service_that_does_not_start_is_named_and_everything_else_is_stopped(
    run: Run, tmp_path: Path
) -> None:
    supervisor = await run(tmp_path, environment={"BROKEN": "compiler"})
    said = await end(supervisor)
    assert supervisor.returncode == 1, said
    assert "compiler: ended with exit code 1 before it was ready" in said
    assert "  | a setting is wrong" in said
    assert str(tmp_path / "logs" / "compiler.log") in said


async def test_a_second_stack_over_the_same_folder_is_refused(run: Run, tmp_path: Path) -> None:
    first = await run(tmp_path)
    facts = await ready(first, tmp_path)
    second = await run(tmp_path)
    said = await end(second)
    assert second.returncode == 1
    assert f"another stack runs in {tmp_path}, as process {first.pid}" in said
    assert all(map(lives, facts.pids.values()))
    assert (tmp_path / "stack.json").exists()


async def test_a_stack_beside_another_takes_other_ports(run: Run, tmp_path: Path) -> None:
    one, other = tmp_path / "one", tmp_path / "other"
    first = await ready(await run(one), one)
    second = await ready(await run(other), other)
    for name in ("management_url", "compiler_url", "executor_url", "redis_url", "nats_url"):
        assert getattr(first, name).split(":")[-1] != getattr(second, name).split(":")[-1]


async def test_executors_can_be_several(run: Run, tmp_path: Path) -> None:
    facts = await ready(await run(tmp_path, "--executors", "2"), tmp_path)
    assert set(facts.pids) == PARTS | {"executor-2"}
    assert len(set(facts.executor_urls)) == 2
    assert facts.executor_urls[0] == facts.executor_url


async def test_a_signal_while_starting_leaves_nothing(run: Run, tmp_path: Path) -> None:
    supervisor = await run(tmp_path)
    assert supervisor.stdout is not None
    await supervisor.stdout.readline()
    family = psutil.Process(supervisor.pid).children(recursive=True)
    supervisor.terminate()
    await end(supervisor)
    assert supervisor.returncode == 130
    # The watchers of the parts end when they have seen them end.
    await until_so(lambda: not any(lives(member.pid) for member in family))
