"""npm's clients of Auth0, unmodified: the SDK, and the deploy tool with an export that changes."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
import pytest

from libs.common.flow.model import Json
from tests.clients.npm import SCRIPTS, Node, node
from tests.clients.tls import Secured, secured
from tests.integration.management.conftest import Api, token

FLOWS = "/api/v2/flows"
CONDITION: Json = {
    "id": "unverified",
    "type": "condition",
    "options": {"expression": "user.email_verified === false", "on_error": "halt"},
}
MFA: Json = {"id": "ask", "type": "mfa", "options": {"methods": ["totp"]}}


@pytest.fixture
async def clients() -> Node:
    return await node()


@pytest.fixture
async def server(api: Api, tmp_path: Path) -> AsyncIterator[Secured]:
    base = api.session._base_url
    assert base is not None
    assert base.port is not None
    async with secured(base.port, tmp_path) as server:
        yield server


async def test_the_sdk_walks_every_endpoint(clients: Node, server: Secured, tmp_path: Path) -> None:
    ran = await clients.run(
        SCRIPTS / "sdk.cjs",
        folder=tmp_path,
        server=server,
        DOMAIN=server.domain,
        TOKEN=token(),
        STEPS=msgspec.json.encode([CONDITION]).decode(),
    )
    assert ran.code == 0, ran.complained
    told = msgspec.json.decode(ran.said)
    assert (told["listed"], told["total"]) == (["a", "b", "c"], 3)
    assert told["updated"] == told["read"]
    assert (told["read"]["name"], told["read"]["steps"]) == ("A", [CONDITION])
    assert told["connections"] == []
    refused = {
        name: (told[name]["name"], told[name]["status"], told[name]["body"]["error"])
        for name in ("missing", "stranger", "wrong")
    }
    assert refused == {
        "missing": ("NotFoundError", 404, "not_found"),
        "stranger": ("UnauthorizedError", 401, "unauthorized"),
        "wrong": ("BadRequestError", 400, "bad_request"),
    }


class Deploy:
    """Auth0's deploy tool, for flows alone."""

    def __init__(self, clients: Node, server: Secured, folder: Path, **settings: Json) -> None:
        self._clients = clients
        self._server = server
        self._folder = folder
        config = {"AUTH0_DOMAIN": server.domain, "AUTH0_INCLUDED_ONLY": ["flows"], **settings}
        (folder / "config.json").write_bytes(msgspec.json.encode(config))

    async def run(self, *command: str) -> str:
        tool = self._clients.packages / "auth0-deploy-cli" / "lib" / "index.js"
        said = ("--config_file", "config.json")
        ran = await self._clients.run(
            tool, *command, *said, folder=self._folder, server=self._server
        )
        assert ran.code == 0, f"{ran.said}{ran.complained}"
        return ran.said + ran.complained

    async def export(self) -> str:
        return await self.run("export", "--format", "directory", "--output_folder", "tenant")

    async def load(self) -> str:
        # It compiles the schemas of all that Auth0 has, which takes most of a minute where others
        # want the processor too.
        return await self.run("import", "--input_file", "tenant")


async def credentials(api: Api, *scopes: str) -> Json:
    """Register a client, and return how the tool is told of it."""
    made = await api.done("POST", "/api/admin/clients", {"name": "deploy", "scopes": scopes})
    return {"AUTH0_CLIENT_ID": made["client_id"], "AUTH0_CLIENT_SECRET": made["client_secret"]}


async def test_what_the_deploy_tool_exports_is_changed_and_imported(
    api: Api, clients: Node, server: Secured, tmp_path: Path
) -> None:
    steps = [CONDITION, MFA]
    factor = {
        "name": "Second factor",
        "trigger": {"id": "post-login", "version": "v2"},
        "status": "active",
        "steps": steps,
    }
    for name in ("Second factor", "Old", "Kept"):
        await api.done("POST", FLOWS, {**factor, "name": name})
    sign_in = await api.create(display_name="Sign in")
    known = await credentials(api, "read:flows", "create:flows", "update:flows", "delete:flows")
    tool = Deploy(clients, server, tmp_path, AUTH0_ALLOW_DELETE=True, **known)
    await tool.export()
    folder = tmp_path / "tenant" / "flows"
    exported = {path.stem: msgspec.json.decode(path.read_bytes()) for path in folder.iterdir()}
    assert exported.keys() == {"Second factor", "Old", "Kept", "Sign in"}
    assert exported["Second factor"] == factor
    assert "steps_unavailable" in exported["Sign in"]

    (folder / "Second factor.json").write_bytes(msgspec.json.encode({**factor, "steps": [MFA]}))
    another = {**factor, "name": "Another", "status": "draft"}
    (folder / "Another.json").write_bytes(msgspec.json.encode(another))
    (folder / "Old.json").unlink()
    await tool.load()
    after = {flow["name"]: flow for flow in (await api.done("GET", FLOWS))["flows"]}
    assert {name: flow["status"] for name, flow in after.items()} == {
        "Second factor": "active",
        "Kept": "active",
        "Sign in": "draft",
        "Another": "draft",
    }
    changed = await api.done("GET", f"{FLOWS}/flow_second_factor")
    assert changed["steps"] == [MFA]
    # What was not changed has no other version, whether or not steps can say it.
    for id in ("flow_kept", sign_in):
        assert (await api.done("GET", f"/api/admin/flows/{id}"))["version"] == 1


async def test_the_deploy_tool_passes_over_what_it_may_not_read(
    api: Api, clients: Node, server: Secured, tmp_path: Path
) -> None:
    tool = Deploy(clients, server, tmp_path, **await credentials(api, "create:flows"))
    assert "Cannot retrieve flows due to missing scopes" in await tool.export()
