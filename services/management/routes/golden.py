"""`/api/admin/flows/{id}/golden`: the tests that versions of a flow have to pass before they run.

A test is sent in JSON or in YAML, as it is in a file of golden tests, without its `flow`.
"""

from __future__ import annotations

from typing import Annotated

import msgspec
from aiohttp import hdrs, web
from msgspec import UNSET, Meta, UnsetType

from libs.common.chassis.app import json_answer
from libs.common.errors import Invalid, Problem
from libs.common.flow.golden import Golden, NamedGolden, TestName, check, check_all
from libs.common.flow.model import Json
from services.management.auth import Tokens
from services.management.goldens import MOST_TESTS, Goldens
from services.management.records import GoldenTest
from services.management.routes.decode import decode_document, decode_if_sent
from services.management.routes.face import Door, flow_id, of_tenants
from services.management.routes.versions import Number


class TestBody(Golden, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """A test; its name is that of the path."""

    name: TestName | UnsetType = UNSET


class TestsBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """All tests of a flow."""

    tests: Annotated[tuple[NamedGolden, ...], Meta(max_length=MOST_TESTS)]


class RunBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which version to run the tests on: the newest unless given."""

    version: Number | None = None


class TestsAnswer(msgspec.Struct, frozen=True):
    """All tests of a flow, by name."""

    tests: tuple[Json, ...]


def golden_routes(goldens: Goldens, tokens: Tokens) -> tuple[web.RouteDef, ...]:
    """Return the routes of golden tests."""
    face = _Face(goldens, Door(tokens))
    path = "/api/admin/flows/{id}/golden"
    return of_tenants(
        (
            (hdrs.METH_GET, path, face.list),
            (hdrs.METH_PUT, path, face.replace),
            (hdrs.METH_DELETE, path, face.clear),
            (hdrs.METH_POST, path + "/run", face.run),
            (hdrs.METH_GET, path + "/{name}", face.get),
            (hdrs.METH_PUT, path + "/{name}", face.put),
            (hdrs.METH_DELETE, path + "/{name}", face.delete),
        )
    )


class _Face:
    def __init__(self, goldens: Goldens, door: Door) -> None:
        self._goldens = goldens
        self._door = door

    async def list(self, request: web.Request) -> web.Response:
        tenant, _ = self._door.admit(request, "read:flows")
        tests = await self._goldens.list(tenant, flow_id(request))
        return json_answer(TestsAnswer(tuple(map(written_test, tests))))

    async def get(self, request: web.Request) -> web.Response:
        tenant, _ = self._door.admit(request, "read:flows")
        name = request.match_info["name"]
        return json_answer(written_test(await self._goldens.get(tenant, flow_id(request), name)))

    async def put(self, request: web.Request) -> web.Response:
        tenant, author = self._door.admit(request, "update:flows")
        id, name = flow_id(request), _name(request)
        body = await decode_document(request, TestBody)
        _refuse(check(body))
        if body.name not in (UNSET, name):
            _refuse((Problem("invalid", "the path has another name", path="name"),))
        test = stored_test(name, body)
        is_new = await self._goldens.put(tenant, id, test, author)
        return json_answer(written_test(test), status=201 if is_new else 200)

    async def replace(self, request: web.Request) -> web.Response:
        tenant, author = self._door.admit(request, "update:flows")
        id = flow_id(request)
        body = await decode_document(request, TestsBody)
        _refuse(check_all(body.tests))
        tests = sorted((stored_test(each.name, each) for each in body.tests), key=_by_name)
        await self._goldens.replace(tenant, id, tests, author)
        return json_answer(TestsAnswer(tuple(map(written_test, tests))))

    async def clear(self, request: web.Request) -> web.Response:
        tenant, author = self._door.admit(request, "update:flows")
        await self._goldens.replace(tenant, flow_id(request), (), author)
        return web.Response(status=204)

    async def delete(self, request: web.Request) -> web.Response:
        tenant, author = self._door.admit(request, "update:flows")
        name = request.match_info["name"]
        await self._goldens.delete(tenant, flow_id(request), name, author)
        return web.Response(status=204)

    async def run(self, request: web.Request) -> web.Response:
        tenant, _ = self._door.admit(request, "read:flows")
        id = flow_id(request)
        body = await decode_if_sent(request, RunBody)
        return json_answer(await self._goldens.run(tenant, id, body.version))


def _name(request: web.Request) -> str:
    try:
        return msgspec.convert(request.match_info["name"], TestName)
    except msgspec.ValidationError as error:
        problem = Problem("invalid", str(error), path="name")
        raise Invalid("no golden test can be called so", (problem,)) from error


def stored_test(name: str, test: Golden) -> GoldenTest:
    """Return a test as it is kept."""
    fields = {each: getattr(test, each) for each in Golden.__struct_fields__}
    return GoldenTest(name, msgspec.json.encode(Golden(**fields)).decode())


def written_test(test: GoldenTest) -> Json:
    """Return a test as it is sent."""
    return {"name": test.name, **msgspec.json.decode(test.test)}


def _by_name(test: GoldenTest) -> str:
    return test.name


def _refuse(problems: tuple[Problem, ...]) -> None:
    if problems:
        raise Invalid("the golden tests are not as expected", problems)
