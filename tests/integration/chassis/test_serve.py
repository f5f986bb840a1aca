"""A service as a process: how it starts, how it fails to, and how it stops."""

import asyncio
import json
import os
import signal
import socket
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiohttp import ClientConnectionError, ClientSession

from tests.patience import PATIENCE_SECONDS

NAME = "tests.integration.chassis.service"


async def spawn(**environ: str) -> Process:
    return await asyncio.create_subprocess_exec(
        sys.executable, "-m", NAME, stdin=PIPE, stdout=PIPE, stderr=PIPE,
        env={"PATH": os.environ["PATH"], **environ},
    )  # fmt: skip


class Running:
    def __init__(self, process: Process) -> None:
        self.process = process
        self.url = ""

    async def event(self, name: str) -> dict[str, Any]:
        """Read lines until `name` is logged."""
        assert self.process.stdout is not None
        async with asyncio.timeout(PATIENCE_SECONDS):
            async for line in self.process.stdout:
                told: dict[str, Any] = json.loads(line)
                if told["event"] == name:
                    return told
        pytest.fail(f"ended without {name}")

    async def said(self) -> str:
        assert self.process.stderr is not None
        async with asyncio.timeout(PATIENCE_SECONDS):
            return (await self.process.stderr.readline()).decode().strip()

    async def release(self) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(b"\n")
        await self.process.stdin.drain()

    async def ended(self) -> int:
        async with asyncio.timeout(PATIENCE_SECONDS):
            return await self.process.wait()


@asynccontextmanager
async def starting(**environ: str) -> AsyncIterator[Running]:
    running = Running(await spawn(**{"GATEHOUSE_PORT": "0", **environ}))
    try:
        yield running
    finally:
        if running.process.returncode is None:
            running.process.kill()
        # To the end of its pipes, which are open for a moment after it has ended: who still has
        # them when the loop is closed is told so in a later test.
        await running.process.communicate(b"")


@asynccontextmanager
async def running(**environ: str) -> AsyncIterator[Running]:
    async with starting(**environ) as running:
        running.url = f"http://127.0.0.1:{(await running.event('listening'))['port']}"
        yield running


async def until_refused(port: int) -> None:
    while True:
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", port)
        except ConnectionRefusedError:
            return
        writer.close()
        await asyncio.sleep(0.005)


@pytest.fixture
async def http() -> AsyncIterator[ClientSession]:
    async with ClientSession() as session:
        yield session


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_a_request_in_flight_is_finished_and_closers_run_the_last_first(
    http: ClientSession, number: signal.Signals
) -> None:
    async with running() as service:
        answer = asyncio.create_task(get(http, f"{service.url}/wait"))
        assert await service.said() == "waiting"
        service.process.send_signal(number)
        await service.event("draining")
        await service.release()
        assert await answer == (200, {"waited": True})
        assert [await service.said(), await service.said()] == ["closed second", "closed first"]
        assert await service.ended() == 0


async def test_a_request_sent_over_an_open_connection_after_the_port_closed_is_answered() -> None:
    async with running() as service:
        port = int(service.url.rpartition(":")[2])
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        service.process.terminate()
        await until_refused(port)
        writer.write(b"GET /healthz HTTP/1.1\r\nHost: here\r\n\r\n")
        answer = await reader.read()
        assert answer.startswith(b"HTTP/1.1 200 ")
        assert b"\r\nConnection: close\r\n" in answer
        writer.close()
        assert await service.ended() == 0


async def test_readiness_goes_off_before_the_port_closes(http: ClientSession) -> None:
    async with running(GATEHOUSE_GRACE_SECONDS="600") as service:
        assert await get(http, f"{service.url}/readyz") == (200, {"status": "ready", "checks": {}})
        service.process.terminate()
        await service.event("stopping")
        stopping = {"status": "stopping", "checks": {}}
        assert await get(http, f"{service.url}/readyz") == (503, stopping)
        # Whoever sends a second signal does not want to wait for load balancers.
        service.process.terminate()
        await service.event("stopped")
        assert await service.ended() == 0
    with pytest.raises(ClientConnectionError):
        await get(http, f"{service.url}/healthz")


