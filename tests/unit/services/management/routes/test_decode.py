from collections.abc import AsyncIterator
from typing import Annotated

import msgspec
import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from msgspec import UNSET, Meta, UnsetType

from libs.common.errors import Invalid, Problem
from libs.common.flow.model import Json
from services.management.routes.decode import DEPTH, decode, decode_query


class Inner(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    number: Annotated[int, Meta(ge=1)]
    free: Json = None


class Outer(msgspec.Struct, frozen=True):
    inner: Inner
    maybe: Inner | UnsetType | None = UNSET
    many: tuple[Inner, ...] = ()
    either: int | str = 0


class Query(msgspec.Struct, frozen=True):
    number: Annotated[int, Meta(le=9)] = 1


Client = TestClient[web.Request, web.Application]


@pytest.fixture
async def client() -> AsyncIterator[Client]:
    """A server that answers with what was decoded, or with the problems."""

    async def answer(request: web.Request) -> web.Response:
        try:
            decoded: object = (
                await decode(request, Outer)
                if request.method == "POST"
                else decode_query(request, Query)
            )
        except Invalid as error:
            return web.Response(body=msgspec.json.encode(error.problems), status=400)
        return web.Response(body=msgspec.json.encode(decoded))

    app = web.Application()
    app.router.add_route("*", "/", answer)
    async with TestClient(TestServer(app)) as opened:
        yield opened


async def problems(client: Client, body: Json) -> list[tuple[str, str | None]]:
    answer = await client.post("/", json=body)
    assert answer.status == 400
    found = msgspec.json.decode(await answer.read(), type=list[Problem])
    return [(problem.code, problem.path) for problem in found]


async def test_what_is_right_is_decoded(client: Client) -> None:
    answer = await client.post("/", json={"inner": {"number": 1}, "other": 2})
    assert answer.status == 200
    assert await answer.json(content_type=None) == {
        "inner": {"number": 1, "free": None},
        "many": [],
        "either": 0,
    }


async def test_each_part_is_told_by_its_path(client: Client) -> None:
    body = {
        "inner": {"number": 0, "x": 1},
        "maybe": {"number": "1"},
        "many": [{"number": 1}, {"number": 0}, {}],
        "either": None,
    }
    assert await problems(client, body) == [
        ("unknown_field", "inner.x"),
        ("invalid", "inner.number"),
        ("invalid", "maybe.number"),
        ("invalid", "many[1].number"),
        ("missing_field", "many[2].number"),
        ("invalid", "either"),
    ]


async def test_the_whole_of_it_has_no_path(client: Client) -> None:
    assert await problems(client, []) == [("invalid", None)]


async def test_what_is_wrong_before_it_ends_too_early_is_told_alone(client: Client) -> None:
    headers = {"Content-Type": "application/json"}
    answer = await client.post("/", data=b'{"inner": 1, ', headers=headers)
    [problem] = msgspec.json.decode(await answer.read(), type=list[Problem])
    assert problem.path == "inner"


@pytest.mark.parametrize(("levels", "status"), [(DEPTH - 2, 200), (DEPTH - 1, 400)])
async def test_nesting_is_bounded(client: Client, levels: int, status: int) -> None:
    free: Json = 1
    for _ in range(levels):
        free = [free]
    answer = await client.post("/", json={"inner": {"number": 1, "free": free}})
    assert answer.status == status


@pytest.mark.parametrize("free", ["a\0", {"\0": 1}, [[{"a": "\0"}]]])
async def test_text_that_the_store_cannot_read_is_refused(client: Client, free: Json) -> None:
    answer = await client.post("/", json={"inner": {"number": 1, "free": free}})
    assert answer.status == 400
    assert "NUL" in await answer.text()
    spoken: Json = "\\u0000"
    answer = await client.post("/", json={"inner": {"number": 1, "free": spoken}})
    assert answer.status == 200


async def test_numbers_of_a_query_are_read_from_text_and_strangers_pass(client: Client) -> None:
    answer = await client.get("/?number=7&utm=x")
    assert await answer.json(content_type=None) == {"number": 7}
    answer = await client.get("/?number=10")
    [problem] = msgspec.json.decode(await answer.read(), type=list[Problem])
    assert problem.path == "number"
