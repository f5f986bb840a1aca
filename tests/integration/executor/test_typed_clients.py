"""The typed clients of `docs/examples`, used as `docs/how-to/call-from-a-client.md` shows."""

from __future__ import annotations

import asyncio
import importlib.util
import json
import re
import shutil
import sys
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

import aiohttp
import jwt
import pytest
import pytest_asyncio

from libs.common.flow.model import FlowType
from tests.authenticator import Authenticator
from tests.clients.npm import node
from tests.integration.executor.conftest import PASSWORD, Build, Executor, House
from tests.integration.executor.graphs import START, SUCCESS, graph

DOCS = Path(__file__).parents[3] / "docs"
PAGE = (DOCS / "how-to" / "call-from-a-client.md").read_text()
SCRIPTS = Path(__file__).parents[2] / "clients" / "apps"
ORIGIN = "http://localhost:8090"

ASK_APP = {"id": "app", "type": "internal_prompt", "config": {"params": [{"name": "origin"}]}}
ASK_USER = {
    "id": "user",
    "type": "prompt",
    "config": {
        "fields": [
            {"name": "email", "type": "email", "label": "Email"},
            {"name": "password", "type": "password", "label": "Password"},
        ]
    },
}
OURS = {"id": "ours", "type": "condition", "config": {"condition": "has(inputs.origin)"}}
WRITE = {"id": "write", "type": "user_write"}
TERMS = {"id": "terms", "type": "redirect", "config": {"url": "/terms"}}
PASSKEY = {"id": "passkey", "type": "webauthn_setup"}
DONE = {**SUCCESS, "config": {"auto_login": True}}
BEFORE: list[dict[str, Any]] = [START, ASK_APP, OURS, ASK_USER, WRITE, TERMS]
EDGES: list[tuple[str, ...]] = [
    ("start", "app"),
    ("app", "ours"),
    ("ours", "user", "true"),
    ("ours", "app", "false"),
    ("user", "write"),
    ("write", "terms"),
]
SIGN_UP = graph([*BEFORE, DONE], [*EDGES, ("terms", "success")])
WITH_PASSKEY = graph(
    [*BEFORE, PASSKEY, DONE],
    [*EDGES, ("terms", "passkey"), ("passkey", "success"), ("passkey", "success", "declined"),
     ("passkey", "success", "enrolled")],
)  # fmt: skip


@pytest.fixture
async def house(build_house: Build, redis_url: str) -> House:
    return await build_house(redis_url)


def shown(language: str) -> str:
    """Return the code of the page's section on typed clients."""
    section = PAGE.partition("## Typed clients")[2]
    found = re.search(rf"```{language}\n(.*?)```", section, re.DOTALL)
    assert found is not None
    return found[1]


@contextmanager
def python_client() -> Iterator[ModuleType]:
    """Have `gatehouse_client` be importable, as where it was copied to."""
    name, file = "gatehouse_client", DOCS / "examples" / "python" / "gatehouse_client.py"
    spec = importlib.util.spec_from_file_location(name, file)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
        yield module
    finally:
        del sys.modules[name]


@pytest.fixture
def client() -> Iterator[ModuleType]:
    with python_client() as module:
        yield module


class Device:
    """Goes where it is sent, and has a passkey."""

    def __init__(self) -> None:
        self.left: list[str] = []

    async def open(self, url: str) -> Mapping[str, str]:
        self.left.append(url)
        return {}

    async def authenticate(self, options: Mapping[str, Any]) -> str:
        made = Authenticator(ORIGIN).make(options["publicKeyCredentialCreationOptions"])
        return json.dumps(made)


STEP = {"flowType": "LOGIN", "flowStatus": "COMPLETE", "type": "VIEW", "data": {}}
REFUSAL = {"code": "FE-40401", "traceId": "0af7"}
MOODS: tuple[tuple[int, str, Mapping[str, Any]], ...] = (
    (0, "", {}),
    (503, "0", {"code": "FE-50301"}),
    (429, "0", {"code": "FE-42901"}),
    (409, "", {"code": "FE-40901", "step": STEP}),
    (404, "", REFUSAL),
    (503, "3600", {**REFUSAL, "code": "FE-50301"}),
)
"""How a server answers its requests, one after the other: by hanging up first."""


