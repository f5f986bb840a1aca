"""A list of breached passwords, asked by the beginning of a hash and no more."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from libs.common.chassis.networks import Networks
from libs.common.chassis.outgoing import Outgoing
from libs.common.flow.model import FlowType
from libs.common.secret import Secret
from services.executor.breaches import Breaches, check_list
from tests.integration.executor.conftest import PASSWORD, House
from tests.integration.executor.graphs import START, SUCCESS, graph

KNOWN, PADDED = "password of a breach", "password of the padding"


class List:
    """What answers as the list does, and remembers what it was asked."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.status = 200

    async def answer(self, request: web.Request) -> web.Response:
        beginning = request.match_info["beginning"]
        self.asked.append(beginning)
        assert request.headers["Add-Padding"] == "true"
        lines = [f"{35 * 'A'}:3"]
        for password, times in ((KNOWN, 7), (PADDED, 0)):
            digest = hashlib.sha1(password.encode()).hexdigest().upper()  # noqa: S324 - the list's
            if digest.startswith(beginning):
                lines.append(f"{digest[5:]}:{times}")
        return web.Response(text="\r\n".join(lines), status=self.status)


@pytest.fixture
async def served() -> AsyncIterator[tuple[List, str]]:
    known = List()
    app = web.Application()
    app.router.add_get("/range/{beginning}", known.answer)
    async with TestServer(app) as server:
        yield known, str(server.make_url("/range/"))


async def test_a_password_is_known_by_its_hash_of_which_five_digits_are_told(
    served: tuple[List, str],
) -> None:
    known, url = served
    async with Outgoing(Networks(("127.0.0.1",))) as outgoing:
        breaches = Breaches(outgoing, url)
        assert await breaches.has(Secret(KNOWN))
        assert not await breaches.has(Secret(PADDED))
        assert not await breaches.has(Secret("another"))
        assert [len(each) for each in known.asked] == [5, 5, 5]
        known.status = 503
        assert not await breaches.has(Secret(KNOWN))


async def test_a_list_that_may_not_be_called_or_is_away_says_nothing(
    served: tuple[List, str],
) -> None:
    known, url = served
    async with Outgoing(Networks(())) as outgoing:
        assert not await Breaches(outgoing, url).has(Secret(KNOWN))
        assert not await Breaches(outgoing, None).has(Secret(KNOWN))
    assert known.asked == []


@pytest.mark.parametrize("url", ["https://list.example.com/range", "list/", "ftp://list/"])
def test_where_nothing_can_be_added_is_no_list(url: str) -> None:
    with pytest.raises(ValueError, match="ends in /"):
        check_list(url)


async def test_a_flow_refuses_it_and_writes_the_next(
    house: House, served: tuple[List, str]
) -> None:
    _, url = served
    nodes: list[dict[str, Any]] = [
        START,
        {
            "id": "who",
            "type": "prompt",
            "config": {"fields": [{"name": "username", "type": "username", "label": "Name"}]},
        },
        {"id": "key", "type": "password_setup"},
        {"id": "write", "type": "user_write"},
        SUCCESS,
    ]
    edges: list[tuple[str, ...]] = [
        ("start", "who"),
        ("who", "key"),
        ("key", "write"),
        ("write", "success"),
    ]
    await house.publish(graph(nodes, edges), FlowType.REGISTRATION)
    executor = await house.executor(breached_url=url, outgoing_allowed=("127.0.0.1",))
    step = await executor.answer(await executor.start("REGISTRATION"), username="sasha")
    refused = await executor.answer(step, password=KNOWN, confirmation=KNOWN)
    assert refused.data["fieldErrors"][0]["i18nKey"] == "password.breached"
    done = await executor.answer(refused, password=PASSWORD, confirmation=PASSWORD)
    assert done.body["flowStatus"] == "COMPLETE"
    account = await house.directory.find("default", ("username",), "sasha")
    assert account is not None
    stored = await house.directory.password_hash("default", account)
    assert stored is not None
    assert stored.startswith("$argon2id$")
    assert KNOWN.encode() not in executor.logged()
