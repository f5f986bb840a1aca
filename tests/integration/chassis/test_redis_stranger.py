"""What a line does with a server that says what no sound server says."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from deploy.local.ports import LOOPBACK
from libs.common.errors import Unavailable
from tests.integration.chassis.conftest import opened


@asynccontextmanager
async def stranger(*answers: bytes) -> AsyncIterator[str]:
    """The URL of a server that welcomes everybody, and answers each connection's GETs alike."""
    left = iter(answers)
    writers = []

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writers.append(writer)
        answer = None
        while said := await reader.read(4096):
            for command in said.split(b"*")[1:]:
                if b"GET" in command:
                    answer = answer or next(left)
                    writer.write(answer)
                else:
                    writer.write(b"+OK\r\n")

    server = await asyncio.start_server(talk, LOOPBACK)
    try:
        port = server.sockets[0].getsockname()[1]
        yield f"redis://{LOOPBACK}:{port}?protocol=2"
    finally:
        for writer in writers:
            writer.close()
        server.close()
        await server.wait_closed()


async def test_an_answer_that_nobody_asked_for_never_reaches_the_next_caller() -> None:
    faults: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _loop, fault: faults.append(fault))
    async with stranger(b"+first\r\n+stray\r\n", b"+second\r\n") as url, opened(url) as line:
        assert await line.execute(b"GET", "a") == b"first"
        assert await line.execute(b"GET", "a") == b"second"
    assert faults == []


async def test_what_cannot_be_read_is_unavailable_and_the_connection_is_given_up() -> None:
    async with stranger(b"HTTP/1.1 400\r\n\r\n", b"+second\r\n") as url, opened(url) as line:
        with pytest.raises(Unavailable):
            await line.execute(b"GET", "a")
        assert await line.execute(b"GET", "a") == b"second"


async def test_news_that_is_pushed_is_nobodys_answer() -> None:
    pushed = b">2\r\n+invalidate\r\n*1\r\n+a\r\n"
    async with stranger(pushed + b"+mine\r\n") as url, opened(url) as line:
        assert await line.execute(b"GET", "a") == b"mine"
        assert await line.execute(b"GET", "a") == b"mine"
