"""The page about Auth0's tools: its programs and commands, run as they stand there."""

from __future__ import annotations

import asyncio
import os
import re
import shlex
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from libs.common.flow.model import Json
from tests.clients.npm import node
from tests.clients.tls import Secured, secured
from tests.integration.management.conftest import Api

PAGE = Path(__file__).parents[3] / "docs" / "how-to" / "use-auth0-tools.md"
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
SCOPES = ("read:flows", "create:flows", "update:flows", "delete:flows")


def block(language: str, after: str) -> str:
    """The first block of a language after a heading."""
    _, found, rest = PAGE.read_text().partition(f"## {after}\n")
    assert found
    return next(each[2] for each in BLOCK.finditer(rest) if each[1] == language)


@pytest.fixture
async def server(api: Api, tmp_path: Path) -> AsyncIterator[Secured]:
    base = api.session._base_url
    assert base is not None
    assert base.port is not None
    async with secured(base.port, tmp_path) as server:
        yield server


async def told(api: Api, server: Secured, tenant: str = "") -> dict[str, str]:
    """What the page's programs are told, by a client of that tenant."""
    path = f"{tenant}/api/admin/clients"
    client: Json = await api.done("POST", path, {"name": "deploy", "scopes": SCOPES})
    return {
        "DOMAIN": server.domain + tenant,
        "CLIENT_ID": client["client_id"],
        "CLIENT_SECRET": client["client_secret"],
    }


@pytest.mark.parametrize("tenant", ["", "/t/acme"])
async def test_the_program_in_python_prints_what_is_shown(
    api: Api, server: Secured, tenant: str
) -> None:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", block("python", "From Python")),
        env={
            **os.environ,
            **await told(api, server, tenant),
            "SSL_CERT_FILE": str(server.certificate),
        },
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    said, complained = await process.communicate()
    assert (process.returncode, complained) == (0, b"")
    assert said.decode() == block("text", "From Python")


async def test_the_program_for_node_prints_what_is_shown(
    api: Api, server: Secured, tmp_path: Path
) -> None:
    (tmp_path / "program.cjs").write_text(block("js", "From Node"))
    known = await told(api, server)
    ran = await (await node()).run("program.cjs", folder=tmp_path, server=server, **known)
    assert (ran.code, ran.said) == (0, block("text", "From Node")), ran.complained


async def test_the_commands_of_the_deploy_tool_do_what_is_said(
    api: Api, server: Secured, tmp_path: Path
) -> None:
    flow = {"name": "A", "steps": [{"id": "ask", "type": "mfa", "options": {"methods": ["totp"]}}]}
    await api.done("POST", "/api/v2/flows", flow)
    config = block("json", "With the deploy tool")
    for name, value in (await told(api, server)).items():
        config = config.replace(f"${name}", value)
    (tmp_path / "config.json").write_text(config)
    clients = await node()
    tool = clients.packages / "auth0-deploy-cli" / "lib" / "index.js"
    export, load = block("sh", "With the deploy tool").splitlines()
    for command in (export, load):
        name, *rest = shlex.split(command)
        assert name == "a0deploy"
        ran = await clients.run(tool, *rest, folder=tmp_path, server=server)
        assert ran.code == 0, ran.said + ran.complained
        (file,) = (tmp_path / "tenant" / "flows").iterdir()
        # As if it had been written for another tenant, where it is not yet.
        file.write_text(file.read_text().replace('"A"', '"B"'))
    names = [flow["name"] for flow in (await api.done("GET", "/api/v2/flows"))["flows"]]
    assert names == ["A", "B"]