class Moody:
    """A server that is not well."""

    def __init__(self) -> None:
        self.heard: list[tuple[str, bytes]] = []
        """The key and the body of each request."""
        self.url = ""

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
        (length,) = re.findall(r"content-length: (\d+)", head)
        (key,) = re.findall(r"idempotency-key: (\S+)", head)
        status, wait, body = MOODS[len(self.heard)]
        self.heard.append((key, await reader.readexactly(int(length))))
        if status:
            content = json.dumps(body).encode()
            more = f"Retry-After: {wait}\r\n" if wait else ""
            said = f"HTTP/1.1 {status} No\r\nConnection: close\r\n{more}"
            writer.write(f"{said}Content-Length: {len(content)}\r\n\r\n".encode() + content)
            await writer.drain()
        writer.close()
        await writer.wait_closed()


@pytest_asyncio.fixture
async def moody() -> AsyncIterator[Moody]:
    made = Moody()
    async with await asyncio.start_server(made.answer, "127.0.0.1", 0) as server:
        made.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        yield made


def repeats(moody: Moody) -> list[int]:
    """Count how often each request was sent, the same each time."""
    return [moody.heard.count(each) for each in dict.fromkeys(moody.heard)]


async def test_the_python_client_walks_every_type_of_step(house: House, client: ModuleType) -> None:
    executor = await house.executor()
    await house.publish(WITH_PASSKEY, FlowType.REGISTRATION)
    page: dict[str, Any] = {}
    exec(compile(shown("python"), "page", "exec"), page)  # noqa: S102 - it is our own page
    device, details = Device(), {"email": "sasha@example.com", "password": PASSWORD}
    assertion = await page["sign_up"](executor.url, details, device)
    assert jwt.decode(assertion, options={"verify_signature": False})["aud"]
    assert device.left == ["/terms"]
    with pytest.raises(ValueError, match="Enter an email address"):
        await page["sign_up"](executor.url, {**details, "email": "sasha"}, device)


async def test_the_python_client_sends_the_same_again_where_that_may_help(
    client: ModuleType, moody: Moody, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client, "PAUSES", (0.0, 0.0, 0.0, 0.0))
    async with aiohttp.ClientSession() as http:
        calls = client.Client(http, moody.url)
        current = await calls.start("LOGIN", deviceId="mine")
        assert (current.over, current.flow_status) == (True, "COMPLETE")
        assert repeats(moody) == [4]
        with pytest.raises(client.Refused) as refused:
            await calls.start("LOGIN")
        told = refused.value
        assert (told.status, told.code, told.trace_id) == (404, "FE-40401", "0af7")
        # Longer than anybody waits.
        with pytest.raises(client.Refused):
            await calls.start("LOGIN", bearer="x.y.z")
        assert repeats(moody) == [4, 1, 1]


async def test_the_typescript_client_is_typed_and_walks_too(
    house: House, executor: Executor, moody: Moody, tmp_path: Path
) -> None:
    await house.publish(SIGN_UP, FlowType.REGISTRATION)
    shutil.copy(DOCS / "examples" / "typescript" / "gatehouse.ts", tmp_path)
    (tmp_path / "app.ts").write_text(shown("ts"))
    clients = await node(SCRIPTS)
    compiler = clients.packages / "typescript" / "bin" / "tsc"
    # The library's own types would take three times as long as ours.
    flags = (
        "--strict --noEmit --erasableSyntaxOnly --allowImportingTsExtensions --skipLibCheck "
        "--target es2022 --module esnext --moduleResolution bundler"
    )
    checked = await clients.run(compiler, *flags.split(), "app.ts", folder=tmp_path)
    assert checked.code == 0, checked.said
    ran = await clients.run(
        SCRIPTS / "typescript.mjs",
        folder=tmp_path,
        FOLDER=str(tmp_path),
        URL=executor.url,
        MOODY_URL=moody.url,
        EMAIL="alex@example.com",
        PASSWORD=PASSWORD,
    )
    assert ran.code == 0, ran.complained
    told = json.loads(ran.said)
    assert jwt.decode(told["assertion"], options={"verify_signature": False})["aud"]
    assert told["left"] == ["/terms"]
    assert told["current"] == STEP
    assert told["refused"] == [True, 404, "FE-40401", "0af7"]
    assert repeats(moody) == [4, 1]