async def test_a_request_that_outlasts_the_limit_does_not_keep_the_process(
    http: ClientSession,
) -> None:
    async with running(GATEHOUSE_DRAIN_SECONDS="0.1") as service:
        answer = asyncio.create_task(get(http, f"{service.url}/wait"))
        assert await service.said() == "waiting"
        service.process.terminate()
        assert await service.ended() == 0
        with pytest.raises(ClientConnectionError):
            await answer


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_a_signal_during_the_start_closes_what_had_started(number: signal.Signals) -> None:
    async with starting(GATEHOUSE_NEVER_STARTS="true") as service:
        assert await service.said() == "starting"
        service.process.send_signal(number)
        assert await service.said() == "closed what had started"
        await service.event("stopped")
        assert await service.ended() == 0


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_a_signal_while_closing_ends_the_process(number: signal.Signals) -> None:
    async with running(GATEHOUSE_NEVER_CLOSES="true") as service:
        service.process.terminate()
        assert await service.said() == "closing"
        service.process.send_signal(number)
        assert await service.ended() == -number


async def test_a_signal_ends_a_process_that_cannot_start_and_cannot_close() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        async with starting(GATEHOUSE_PORT=port, GATEHOUSE_NEVER_CLOSES="true") as service:
            assert await service.said() == "closing"
            service.process.terminate()
            assert await service.ended() == -signal.SIGTERM


async def test_a_port_that_is_taken_is_one_line_that_names_the_setting_after_closing() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        code, errors = await failed(GATEHOUSE_PORT=str(port))
    (*closed, line) = errors.splitlines()
    assert code == 1
    assert closed == ["closed second", "closed first"]
    assert "GATEHOUSE_PORT" in line
    assert f"127.0.0.1:{port}" in line
    assert "in use" in line


async def test_wrong_settings_are_a_line_each() -> None:
    code, errors = await failed(GATEHOUSE_LOG_LEVEL="loud")
    assert code == 1
    assert [line.split()[:4] for line in errors.splitlines()] == [
        ["small", "cannot", "start:", "GATEHOUSE_PORT"],
        ["small", "cannot", "start:", "GATEHOUSE_LOG_LEVEL"],
    ]


async def test_a_dependency_that_is_away_is_one_line_that_names_the_setting() -> None:
    with socket.socket() as bound:
        # Bound and not listening: nobody answers there, and nobody else can take it.
        bound.bind(("127.0.0.1", 0))
        port = str(bound.getsockname()[1])
        code, errors = await failed(GATEHOUSE_PORT="0", GATEHOUSE_NEEDED_PORT=port)
    assert code == 1
    assert errors == (
        "small cannot start: GATEHOUSE_NEEDED_PORT: The needed cannot be reached "
        "(ConnectionRefusedError); start it, or correct the setting\n"
    )


async def test_a_fault_in_the_wiring_is_a_log_line() -> None:
    process = await spawn(GATEHOUSE_PORT="0", GATEHOUSE_CRASH="true")
    async with asyncio.timeout(PATIENCE_SECONDS):
        out, errors = await process.communicate()
    (line,) = [json.loads(line) for line in out.splitlines()]
    assert (process.returncode, line["event"], errors) == (1, "crashed", b"")
    assert line["error"]["message"] == "a fault in the wiring"


async def test_a_misspelt_setting_is_a_warning_with_what_was_meant() -> None:
    process = await spawn(GATEHOUSE_PORT="0", GATEHOUSE_LOG_LEVELS="info", GATEHOUSE_CRASH="true")
    async with asyncio.timeout(PATIENCE_SECONDS):
        out, _ = await process.communicate()
    warning = json.loads(out.splitlines()[0])
    assert warning["event"] == "unknown_setting"
    assert warning["hint"].endswith("did you mean GATEHOUSE_LOG_LEVEL?")


async def failed(**environ: str) -> tuple[int | None, str]:
    process = await spawn(**environ)
    async with asyncio.timeout(PATIENCE_SECONDS):
        _, errors = await process.communicate()
    return process.returncode, errors.decode()


async def get(http: ClientSession, url: str) -> tuple[int, Any]:
    async with http.get(url) as got:
        return got.status, await got.json()


async def test_a_client_that_speaks_no_http_cannot_fill_the_log() -> None:
    async with running() as service:
        reader, writer = await asyncio.open_connection("127.0.0.1", int(service.url.split(":")[-1]))
        writer.write(b"POST /wait HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n")
        answer = await reader.read()
        writer.close()
        service.process.terminate()
        assert service.process.stdout is not None
        lines = [json.loads(line) async for line in service.process.stdout]
    assert b" 400 " in answer
    assert [line["event"] for line in lines if line["level"] == "error"] == []
    assert lines[-1]["event"] == "stopped"
