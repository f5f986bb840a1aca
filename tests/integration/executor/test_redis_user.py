"""What Redis lets the user do that the docs describe is all that an executor needs."""

from __future__ import annotations

import secrets
from pathlib import Path

import pytest

from deploy.local.server import Server
from deploy.local.valkey import ask
from tests.integration.executor.conftest import PASSWORD, Build
from tests.integration.executor.graphs import LOGIN

PAGE = Path(__file__).parents[3] / "docs/how-to/connect-to-redis.md"
COMMAND = "ACL SETUSER gatehouse "
EMAIL = "sasha@example.com"


def rules() -> list[str]:
    """Return what the page has a user created with."""
    (line,) = [line for line in PAGE.read_text().splitlines() if line.startswith(COMMAND)]
    return line.removeprefix(COMMAND).split()


async def test_the_user_that_the_docs_describe_is_enough(
    request: pytest.FixtureRequest, build_house: Build, any_redis_url: str, servers_password: str
) -> None:
    cluster = any_redis_url.startswith("redis+cluster")
    servers: tuple[Server, ...] = (
        request.getfixturevalue("redis_cluster")
        if cluster
        else (request.getfixturevalue("redis_server"),)
    )
    own = secrets.token_urlsafe()
    granted = [rule.replace("PASSWORD", own) for rule in rules()]
    for server in servers:
        await ask(server.port, servers_password, COMMAND, *granted)
    try:
        house = await build_house(
            any_redis_url.replace(f":{servers_password}@", f"gatehouse:{own}@")
        )
        executor = await house.executor()
        await house.publish(LOGIN)
        await house.person(EMAIL)
        step = await executor.at_password(EMAIL)
        reply = await executor.answer(step, password=PASSWORD)
        assert (reply.status, reply.body["flowStatus"]) == (200, "COMPLETE")
        await executor.stop()
    finally:
        for server in servers:
            await ask(server.port, servers_password, "ACL DELUSER", "gatehouse")
